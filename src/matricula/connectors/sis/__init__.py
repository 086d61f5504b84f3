"""The register itself as a connected system, through the same door as everyone else."""

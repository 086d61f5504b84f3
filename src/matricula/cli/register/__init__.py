"""The commands of the register: what an office does with the official record."""

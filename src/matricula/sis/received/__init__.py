"""What other systems own and the register is told; no action of ours edits it."""

"""What other systems may ask of us, and tell us."""

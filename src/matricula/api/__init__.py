"""What other systems may ask of us, as clients of one served copy each, and may tell us."""

"""What was told to whom, on which channel, and whether it arrived."""

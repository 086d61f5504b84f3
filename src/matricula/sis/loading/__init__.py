"""Loading: many records at once, from another system's files or made up, in one act."""

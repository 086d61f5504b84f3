"""The commands. Each parses, calls one function, prints."""

"""Ex Libris Alma: its external users written to it, and what they still have read from it."""

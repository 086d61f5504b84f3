"""A made-up university: the same rows for the same seed, legal by the rules of the register."""

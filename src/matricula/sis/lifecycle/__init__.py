"""A student's life: acts that reach into several parts of the register at once."""

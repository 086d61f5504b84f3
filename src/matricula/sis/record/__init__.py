"""The record as the register tells it to other systems."""

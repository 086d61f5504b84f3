"""SCIM 2.0 as the standard has it: flat fields and their values."""

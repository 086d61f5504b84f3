"""FOLIO: its users written to it by user import, and what they still have read from it."""

"""Koha: patrons written to it, and what they have on loan, on hold and owe read from it."""

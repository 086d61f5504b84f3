"""The append-only record of who did what and why, sealed so that outsiders can check it."""

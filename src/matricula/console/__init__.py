"""Pages for staff. Still an empty room."""

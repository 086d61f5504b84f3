"""Pages for students. Still an empty room."""

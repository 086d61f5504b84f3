"""Users, roles with a scope, sign-in, confirmation before dangerous acts. Still an empty room."""

"""The register: the student platform that owns the official record. Still an empty room."""

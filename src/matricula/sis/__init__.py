"""The register: the student platform that owns the official record; one app for each part."""

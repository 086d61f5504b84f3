"""SCIM 2.0 as we serve it: RFC 7644 for reading, over what the `scim_provider` connector keeps."""

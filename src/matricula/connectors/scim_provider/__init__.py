"""What identity providers may fetch from us over SCIM 2.0, as a connected system."""

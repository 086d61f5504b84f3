"""What every connector is made of: protocol, HTTP client, error kinds, conformance suite."""

"""What other systems may ask of us: let in as clients, each to one served copy, by scopes."""

"""OneRoster 1.1 and 1.2 over REST, as a source: somebody else's roster, read and never written."""

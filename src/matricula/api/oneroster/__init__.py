"""OneRoster 1.2 over REST: the copy that the charter grants a consumer, and no more."""

"""Connected systems, one folder each, all behind the protocol of the kit."""

"""OneRoster 1.1 and 1.2 bundles of CSV files, as a source and as a target."""

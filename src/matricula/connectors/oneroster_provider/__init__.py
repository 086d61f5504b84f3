"""What OneRoster consumers may fetch from us: kept like any other target, served by `api`."""

"""Who may act: accounts, and roles granted with a scope and for a time."""

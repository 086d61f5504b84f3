"""OneRoster as values: its tables, what they demand of values, and what a write does to rows."""

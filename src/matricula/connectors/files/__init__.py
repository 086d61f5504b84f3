"""Files in a folder as a connected system: CSV, Parquet, JSON Lines; as source and as target."""

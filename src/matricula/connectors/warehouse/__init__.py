"""The reporting warehouse: every copy with its history, in DuckDB and Parquet or PostgreSQL."""

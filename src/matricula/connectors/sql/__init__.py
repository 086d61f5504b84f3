"""Any SQL database as a connected system: tables and views read, tables written."""

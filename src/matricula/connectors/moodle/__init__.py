"""The `moodle` connector: a Moodle site over its REST web services."""

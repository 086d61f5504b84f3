"""SIP2: what a person still has from a library, asked of whatever library system it is."""

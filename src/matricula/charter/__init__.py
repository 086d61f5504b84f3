"""The charter: text in, frozen values out. Knows no web framework, no database, no connector."""

"""Accounts and groups of any identity provider that speaks SCIM 2.0 (RFC 7643, RFC 7644)."""

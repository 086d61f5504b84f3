"""Directories that speak LDAP: OpenLDAP and its relatives, Active Directory."""

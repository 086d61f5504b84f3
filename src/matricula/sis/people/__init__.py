"""Persons, their names, contact points, numbers, directives and duties."""

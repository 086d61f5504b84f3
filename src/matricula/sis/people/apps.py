"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Persons, their names, contact points, numbers, directives and duties."""

    name = "matricula.sis.people"
    label = "people"

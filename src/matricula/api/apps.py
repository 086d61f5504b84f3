"""The room as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Clients that are let in, and the tokens they were given."""

    name = "matricula.api"
    label = "api"

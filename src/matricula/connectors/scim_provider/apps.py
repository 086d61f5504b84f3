"""The connector as a Django app: its rows lie in our own database."""

from __future__ import annotations

from django.apps import AppConfig


class ScimProviderConfig(AppConfig):
    """What identity providers may fetch from us."""

    name = "matricula.connectors.scim_provider"
    label = "scim_provider"

"""The connector as a Django app: its rows lie in our own database."""

from __future__ import annotations

from django.apps import AppConfig


class OneRosterProviderConfig(AppConfig):
    """What OneRoster consumers may fetch from us."""

    name = "matricula.connectors.oneroster_provider"
    label = "oneroster_provider"

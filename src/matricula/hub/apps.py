"""The hub as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class HubConfig(AppConfig):
    """Runs, links, effects, incidents."""

    name = "matricula.hub"
    label = "hub"

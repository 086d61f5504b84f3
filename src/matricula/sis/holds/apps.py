"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class HoldsConfig(AppConfig):
    """What an office holds against a service, and every decision that was made of it."""

    name = "matricula.sis.holds"
    label = "holds"

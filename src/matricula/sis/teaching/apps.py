"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class TeachingConfig(AppConfig):
    """Who teaches what and when, and who was there."""

    name = "matricula.sis.teaching"
    label = "teaching"

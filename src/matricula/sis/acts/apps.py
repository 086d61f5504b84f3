"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ActsConfig(AppConfig):
    """What was done to the register: by whom, in which role, on which ground."""

    name = "matricula.sis.acts"
    label = "acts"

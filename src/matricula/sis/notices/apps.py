"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class NoticesConfig(AppConfig):
    """What was told to whom, on which channel, and whether it arrived."""

    name = "matricula.sis.notices"
    label = "notices"

"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class RecordConfig(AppConfig):
    """The record as the register tells it to other systems."""

    name = "matricula.sis.record"
    label = "record"

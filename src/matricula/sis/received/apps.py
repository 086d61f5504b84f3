"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class ReceivedConfig(AppConfig):
    """What other systems own and the register is told; no action of ours edits it."""

    name = "matricula.sis.received"
    label = "received"

"""The audit as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Entries, the batches that seal them, and the checkpoints that vouch for both."""

    name = "matricula.audit"
    label = "audit"

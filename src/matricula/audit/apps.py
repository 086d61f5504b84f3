"""The audit as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Append-only entries, sealed in batches."""

    name = "matricula.audit"
    label = "audit"

"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class RegistrationConfig(AppConfig):
    """Students and their registrations: one history of dated events for each attempt."""

    name = "matricula.sis.registration"
    label = "registration"

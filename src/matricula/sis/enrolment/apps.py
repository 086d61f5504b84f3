"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class EnrolmentConfig(AppConfig):
    """Term registrations, enrolments, seats and waitlists."""

    name = "matricula.sis.enrolment"
    label = "enrolment"

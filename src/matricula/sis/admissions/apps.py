"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class AdmissionsConfig(AppConfig):
    """From enquiry and application to offer, decision and matriculation."""

    name = "matricula.sis.admissions"
    label = "admissions"

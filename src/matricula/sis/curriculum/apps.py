"""The part as a Django app."""

from __future__ import annotations

from django.apps import AppConfig


class CurriculumConfig(AppConfig):
    """What is taught: programmes, modules, terms, sections, meetings, rooms."""

    name = "matricula.sis.curriculum"
    label = "curriculum"

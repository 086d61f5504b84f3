"""What was received, by the names under which the charter knows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.sis.received import models

if TYPE_CHECKING:
    from collections.abc import Mapping

    from django.db.models import Model

RESOURCES: Mapping[str, type[Model]] = {
    "clearance": models.Clearance,
    "student_logins": models.StudentLogin,
    "imported_marks": models.ImportedMark,
    "payments": models.SettledPayment,
}


def of_student(number: str) -> dict[str, list[dict[str, Any]]]:
    """List what was received about a student, per resource, unverified as it is."""
    return {
        name: list(model._default_manager.filter(student_no=number).values())  # noqa: SLF001 - Django's own name for it
        for name, model in RESOURCES.items()
    }

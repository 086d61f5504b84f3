"""What was received, by the names under which the charter knows it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.sis.received import models

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from decimal import Decimal

    from django.db.models import Model

CLEARANCE = "clearance"
RESOURCES: Mapping[str, type[Model]] = {
    CLEARANCE: models.Clearance,
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


@dataclass(frozen=True, slots=True)
class Cleared:
    """What is said of a student's clearance; None where nothing is. Money in major units.

    Attributes:
        overdue_loans: How many things are overdue at the library.
        library_fines: What is owed to it.
        balance_due: What accounting says is owed.
        is_clear: The one answer, as the charter sums it up.
    """

    overdue_loans: int | None
    library_fines: Decimal | None
    balance_due: Decimal | None
    is_clear: bool | None


def clearance_of(numbers: Iterable[str]) -> dict[str, Cleared]:
    """Give what is said of the clearance of students; of whom nothing is are not there."""
    columns = ("overdue_loans", "library_fines", "balance_due", "is_clear")
    rows = models.Clearance.objects.filter(student_no__in=list(numbers))
    return {number: Cleared(*said) for number, *said in rows.values_list("student_no", *columns)}


def is_unheeded() -> bool:
    """Whether somebody's clearance changed and nobody has looked yet."""
    return models.Unheeded.objects.exists()


def heard_at(resource: str) -> datetime | None:
    """Say when whoever tells of a resource was last heard; None where nobody ever was."""
    return models.Heard.objects.filter(resource=resource).values_list("at", flat=True).first()

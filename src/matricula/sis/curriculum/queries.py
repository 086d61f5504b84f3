"""What is taught, as other rooms may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.curriculum.models import CurriculumVersion, Programme

if TYPE_CHECKING:
    from collections.abc import Iterable


def programme(code: str) -> Programme:
    """Find a programme.

    Raises:
        Refused: There is none (M921).
    """
    found = Programme.objects.filter(code=code).select_related("department").first()
    if found is None:
        codes = Programme.objects.order_by("code").values_list("code", flat=True)
        raise Refused("M921", f"There is no programme {code}.", cure=meant(code, codes))
    return found


def department_of(code: str) -> str:
    """Say which department answers for a programme."""
    return programme(code).department.code


def version_for(code: str, cohort: str) -> str:
    """Say which curriculum version a cohort of a programme follows.

    Raises:
        Refused: None is written for it (M921).
    """
    versions = CurriculumVersion.objects.filter(programme__code=code, from_cohort__lte=cohort)
    for one in versions.order_by("-from_cohort"):
        if not one.to_cohort or cohort <= one.to_cohort:
            return one.version
    raise Refused(
        "M921", f"No curriculum of {code} is written for the cohort {cohort}.",
        cure="Add a version that begins with this cohort or an earlier one.",
    )  # fmt: skip


def programme_records(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Tell of programmes as the record keeps them: `code`, `title`, `department`."""
    found = Programme.objects.filter(code__in=list(codes)).select_related("department")
    return [
        {"code": one.code, "title": one.title, "department": one.department.code} for one in found
    ]

"""Programmes, what their cohorts must do, and modules."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.curriculum import rules
from matricula.sis.curriculum.models import CurriculumVersion, Module, ModuleVersion, Programme

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date
    from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Curriculum:
    """What a cohort of a programme must do.

    Attributes:
        programme: Its code.
        version: The version's name.
        credits: How many credits it takes in all.
        requirements: The whole tree, those credits included.
    """

    programme: str
    version: str
    credits: Decimal
    requirements: rules.Requirement


@dataclass(frozen=True, slots=True)
class Offered:
    """A module as it is taught on a day.

    Attributes:
        code: Its code.
        title: Of the version that holds.
        credits: What it is worth.
        level: Its level.
        department: Who answers for it.
        requisites: What a student must have or be.
    """

    code: str
    title: str
    credits: Decimal
    level: int
    department: str
    requisites: str


def programme(code: str) -> Programme:
    """Find a programme.

    Raises:
        Refused: There is none (M921).
    """
    found = Programme.objects.filter(code=code).select_related("department").first()
    if found is None:
        cure = meant(code, programme_codes())
        raise Refused("M921", f"There is no programme {code}.", cure=cure)
    return found


def department_of(code: str) -> str:
    """Say which department answers for a programme."""
    return programme(code).department.code


def version_for(code: str, cohort: str) -> str:
    """Say which curriculum version a cohort of a programme follows.

    Raises:
        Refused: None is written for it (M921).
    """
    versions = {
        (one.from_cohort, one.to_cohort or None): one.version
        for one in CurriculumVersion.objects.filter(programme__code=code)
    }
    found = rules.in_force(versions, cohort)
    if found is not None:
        return versions[found]
    raise Refused(
        "M921", f"No curriculum of {code} is written for the cohort {cohort}.",
        cure="Add a version that begins with this cohort or an earlier one.",
    )  # fmt: skip


def curriculum(code: str, version: str) -> Curriculum:
    """Find a version of a programme's curriculum.

    Raises:
        Refused: There is none (M921).
    """
    found = CurriculumVersion.objects.filter(programme__code=code, version=version).first()
    if found is None:
        versions = CurriculumVersion.objects.filter(programme__code=code)
        raise Refused(
            "M921", f"There is no curriculum {version} of {code}.",
            cure=meant(version, versions.order_by("version").values_list("version", flat=True)),
        )  # fmt: skip
    tree = rules.with_credits(rules.parse_requirements(found.requirements), found.credits)
    return Curriculum(code, version, found.credits, tree)


def module_row(code: str) -> Module:
    """Find a module, whatever its version.

    Raises:
        Refused: There is none (M921).
    """
    found = Module.objects.filter(code=code).select_related("department").first()
    if found is None:
        raise Refused("M921", f"There is no module {code}.", cure=meant(code, module_codes()))
    return found


def programme_codes() -> list[str]:
    """Name every programme, in order."""
    return list(Programme.objects.order_by("code").values_list("code", flat=True))


def module_codes() -> list[str]:
    """Name every module, in order."""
    return list(Module.objects.order_by("code").values_list("code", flat=True))


def unknown_modules(codes: Iterable[str]) -> list[str]:
    """Name those of some codes that are no module's, in their order."""
    wanted = set(codes)
    return sorted(
        wanted - set(Module.objects.filter(code__in=wanted).values_list("code", flat=True))
    )


def modules(codes: Iterable[str], *, on: date) -> dict[str, Offered]:
    """Say what modules are on a day; one that is not taught then is left out."""
    return {
        one.module.code: Offered(
            one.module.code, one.title, one.credits, one.level, one.module.department.code,
            one.requisites,
        )
        for one in versions_on(codes, on=on)
    }  # fmt: skip


def versions_on(codes: Iterable[str], *, on: date) -> list[ModuleVersion]:
    """List the versions of some modules that hold on a day, at most one of each."""
    rows = ModuleVersion.objects.filter(module__code__in=list(codes), starts_on__lte=on)
    # The later one takes the place of the earlier.
    last = {one.module_id: one for one in rows.order_by("starts_on").select_related(
        "module__department"
    )}  # fmt: skip
    return [one for one in last.values() if one.ends_on is None or on <= one.ends_on]


def programme_records(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Tell of programmes as the record keeps them: `code`, `title`, `department`."""
    chosen = Programme.objects.filter(code__in=list(codes)).select_related("department")
    found = chosen.order_by("code")
    return [
        {"code": one.code, "title": one.title, "department": one.department.code} for one in found
    ]


def module_records(codes: Iterable[str], *, on: date) -> list[dict[str, Any]]:
    """Tell of modules as the record keeps them: `code`, `title`, `department`.

    The title is that of the version taught on a day, or of the first that will be.
    """
    versions = ModuleVersion.objects.filter(module__code__in=list(codes))
    titles: dict[str, str] = {}
    for one in versions.order_by("starts_on").select_related("module"):
        if one.starts_on <= on or one.module.code not in titles:
            titles[one.module.code] = one.title
    found = Module.objects.filter(code__in=list(titles)).select_related("department")
    return [
        {"code": one.code, "title": titles[one.code], "department": one.department.code}
        for one in found
    ]


def modules_touched_on(first: date, last: date) -> set[str]:
    """List the modules of which a version begins to hold on some days, both included."""
    found = ModuleVersion.objects.filter(starts_on__range=(first, last))
    return set(found.values_list("module__code", flat=True))

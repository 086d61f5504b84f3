"""What is taught, as other rooms may read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.curriculum.models import (
    CurriculumVersion,
    Meeting,
    Module,
    ModuleVersion,
    Programme,
    RefundBand,
    Section,
    Term,
    TermVersion,
)
from matricula.sis.curriculum.rules import MeetingTime, Taught, TermDates

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet


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


def term(code: str, *, known_at: datetime | None = None) -> TermDates:
    """Find a term, with its dates as they are known now or were at an instant.

    Raises:
        Refused: There is none (M921).
    """
    found = _terms(Term.objects.filter(code=code), known_at)
    if not found:
        codes = Term.objects.order_by("code").values_list("code", flat=True)
        raise Refused("M921", f"There is no term {code}.", cure=meant(code, codes))
    return found[0]


def terms(*, known_at: datetime | None = None) -> list[TermDates]:
    """List the terms, the earliest first."""
    return _terms(Term.objects.all(), known_at)


def terms_on(on: date, *, known_at: datetime | None = None) -> list[TermDates]:
    """List the terms that contain a day, the earliest first."""
    return [one for one in terms(known_at=known_at) if one.starts_on <= on <= one.ends_on]


def _terms(chosen: QuerySet[Term], known_at: datetime | None) -> list[TermDates]:
    rows = TermVersion.objects.filter(term__in=chosen)
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    # The later one takes the place of the earlier.
    latest = {one.term_id: one for one in rows.order_by("id").select_related("term")}
    bands: dict[int, list[tuple[date, int]]] = {one.pk: [] for one in latest.values()}
    for band in RefundBand.objects.filter(version__in=list(bands)).order_by("until_on"):
        bands[band.version_id].append((band.until_on, band.percent))
    found = [_dates(one, tuple(bands[one.pk])) for one in latest.values()]
    return sorted(found, key=lambda one: (one.starts_on, one.code))


def _dates(one: TermVersion, bands: tuple[tuple[date, int], ...]) -> TermDates:
    return TermDates(
        one.term.code, one.term.title, one.starts_on, one.ends_on, one.register_from,
        one.add_until, one.drop_until, one.census_on, one.withdraw_until, one.marks_due_on,
        one.board_on, bands,
    )  # fmt: skip


def section(code: str) -> Taught:
    """Find a section.

    Raises:
        Refused: There is none (M921).
    """
    found = sections([code]).get(code)
    if found is None:
        raise Refused(
            "M921", f"There is no section {code}.",
            cure=meant(code, Section.objects.order_by("code").values_list("code", flat=True)),
        )  # fmt: skip
    return found


def sections(codes: Iterable[str]) -> dict[str, Taught]:
    """Find sections by their codes; a code that is none is left out."""
    rows = list(_described(Section.objects.filter(code__in=list(codes))))
    meetings = _meetings([one.pk for one in rows])
    return {one.code: _taught(one, tuple(meetings[one.pk])) for one in rows}


def sections_of(term: str) -> list[str]:
    """List the codes of a term's sections."""
    found = Section.objects.filter(term__code=term).order_by("code")
    return list(found.values_list("code", flat=True))


def section_records(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Tell of sections as the record keeps them."""
    rows = list(_described(Section.objects.filter(code__in=list(codes))))
    dated = _terms(Term.objects.filter(pk__in={one.term_id for one in rows}), None)
    years = {one.code: str(one.starts_on.year) for one in dated}
    return [
        {
            "code": one.code, "title": one.module_version.title,
            "module": one.module_version.module.code, "term": one.term.code,
            "year": years[one.term.code], "state": one.state,
        }
        for one in rows
    ]  # fmt: skip


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


def term_records(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Tell of terms as the record keeps them."""
    return [
        {
            "code": one.code, "title": one.title, "starts_on": one.starts_on,
            "ends_on": one.ends_on, "year": str(one.starts_on.year),
        }
        for one in _terms(Term.objects.filter(code__in=list(codes)), None)
    ]  # fmt: skip


def _described(chosen: QuerySet[Section]) -> QuerySet[Section]:
    return chosen.order_by("code").select_related(
        "module_version__module__department", "term", "campus"
    )


def _meetings(sections: list[int]) -> dict[int, list[MeetingTime]]:
    found: dict[int, list[MeetingTime]] = {number: [] for number in sections}
    rows = Meeting.objects.filter(section__in=sections, withdrawn_at=None).select_related("room")
    for one in rows.order_by("weekday", "starts_at", "id"):
        found[one.section_id].append(_when(one))
    return found


def _when(one: Meeting) -> MeetingTime:
    return MeetingTime(
        one.weekday, one.starts_at, one.ends_at, one.valid_from, one.valid_to,
        one.room.code if one.room else "",
    )  # fmt: skip


def _taught(one: Section, meetings: tuple[MeetingTime, ...]) -> Taught:
    version = one.module_version
    return Taught(
        one.code, version.module.code, version.title, version.credits, version.level,
        one.term.code, one.campus.code, version.module.department.code, one.capacity, one.state,
        version.requisites, meetings, one.campus.timezone,
    )  # fmt: skip

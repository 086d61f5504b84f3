"""Sections, when and where they meet, and what clashes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.curriculum import rules
from matricula.sis.curriculum.models import Meeting, Section, SectionEvent, Term
from matricula.sis.curriculum.queries.terms import dated
from matricula.sis.curriculum.rules import MeetingTime, Taught

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date, datetime

    from django.db.models import QuerySet

    from matricula.sis.curriculum.models import Room

# Whoever holds sections: a student's number, a lecturer's.
Key = TypeVar("Key")


def section(code: str, *, known_at: datetime | None = None) -> Taught:
    """Find a section.

    Raises:
        Refused: There is none (M921).
    """
    found = sections([code], known_at=known_at).get(code)
    if found is None:
        raise Refused(
            "M921", f"There is no section {code}.",
            cure=meant(code, Section.objects.order_by("code").values_list("code", flat=True)),
        )  # fmt: skip
    return found


def sections(codes: Iterable[str], *, known_at: datetime | None = None) -> dict[str, Taught]:
    """Find sections by their codes; a code that is none is left out.

    Args:
        codes: Which sections.
        known_at: As they were known at an instant; as they are known now when it is None.
    """
    rows = list(_described(Section.objects.filter(code__in=list(codes))))
    numbers = [one.pk for one in rows]
    meetings = _meetings(numbers, known_at)
    held = {one.pk: rules.Standing(one.state, one.capacity) for one in rows}
    if known_at is not None:
        histories = section_events(numbers)
        held = {one: rules.standing(histories[one], known_at=known_at) for one in numbers}
    return {
        one.code: _taught(one, held[one.pk], tuple(meetings[one.pk]))
        for one in rows
        if held[one.pk].state
    }


def sections_of(term: str) -> list[str]:
    """List the codes of a term's sections."""
    found = Section.objects.filter(term__code=term).order_by("code")
    return list(found.values_list("code", flat=True))


def sections_in(room: str) -> list[str]:
    """List the codes of the sections that meet, met or were to meet in a room."""
    found = Section.objects.filter(meeting__room__code=room).distinct().order_by("code")
    return list(found.values_list("code", flat=True))


def section_events(sections: Iterable[int]) -> dict[int, list[rules.Event]]:
    """Give the events of sections, in the order in which they were recorded."""
    found: dict[int, list[rules.Event]] = {number: [] for number in sections}
    for one in SectionEvent.objects.filter(section__in=list(found)).order_by("id"):
        found[one.section_id].append(
            rules.Event(
                one.pk, one.action, one.effective_on, one.recorded_at, one.capacity,
                one.supersedes_id,
            )
        )  # fmt: skip
    return found


def has_moved_sections(act: str) -> bool:
    """Whether an act did anything to the states of sections."""
    return SectionEvent.objects.filter(act=act).exists()


def clashes(codes: Iterable[str]) -> list[rules.Clash]:
    """List what clashes among the sections of one lecturer or one student."""
    return rules.clashes(list(sections(codes).values()))


def clashes_of(held: Mapping[Key, Iterable[str]]) -> dict[Key, list[rules.Clash]]:
    """List what clashes for each of many lecturers or students, in a few queries for all.

    Args:
        held: The sections of each.

    Returns:
        For each for whom anything clashes, what.
    """
    wanted = {one: set(codes) for one, codes in held.items()}
    taught = sections(set().union(*wanted.values()))
    found = {
        one: rules.clashes([taught[code] for code in codes if code in taught])
        for one, codes in wanted.items()
    }
    return {one: clashing for one, clashing in found.items() if clashing}


def meetings_in(
    room: Room, meeting: MeetingTime
) -> list[tuple[str, MeetingTime, tuple[date, date]]]:
    """List what a room holds while a meeting would be in it.

    Args:
        room: Which room.
        meeting: When, at the clock of the room's campus.

    Returns:
        The section, its meeting, and the first and the last day on which both want the room.
    """
    rows = (
        Meeting.objects.filter(
            room=room, withdrawn_at=None, weekday=meeting.weekday,
            starts_at__lt=meeting.ends_at, ends_at__gt=meeting.starts_at,
            valid_from__lte=meeting.valid_to, valid_to__gte=meeting.valid_from,
        )
        .exclude(section__state=rules.CANCELLED)
        .select_related("section", "room")
    )  # fmt: skip
    found = []
    for one in rows.order_by("valid_from", "id"):
        days = rules.days_in_common(meeting, "UTC", when(one), "UTC")
        if days is not None:
            found.append((one.section.code, when(one), days))
    return found


def room_clashes(code: str) -> list[rules.Clash]:
    """List what else wants the rooms of a section while it meets in them."""
    section = sections([code])[code]
    rooms = {one.room for one in section.meetings if one.room}
    beside = Section.objects.filter(meeting__room__code__in=rooms, meeting__withdrawn_at=None)
    others = sections(set(beside.values_list("code", flat=True)) - {code}).values()
    return [
        clash
        for room in sorted(rooms)
        for clash in rules.clashes([_within(one, room) for one in (section, *others)])
        if code in (clash.first, clash.second)
    ]


def _within(section: Taught, room: str) -> Taught:
    return replace(section, meetings=tuple(one for one in section.meetings if one.room == room))


def section_records(codes: Iterable[str]) -> list[dict[str, Any]]:
    """Tell of sections as the record keeps them."""
    rows = list(_described(Section.objects.filter(code__in=list(codes))))
    terms = dated(Term.objects.filter(pk__in={one.term_id for one in rows}))
    years = {one.code: str(one.starts_on.year) for one in terms}
    return [
        {
            "code": one.code, "title": one.module_version.title,
            "module": one.module_version.module.code, "term": one.term.code,
            "year": years[one.term.code], "state": one.state,
        }
        for one in rows
    ]  # fmt: skip


def meeting_row(number: int) -> Meeting:
    """Find a meeting that was not withdrawn.

    Raises:
        Refused: There is none (M921).
    """
    chosen = Meeting.objects.filter(withdrawn_at=None).select_related("section", "room")
    found = chosen.filter(pk=number).first()
    if found is None:
        raise Refused(
            "M921", f"There is no meeting {number}, or it was withdrawn.",
            cure="See the section's: `matricula register section show CODE`.",
        )  # fmt: skip
    return found


def meetings_of(code: str) -> dict[int, MeetingTime]:
    """List when and where a section meets, each with its number."""
    rows = Meeting.objects.filter(section__code=code, withdrawn_at=None).select_related("room")
    return {one.pk: when(one) for one in rows.order_by("weekday", "starts_at", "id")}


def _described(chosen: QuerySet[Section]) -> QuerySet[Section]:
    return chosen.order_by("code").select_related(
        "module_version__module__department", "term", "campus"
    )


def _meetings(sections: list[int], known_at: datetime | None) -> dict[int, list[MeetingTime]]:
    found: dict[int, list[MeetingTime]] = {number: [] for number in sections}
    rows = Meeting.objects.filter(section__in=sections)
    if known_at is None:
        rows = rows.filter(withdrawn_at=None)
    else:
        rows = rows.filter(recorded_at__lte=known_at).exclude(withdrawn_at__lte=known_at)
    for one in rows.order_by("weekday", "starts_at", "id").select_related("room"):
        found[one.section_id].append(when(one))
    return found


def when(one: Meeting) -> MeetingTime:
    """Take a row for the value that the rules speak of."""
    return MeetingTime(
        one.weekday, one.starts_at, one.ends_at, one.valid_from, one.valid_to,
        one.room.code if one.room else "",
    )  # fmt: skip


def _taught(one: Section, held: rules.Standing, meetings: tuple[MeetingTime, ...]) -> Taught:
    version = one.module_version
    return Taught(
        one.code, version.module.code, version.title, version.credits, version.level,
        one.term.code, one.campus.code, version.module.department.code, held.capacity,
        held.state, version.requisites, meetings, one.campus.timezone,
    )  # fmt: skip

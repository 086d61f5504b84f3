"""Sections: what is taught in a term, when and where it meets. Pure.

A section is planned, opened to students, closed to more of them, and finished when its term
is over; until then it may be cancelled, for a reason. A closed section opens again. Its seats
change beside its state, and never to fewer than are taken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel import histories
from matricula.kernel.checks import Check, blocked
from matricula.kernel.histories import NOT_YET, Story
from matricula.sis.curriculum.rules.days import WEEKDAYS, days_met

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime, time
    from decimal import Decimal

    from matricula.sis.curriculum.rules.terms import TermDates

PLANNED, OPEN, CLOSED = "planned", "open", "closed"
FINISHED, CANCELLED = "finished", "cancelled"
# Why a section is cancelled.
REASONS = ("too few", "no staff", "no room", "merged", "error")
# The event that changes the seats and not the state.
RESIZE = "resize"
_STORY = Story("section", "the timetabling office")


@dataclass(frozen=True, slots=True)
class Transition:
    """What an action does: from which states, to which."""

    sources: frozenset[str]
    target: str


TRANSITIONS: Mapping[str, Transition] = {
    "plan": Transition(frozenset({NOT_YET}), PLANNED),
    "open": Transition(frozenset({PLANNED, CLOSED}), OPEN),
    "close": Transition(frozenset({OPEN}), CLOSED),
    "finish": Transition(frozenset({OPEN, CLOSED}), FINISHED),
    "cancel": Transition(frozenset({PLANNED, OPEN, CLOSED}), CANCELLED),
}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a section.

    Attributes:
        number: Counts upwards in the order in which events were recorded.
        action: One of `TRANSITIONS`, `RESIZE` or `REVERSE`.
        effective_on: From which day it counts: the day on which it was recorded.
        recorded_at: When we came to know of it.
        capacity: The seats after it.
        supersedes: The number of the event that it takes back.
    """

    number: int
    action: str
    effective_on: date
    recorded_at: datetime
    capacity: int
    supersedes: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a section is: its state, empty before it was planned, and its seats."""

    state: str
    capacity: int = 0


@dataclass(frozen=True, slots=True)
class MeetingTime:
    """When and where a section meets, week after week.

    Attributes:
        weekday: 1 is Monday.
        starts_at: At the clock of the section's campus.
        ends_at: Not included: the next meeting may begin then.
        valid_from: The first day on which it may meet.
        valid_to: The last day.
        room: Its code; empty where it needs none.
    """

    weekday: int
    starts_at: time
    ends_at: time
    valid_from: date
    valid_to: date
    room: str = ""


@dataclass(frozen=True, slots=True)
class Taught:
    """A section, with what it takes from its module and its term.

    Attributes:
        code: Its own.
        module: The module's code.
        title: The title of the module's version.
        credits: What the version is worth.
        level: Of the version.
        term: The term's code.
        campus: The campus's code.
        department: Who answers for the module.
        capacity: How many seats it has.
        state: planned, open, closed, finished or cancelled.
        requisites: What a student must have or be, as `parse_requisites` reads it.
        meetings: When and where it meets.
        timezone: The campus's clock.
    """

    code: str
    module: str
    title: str
    credits: Decimal
    level: int
    term: str
    campus: str
    department: str
    capacity: int
    state: str
    requisites: str = ""
    meetings: tuple[MeetingTime, ...] = ()
    timezone: str = "UTC"


def standing(events: Sequence[Event], *, known_at: datetime | None = None) -> Standing:
    """Say what a section is, as it is known now or was known at an instant."""
    stands = histories.standing_events(histories.known(events, known_at))
    steps, _ = histories.follow(_moving(stands), TRANSITIONS)
    if not steps:
        return Standing(NOT_YET)
    sized = [one.capacity for one in stands if one.action in ("plan", RESIZE)]
    return Standing(steps[-1].after, sized[-1])


def move_checks(events: Sequence[Event], new: Event) -> list[Check]:
    """Say what in a section's history is in the way of an event."""
    stands = _moving(histories.standing_events([*events, new]))
    walked = histories.follow(stands, TRANSITIONS)
    return histories.misfits(walked, new, TRANSITIONS, _STORY)


def _moving(stands: Sequence[Event]) -> list[Event]:
    return [one for one in stands if one.action != RESIZE]


def term_checks(action: str, term: TermDates, *, today: date, reason: str) -> list[Check]:
    """Say what in a section's term, or in what was told, is in the way of an action."""
    told = {
        f"The term {term.code} ended on {term.ends_on}.": (
            action == "open" and term.ends_on < today, "Plan a section of a later term."),
        f"The term {term.code} is taught until {term.ends_on}.": (
            action == "finish" and today < term.ends_on, "Wait for that day, or cancel it."),
        "To cancel needs a reason.": (
            action == "cancel" and not reason, f"Give one of {', '.join(REASONS)} with --why."),
        f"There is no reason {reason}.": (
            action == "cancel" and bool(reason) and reason not in REASONS,
            f"Give one of {', '.join(REASONS)} with --why."),
    }  # fmt: skip
    return [_no("section", what, cure) for what, (wrong, cure) in told.items() if wrong]


def capacity_checks(
    section: Taught, wanted: int, *, taken: int, seats: Mapping[str, int]
) -> list[Check]:
    """Say what is in the way of giving a section so many seats.

    Args:
        section: Which.
        wanted: How many.
        taken: How many are taken or kept for somebody.
        seats: How many each room in which it meets has.
    """
    found = []
    if section.state in (FINISHED, CANCELLED):
        found.append(_no("section", f"{section.code} is {section.state}.", "Plan another one."))
    if wanted < 0:
        found.append(_no("seats", f"{wanted} is no number of seats.", "Write 0 or more."))
    elif wanted < taken:
        found.append(
            _no(
                "seats", f"{section.code} would have {wanted} seats, and {taken} are taken.",
                "Move students to another section first, or give it more seats.",
            )
        )  # fmt: skip
    return [*found, *room_checks(section.code, wanted, seats)]


def room_checks(code: str, wanted: int, seats: Mapping[str, int]) -> list[Check]:
    """Say which rooms have fewer seats than a section."""
    return [
        _no(
            "room", f"{code} would have {wanted} seats, and the room {room} has {number}.",
            "Choose a larger room, or give the section fewer seats.",
        )
        for room, number in sorted(seats.items())
        if number < wanted
    ]  # fmt: skip


def meeting_faults(meeting: MeetingTime, term: TermDates) -> list[str]:
    """Say what is wrong with a meeting by itself, in sentences."""
    told = {
        f"{meeting.weekday} is no weekday, 1 to 7.": not 1 <= meeting.weekday <= 7,  # noqa: PLR2004 - a week
        f"It would end at {meeting.ends_at:%H:%M}, not after {meeting.starts_at:%H:%M}.": (
            meeting.ends_at <= meeting.starts_at),
        f"Its last day, {meeting.valid_to}, is before its first, {meeting.valid_from}.": (
            meeting.valid_to < meeting.valid_from),
        f"{meeting.valid_from} to {meeting.valid_to} is not within the term {term.code}, "
        f"{term.starts_on} to {term.ends_on}.": (
            meeting.valid_from < term.starts_on or term.ends_on < meeting.valid_to),
        f"No {WEEKDAYS[(meeting.weekday - 1) % 7]} lies between {meeting.valid_from} and "
        f"{meeting.valid_to}.": not days_met(
            meeting.weekday, meeting.valid_from, meeting.valid_to),
    }  # fmt: skip
    return [what for what, wrong in told.items() if wrong]


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=_STORY.office, clears=cure)

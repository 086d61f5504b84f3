"""Sections: what is taught in a term, when and where it meets. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date, time
    from decimal import Decimal

PLANNED, OPEN, CLOSED = "planned", "open", "closed"
FINISHED, CANCELLED = "finished", "cancelled"


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

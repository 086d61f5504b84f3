"""When two sections meet at the same time. Pure.

Two meetings clash when they fall on the same weekday, their times overlap (one that begins
when another ends does not), and some such weekday lies within the days of both. Campuses have
clocks of their own: between two clocks the instants decide, day by day, for the clocks may
move apart and together again within a term.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import combinations
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from matricula.sis.curriculum.rules.days import WEEKDAYS, days_met
from matricula.sis.curriculum.rules.sections import CANCELLED

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matricula.sis.curriculum.rules.sections import MeetingTime, Taught

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Clash:
    """Two sections that meet at the same time.

    Attributes:
        first: The code of one, the earlier in the order of codes.
        second: The code of the other.
        weekday: Of the first's meeting; 1 is Monday.
        starts_at: When the first's meeting begins, at its campus.
        ends_at: When it ends.
        from_on: The first day on which they clash.
        to_on: The last day.
    """

    first: str
    second: str
    weekday: int
    starts_at: time
    ends_at: time
    from_on: date
    to_on: date

    def __str__(self) -> str:
        """Say it to a person."""
        return (
            f"{self.first} meets on {WEEKDAYS[self.weekday - 1]} {self.starts_at:%H:%M} to "
            f"{self.ends_at:%H:%M}, when {self.second} meets as well, from {self.from_on} to "
            f"{self.to_on}."
        )


def clashes(sections: Sequence[Taught]) -> list[Clash]:
    """List the pairs of sections that meet at the same time, each meeting with each.

    What is cancelled meets nobody, and a section does not clash with itself: it may be taught
    in two rooms at once.

    Args:
        sections: Those of one lecturer, one student or one room.
    """
    held = sorted((one for one in sections if one.state != CANCELLED), key=lambda one: one.code)
    clocks = {one.timezone for one in held}
    found = []
    for one, other in _pairs(held, by_weekday=len(clocks) == 1):
        days = days_in_common(one[1], one[0].timezone, other[1], other[0].timezone)
        if days is not None:
            (section, meeting), (against, _) = one, other
            found.append(
                Clash(
                    section.code, against.code, meeting.weekday, meeting.starts_at,
                    meeting.ends_at, *days,
                )
            )  # fmt: skip
    return sorted(found, key=lambda one: (one.first, one.second, one.weekday, one.starts_at))


_Met = tuple["Taught", "MeetingTime"]


def _pairs(held: Sequence[Taught], *, by_weekday: bool) -> Iterator[tuple[_Met, _Met]]:
    """Pair the meetings that may clash; at one clock only those of one weekday do."""
    grouped: dict[int, list[_Met]] = defaultdict(list)
    for section in held:
        for meeting in section.meetings:
            grouped[meeting.weekday if by_weekday else 0].append((section, meeting))
    for group in grouped.values():
        for one, other in combinations(group, 2):
            if one[0].code != other[0].code:
                yield one, other


def days_in_common(
    one: MeetingTime, clock: str, other: MeetingTime, other_clock: str
) -> tuple[date, date] | None:
    """Find the first and the last day on which two meetings overlap; None if they never do.

    Args:
        one: A meeting.
        clock: The time zone of its campus.
        other: Another.
        other_clock: The time zone of the other's.

    Returns:
        Days of the first meeting.
    """
    if clock != other_clock:
        return _ends(_common_by_instant(one, ZoneInfo(clock), other, ZoneInfo(other_clock)))
    if one.weekday != other.weekday or not (
        one.starts_at < other.ends_at and other.starts_at < one.ends_at
    ):
        return None
    met = days_met(
        one.weekday, max(one.valid_from, other.valid_from), min(one.valid_to, other.valid_to)
    )
    return _ends(met)


def _ends(days: Iterable[date]) -> tuple[date, date] | None:
    found = list(days)
    return (found[0], found[-1]) if found else None


def _common_by_instant(
    one: MeetingTime, clock: ZoneInfo, other: MeetingTime, other_clock: ZoneInfo
) -> Iterator[date]:
    theirs = [
        _instants(other, day, other_clock)
        for day in days_met(other.weekday, other.valid_from, other.valid_to)
    ]
    starts = {begins.date(): (begins, ends) for begins, ends in theirs}
    for day in days_met(one.weekday, one.valid_from, one.valid_to):
        begins, ends = _instants(one, day, clock)
        near = (starts.get(begins.date() + _DAY * step) for step in (-1, 0, 1))
        if any(found and begins < found[1] and found[0] < ends for found in near):
            yield day


def _instants(meeting: MeetingTime, day: date, clock: ZoneInfo) -> tuple[datetime, datetime]:
    begins, ends = (
        datetime.combine(day, at, clock).astimezone(UTC)
        for at in (meeting.starts_at, meeting.ends_at)
    )
    return begins, ends

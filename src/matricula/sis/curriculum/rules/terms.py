"""The dates of a term: their order, the refund bands, and what of them has passed. Pure.

A day that is a limit is itself included: whoever leaves on the last day of a band is given
that band's share.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

# Which date may not be after which other one. Students add before they drop, drop before they
# are counted, are counted before they withdraw; marks follow the teaching, the board the marks.
ORDER = (
    ("starts_on", "ends_on"), ("register_from", "add_until"), ("starts_on", "census_on"),
    ("add_until", "drop_until"), ("drop_until", "census_on"), ("census_on", "withdraw_until"),
    ("withdraw_until", "ends_on"), ("ends_on", "marks_due_on"), ("marks_due_on", "board_on"),
)  # fmt: skip
BOUNDARIES = (
    "starts_on", "ends_on", "register_from", "add_until", "drop_until", "census_on",
    "withdraw_until", "marks_due_on", "board_on",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class TermDates:
    """A term and its dates, all at the institution's clock, last days included.

    Attributes:
        code: Such as `2026-1`.
        title: What people call it.
        starts_on: The first day of teaching.
        ends_on: The last day of teaching.
        register_from: From which day students register for it.
        add_until: Until when they may enrol in a section.
        drop_until: Until when an enrolment that ends leaves nothing on the transcript.
        census_on: The day on which who is here is counted.
        withdraw_until: Until when they may withdraw from a section.
        marks_due_on: Until when marks are handed in.
        board_on: When the board decides.
        bands: Until which day which share of the fees, in percent, is given back.
    """

    code: str
    title: str
    starts_on: date
    ends_on: date
    register_from: date
    add_until: date
    drop_until: date
    census_on: date
    withdraw_until: date
    marks_due_on: date
    board_on: date
    bands: tuple[tuple[date, int], ...] = ()


def band_on(term: TermDates, on: date) -> int:
    """Say which share of a term's fees, in percent, is given back to who leaves on a day.

    The share of the first band that has not ended before that day; nothing after the last.
    """
    return next((percent for until, percent in sorted(term.bands) if on <= until), 0)


def closed_before(term: TermDates, on: date) -> list[tuple[str, date]]:
    """List what of a term is closed when a day begins: its census and its refund bands.

    Returns:
        What it is, in words, and its last day; the earliest first.
    """
    found = [(f"the census of {term.code}", term.census_on)]
    found += [(f"the {percent} percent band of {term.code}", day) for day, percent in term.bands]
    return sorted((one for one in found if one[1] < on), key=lambda one: one[1])


def out_of_order(term: TermDates) -> list[str]:
    """Say which dates of a term do not go together, in sentences; nothing where all do."""
    found = [
        f"{later} {getattr(term, later)} is before {earlier} {getattr(term, earlier)}."
        for earlier, later in ORDER
        if getattr(term, later) < getattr(term, earlier)
    ]
    for day, percent in term.bands:
        if not 1 <= percent <= 100:  # noqa: PLR2004 - percent
            found.append(f"The band until {day} gives back {percent} percent, not 1 to 100.")
        if not term.register_from <= day <= term.ends_on:
            found.append(f"The band until {day} is not within register_from and ends_on.")
    for (day, percent), (next_day, next_percent) in pairwise(sorted(term.bands)):
        if next_day == day:
            found.append(f"Two bands end on {day}.")
        elif next_percent >= percent:
            found.append(
                f"The band until {next_day} gives back {next_percent} percent, no less than the "
                f"{percent} of the one before it."
            )
    return found


def rewritten(before: TermDates, after: TermDates, *, today: date) -> list[str]:
    """Say which of a term's past a change of its dates would rewrite, in words.

    A date is past when its day is over, under the old dates or under the new ones. The share
    given back on a day is past from that very day on: somebody may have left on it already.

    Args:
        before: The dates as they are.
        after: The dates as they would be.
        today: The institution's day.
    """
    found = [
        f"{name} {getattr(before, name)}"
        for name in BOUNDARIES
        if getattr(before, name) != getattr(after, name)
        and min(getattr(before, name), getattr(after, name)) < today
    ]
    first = next(
        (
            day
            for day in _days(min(before.register_from, after.register_from), today)
            if band_on(before, day) != band_on(after, day)
        ),
        None,
    )
    if first is not None:
        found.append(f"the {band_on(before, first)} percent given back on {first}")
    return found


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)

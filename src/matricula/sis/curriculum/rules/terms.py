"""The dates of a term: their order, the refund bands, and what of them has passed. Pure.

A day that is a limit is itself included: whoever leaves on the last day of a band is given
that band's share.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date


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

"""Stretches of days in which something holds, and what becomes of them when another is put in.

Of one thing, such as a person's legal name, one value holds on a day. A stretch that is put in
takes its days from those that were there; nothing else changes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Stretch:
    """A stretch of days, the last one included.

    Attributes:
        first: Its first day.
        last: Its last day; None while nobody says otherwise.
        number: Of the row that says so; None where there is none yet.
    """

    first: date
    last: date | None = None
    number: int | None = None


@dataclass(frozen=True, slots=True)
class Splice:
    """What becomes of some stretches.

    Attributes:
        withdrawn: Numbers of the rows that no longer say so.
        kept: What is left of them, each with the number of the row it is left of.
        new: The stretch that was put in, with its last day.
    """

    withdrawn: tuple[int, ...]
    kept: tuple[Stretch, ...]
    new: Stretch


def holds(one: Stretch, on: date) -> bool:
    """Whether a stretch takes in a day."""
    return one.first <= on and (one.last is None or on <= one.last)


def meet(one: Stretch, other: Stretch) -> bool:
    """Whether two stretches have a day in common."""
    return (other.last is None or one.first <= other.last) and (
        one.last is None or other.first <= one.last
    )


def until_the_next(held: Sequence[Stretch], new: Stretch) -> Stretch:
    """Let a stretch without a last day end before the next one that is already recorded."""
    later = [one.first for one in held if one.first > new.first]
    if new.last is not None or not later:
        return new
    return replace(new, last=min(later) - _DAY)


def spliced(held: Sequence[Stretch], new: Stretch) -> Splice:
    """Put a stretch in among others of which no two meet.

    Args:
        held: What is there, each with its number.
        new: What is put in; without a last day it lasts until the next one begins.
    """
    placed = until_the_next(held, new)
    met = [one for one in held if meet(one, placed)]
    kept = []
    for one in met:
        if one.first < placed.first:
            kept.append(replace(one, last=placed.first - _DAY))
        if placed.last is not None and (one.last is None or one.last > placed.last):
            kept.append(replace(one, first=placed.last + _DAY))
    withdrawn = tuple(one.number for one in met if one.number is not None)
    return Splice(withdrawn, tuple(kept), placed)

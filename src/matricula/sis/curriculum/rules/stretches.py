"""Stretches of days or cohorts of which one at a time holds. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

Mark = TypeVar("Mark", "date", str)


def in_force(
    stretches: Iterable[tuple[Mark, Mark | None]], on: Mark
) -> tuple[Mark, Mark | None] | None:
    """Find the stretch that holds: the last that has begun, unless it has ended.

    One without an end holds until the next begins.
    """
    found = max((one for one in stretches if one[0] <= on), key=lambda one: one[0], default=None)
    if found is None or (found[1] is not None and found[1] < on):
        return None
    return found


def in_its_way(
    new: tuple[Mark, Mark | None], others: Iterable[tuple[Mark, Mark | None]]
) -> tuple[Mark, Mark | None] | None:
    """Find a stretch that a new one would overlap; None where it fits.

    One without an end is in nobody's way: it only holds until the next begins. Two that begin
    together overlap whatever their ends.
    """
    begins, ends = new
    for other_begins, other_ends in sorted(others, key=lambda one: one[0]):
        reaches_in = other_begins <= begins and (
            other_begins == begins or (other_ends is not None and begins <= other_ends)
        )
        if reaches_in or (ends is not None and begins < other_begins <= ends):
            return other_begins, other_ends
    return None

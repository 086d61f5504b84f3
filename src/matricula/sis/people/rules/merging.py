"""Whether two persons may become one: what is in the way, and what a person must see to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.checks import Check, blocked
from matricula.sis.people.rules.statements import REGISTRY

if TYPE_CHECKING:
    from datetime import date


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two.

    Attributes:
        asked: The number under which somebody named them.
        person: Who that is: somebody else, where they were merged before.
        students: Their student numbers, the one that goes on first.
        staff: Their staff numbers.
        born_on: Day of birth.
    """

    asked: int
    person: int
    students: tuple[str, ...] = ()
    staff: tuple[str, ...] = ()
    born_on: date | None = None


def merge_checks(kept: Side, gone: Side, *, evidence: str, number: str) -> list[Check]:
    """Say what is in the way of merging one person into another.

    Args:
        kept: Who survives.
        gone: Who is merged into them.
        evidence: Why they are one.
        number: The student number that is to go on, where somebody said it.
    """
    # Of one person, or of somebody who is somebody else, no number can be asked for.
    return [*(_who(kept, gone) or _which_number(kept, gone, number)), *_why(evidence)]


def to_see_to(kept: Side, gone: Side) -> list[str]:
    """Say in sentences what a person must see to after two were merged."""
    left = []
    if kept.students and gone.students:
        others = ", ".join(gone.students)
        left.append(
            f"{kept.students[0]} and {others} are one student now, and {kept.students[0]} goes "
            f"on: see to the registrations, holds, accounts and cards under {others}."
        )
    if kept.staff and gone.staff:
        both = " and ".join((*kept.staff, *gone.staff))
        left.append(f"{both} are one member of staff now: end the duties under one of them.")
    if kept.born_on and gone.born_on and kept.born_on != gone.born_on:
        left.append(
            f"Persons {kept.person} and {gone.person} had different birth dates: that of "
            f"{kept.person} counts. Correct it if it is the wrong one."
        )
    return left


def _who(kept: Side, gone: Side) -> list[Check]:
    if kept.person == gone.person:
        return [_no("persons", f"{kept.asked} and {gone.asked} are one person already.",
                    "There is nothing to merge.")]  # fmt: skip
    return [
        _no(
            "persons", f"Person {one.asked} was merged into person {one.person}.",
            f"Name {one.person} instead, or take that merge back first.",
        )
        for one in (kept, gone)
        if one.asked != one.person
    ]  # fmt: skip


def _why(evidence: str) -> list[Check]:
    if evidence.strip():
        return []
    return [_no("evidence", "Nothing says why the two are one.", "Say what you saw, --evidence.")]


def _which_number(kept: Side, gone: Side, number: str) -> list[Check]:
    if kept.students and gone.students and not number:
        return [
            _no(
                "number",
                f"Both are students: {kept.students[0]} and {gone.students[0]}.",
                "Say with --number which of the two goes on; the other one is never given again.",
            )
        ]
    goes_on = (kept.students or gone.students)[:1]
    if not number or number in goes_on:
        return []
    if number in gone.students:
        return [
            _no(
                "number", f"{number} is of person {gone.asked}, who would be merged away.",
                f"Merge {kept.asked} into {gone.asked}: the survivor's number goes on.",
            )
        ]  # fmt: skip
    return [_no("number", f"{number} is of neither.", f"Name {' '.join(goes_on) or 'none'}.")]


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=REGISTRY, clears=cure)

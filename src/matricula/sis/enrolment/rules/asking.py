"""May a student have a place in a section? Everything that is looked at, in one list. Pure.

Seats are not looked at here: who has none waits, and that is no refusal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from matricula.kernel.checks import BLOCKED, WARNED, Check, blocked
from matricula.sis.curriculum.rules import OPEN, Known, clashes, parse_requisites, unmet
from matricula.sis.enrolment.rules.machines import OFFICE, REGISTERED
from matricula.sis.enrolment.rules.statuses import (
    GRADED,
    PENDING,
    SEATED,
    WAITLISTED,
    is_passed,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date

    from matricula.sis.curriculum.rules import Taught, TermDates

FULL, PART = LOADS = ("full", "part")
# The most credits that one term may hold, by the institution's policy and the load.
MOST_CREDITS: Mapping[str, Mapping[str, Decimal]] = {
    "uk": {FULL: Decimal(80), PART: Decimal(45)},
    "open": {FULL: Decimal(120), PART: Decimal(60)},
}
# What a registrar may let pass, with a reason.
WAIVABLE = ("window", "repeat", "load", "requisites", "clash")
REQUISITES, PERMISSION = "requisites", "permission"
_SCHEDULERS = "the timetabling office"


@dataclass(frozen=True, slots=True)
class Taken:
    """An enrolment of a student, in whatever term.

    Attributes:
        section: The section's code.
        module: The module's code.
        term: The term's code.
        credits: What it is worth.
        status: One of `STATUSES`.
        grade: What was achieved, if anything.
    """

    section: str
    module: str
    term: str
    credits: Decimal
    status: str
    grade: str = ""

    @property
    def is_passed(self) -> bool:
        """Whether the module counts as passed."""
        return self.status == GRADED and is_passed(self.grade)


@dataclass(frozen=True, slots=True)
class Wish:
    """That a student wants to be in a section, and what is known when they do.

    Attributes:
        student_no: Whose.
        section: Which.
        term: Its term.
        on: The day from which it would count.
        state: Of the student's registration for the term; empty where there is none.
        load: full or part.
        policy: The institution's.
        taken: Every enrolment of the student.
        beside: The sections that the student is taught in, in that term.
        waived: Names of checks that a registrar lets pass; PERMISSION where somebody with
            authority has agreed as the requisites ask.
    """

    student_no: str
    section: Taught
    term: TermDates
    on: date
    state: str
    load: str
    policy: str
    taken: tuple[Taken, ...] = ()
    beside: tuple[Taught, ...] = ()
    waived: frozenset[str] = frozenset()


def passed(taken: Iterable[Taken]) -> dict[str, str]:
    """Give the modules that were passed, with the grade; of several, the last that is told."""
    return {one.module: one.grade for one in taken if one.is_passed}


def checks(wish: Wish) -> list[Check]:
    """Look at everything; what was looked at and passed is in the list too."""
    found = {
        "registration": _registration(wish),
        "section": _section(wish),
        "window": _window(wish),
        "module": _module(wish),
        "repeat": _repeat(wish),
        "load": _load(wish),
        REQUISITES: _requisites(wish),
        "clash": _clash(wish),
    }
    looked_at = _waive(found, wish.waived)
    return [_with_way_out(check) if check else Check(name) for name, check in looked_at.items()]


def _with_way_out(check: Check) -> Check:
    """Say of what a registrar may let pass how that is done."""
    if check.outcome != BLOCKED or check.name not in WAIVABLE:
        return check
    more = f"A registrar grants one: --let-pass {check.name} --why REASON."
    return replace(check, clears=f"{check.clears} {more}")


def _waive(found: Mapping[str, Check | None], waived: Collection[str]) -> dict[str, Check | None]:
    """Let pass what a registrar waives; what it was stays written."""
    return {
        name: replace(check, outcome=WARNED, clears="The Registrar's Office lets it pass.")
        if check is not None and name in waived and name in WAIVABLE
        else check
        for name, check in found.items()
    }


def awaits_permission(wish: Wish) -> bool:
    """Whether somebody's permission is what is missing of the requisites, and all of it."""
    return _unmet(wish, has_permission=False) != [] and not _unmet(wish, has_permission=True)


def _registration(wish: Wish) -> Check | None:
    if wish.state == REGISTERED:
        return None
    state = wish.state or "not registered"
    return _no(
        "registration", f"{wish.student_no} is {state} in the term {wish.term.code}.",
        "Register for the term first: `matricula register term-register`.",
    )  # fmt: skip


def _section(wish: Wish) -> Check | None:
    one = wish.section
    if one.state == OPEN:
        return None
    return blocked(
        "section", f"{one.code} is {one.state}.", office=_SCHEDULERS,
        clears=f"Choose another section of {one.module}, or ask for it to be opened.",
    )  # fmt: skip


def _window(wish: Wish) -> Check | None:
    first, last = wish.term.register_from, wish.term.add_until
    if first <= wish.on <= last:
        return None
    return _no(
        "window", f"Sections of {wish.term.code} are chosen from {first} until {last}.",
        f"Wait until {first}, or ask for an exception." if wish.on < first
        else "Ask for an exception.",
    )  # fmt: skip


def _module(wish: Wish) -> Check | None:
    """A module is taken once in a term, in whichever section."""
    chosen = SEATED | {WAITLISTED, PENDING}
    for one in wish.taken:
        same = one.module == wish.section.module and one.term == wish.term.code
        if same and one.section != wish.section.code and one.status in chosen:
            return _no(
                "module", f"{wish.student_no} is {one.status} in {one.section} of the same "
                f"module, {one.module}.",
                "Swap the sections, or drop the other one first.",
            )  # fmt: skip
    return None


def _repeat(wish: Wish) -> Check | None:
    grade = passed(wish.taken).get(wish.section.module)
    if grade is None:
        return None
    return _no(
        "repeat", f"{wish.section.module} was passed already, with {grade}.",
        "Choose another module; to repeat it, ask for an exception.",
    )  # fmt: skip


def _load(wish: Wish) -> Check | None:
    most = MOST_CREDITS.get(wish.policy, MOST_CREDITS["uk"])[wish.load]
    held = sum((one.credits for one in wish.taken if _counts(one, wish)), start=Decimal(0))
    would_be = held + wish.section.credits
    if would_be <= most:
        return None
    return _no(
        "load", f"{wish.section.code} would make {would_be.normalize():f} credits in "
        f"{wish.term.code}; {wish.load} load is at most {most:f}.",
        "Drop another section first, or ask for an exception.",
    )  # fmt: skip


def _counts(one: Taken, wish: Wish) -> bool:
    return one.term == wish.term.code and one.status in SEATED and one.section != wish.section.code


def _requisites(wish: Wish) -> Check | None:
    missing = _unmet(wish, has_permission=PERMISSION in wish.waived)
    if not missing:
        return None
    more = f" ({len(missing) - 1} more)" if len(missing) > 1 else ""
    return _no(
        REQUISITES, f"Whoever takes {wish.section.module} must {missing[0]}{more}.",
        "Meet it first, or ask for an exception.",
    )  # fmt: skip


def _unmet(wish: Wish, *, has_permission: bool) -> list[str]:
    tree = parse_requisites(wish.section.requisites)
    if tree is None:
        return []
    now = {one.module for one in wish.taken if one.status in SEATED - {GRADED}}
    marks = {module: _mark(grade) for module, grade in passed(wish.taken).items()}
    return unmet(tree, Known(marks, frozenset(now), has_permission=has_permission))


def _mark(grade: str) -> Decimal | None:
    try:
        return Decimal(grade)
    except InvalidOperation:
        return None


def _clash(wish: Wish) -> Check | None:
    others: Sequence[Taught] = [o for o in wish.beside if o.code != wish.section.code]
    found = [
        one
        for one in clashes([wish.section, *others])
        if wish.section.code in (one.first, one.second)
    ]
    if not found:
        return None
    more = f" ({len(found) - 1} more)" if len(found) > 1 else ""
    return blocked(
        "clash", f"{found[0]}{more}", office=_SCHEDULERS,
        clears="Choose a section that meets at another time, or ask for an exception.",
    )  # fmt: skip


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=OFFICE, clears=cure)

"""Who gets a seat, who waits, and how one leaves: pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel.checks import Check, blocked
from matricula.sis.enrolment.rules.machines import OFFICE
from matricula.sis.enrolment.rules.statuses import INCOMPLETE, WAITING

if TYPE_CHECKING:
    from datetime import date

    from matricula.sis.curriculum.rules import TermDates

# How long a seat is kept for the one to whom it was offered.
OFFERED_FOR = timedelta(hours=48)
DROP, WITHDRAW, LEAVE = "drop", "withdraw", "leave"


@dataclass(frozen=True, slots=True)
class Seats:
    """How the seats of a section stand.

    Attributes:
        taken: Seats that somebody has, or has until a day to come.
        offered: Seats that are kept for somebody.
        waiting: Who waits and was offered none.
        last_rank: The last ticket drawn in the queue; 0 where nobody ever waited.
    """

    taken: int = 0
    offered: int = 0
    waiting: int = 0
    last_rank: int = 0

    def free(self, capacity: int) -> int:
        """Count the seats that nobody has and that are kept for nobody."""
        return max(0, capacity - self.taken - self.offered)

    def has_room(self, capacity: int) -> bool:
        """Whether a newcomer gets a seat: nobody overtakes those who wait."""
        return self.waiting == 0 and self.free(capacity) > 0


def how_to_leave(term: TermDates, status: str, *, on: date, how: str) -> str:
    """Say how an enrolment ends for whoever leaves the term altogether.

    Up to the census nothing of it stays on the transcript; after it, it is told without
    points. Who only waited drops, whenever it is.

    Args:
        term: The term of the section.
        status: Of the enrolment; one that can end.
        on: From which day it counts.
        how: DROP: as if it had not been, whatever the day.

    Returns:
        DROP or WITHDRAW.
    """
    if status in WAITING:
        return DROP
    if status == INCOMPLETE:
        return WITHDRAW
    return DROP if how == DROP or on <= term.census_on else WITHDRAW


def leaving_checks(
    term: TermDates, action: str, *, on: date, today: date, is_own: bool
) -> list[Check]:
    """Say what is in the way of dropping one section, or withdrawing from it.

    Args:
        term: The term of the section.
        action: DROP or WITHDRAW.
        on: From which day it would count.
        today: The institution's day.
        is_own: Whether the student does it, who is bound to the windows and to today.
    """
    told = {
        f"{on} is still to come.": (on > today, "Do it on that day."),
        f"A student leaves a section from today, {today}.": (
            is_own and on < today, "Ask for an earlier day at the office."),
        f"Sections of {term.code} are dropped until {term.drop_until}.": (
            action == DROP and is_own and on > term.drop_until,
            "Withdraw from it instead, once the census is over, or ask for an exception."),
        f"The census of {term.code} was on {term.census_on}.": (
            action == DROP and on > term.census_on, "Withdraw from the section instead."),
        f"Until the census of {term.code} on {term.census_on} a section is dropped.": (
            action == WITHDRAW and on <= term.census_on, "Drop the section instead."),
        f"One withdraws from sections of {term.code} until {term.withdraw_until}.": (
            action == WITHDRAW and is_own and on > term.withdraw_until,
            "Ask for an exception."),
    }  # fmt: skip
    return [
        blocked("window", what, office=OFFICE, clears=cure)
        for what, (wrong, cure) in told.items()
        if wrong
    ]

"""What is asked about a former student who comes back, whichever door they come by.

Whether a hold forbids it, who else agrees after a dismissal and behind closed days, and what
the new registration continues.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.checks import blocked, must_pass
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.rules import closed_before
from matricula.sis.holds import actions as deciding
from matricula.sis.holds import queries as holds
from matricula.sis.holds.rules.policies import READMISSION
from matricula.sis.people.actions import second_person
from matricula.sis.registration import queries
from matricula.sis.registration.rules import DISMISSED

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.accounts.rules import About
    from matricula.sis.acts.actions import Doing
    from matricula.sis.registration.models import Registration
    from matricula.sis.registration.queries import Registered


def ask(
    doing: Doing, person: int, about: About, *, programme: str, on: date, is_dual: bool
) -> Registration | None:
    """Ask what is asked about a former student who comes back.

    Args:
        doing: The act; it has its name.
        person: Who.
        about: The student, as what a second person agrees to: once for all that is asked.
        programme: What they come back to.
        on: From which day.
        is_dual: Whether it may run beside another registration.

    Returns:
        What they left last by that day and nothing continues yet; None where there is none.

    Raises:
        Refused: Another registration is live (M912), a hold forbids it, which is kept as a
            decision (M941), or a second person must agree (M909).
    """
    acting = doing.acting
    # What became of them after the day from which they come back is known as well.
    held = queries.of_person(person, on=max(on, acting.today))
    if not is_dual:
        _must_not_be_here(held)
    # A hold counts on the day on which it is asked for, however far back the return is dated.
    checks = holds.checks_for([person], READMISSION, on=acting.today, policy=acting.policy)
    deciding.ask(doing, person, READMISSION, checks[person], about=programme)
    left = queries.to_continue(held)
    if any(one.standing.state == DISMISSED for one in left):
        second_person(doing, f"To take back {about.key} after a dismissal", about)
    agreed_if_closed(doing, about, on, to=f"matriculate {about.key}")
    before = [one for one in left if one.standing.since and one.standing.since <= on]
    return queries.row(before[-1].number, on=on) if before else None


def _must_not_be_here(held: Sequence[Registered]) -> None:
    must_pass(
        [
            blocked(
                "overlap",
                f"The student is registered under {one.number} as well, {one.standing.state} "
                f"since {one.standing.since}.",
                office="the Registrar's Office",
                clears="End that registration first, or register for dual study.",
            )
            for one in held
            if one.is_live
        ],
        code="M912",
    )


def agreed_if_closed(doing: Doing, about: About, effective_on: date, *, to: str) -> None:
    """Ask for a second person where the past that is reached into is closed.

    Args:
        doing: The act.
        about: The student.
        effective_on: From which day it counts.
        to: What is done, in words that follow "to".

    Raises:
        Refused: Nobody else agreed (M909).
    """
    closed = [
        f"{what} ({day})"
        for term in curriculum.terms()
        for what, day in closed_before(term, doing.acting.today)
        if effective_on <= day
    ]
    if closed:
        second_person(doing, f"To {to} from {effective_on}, back over {', '.join(closed)},", about)

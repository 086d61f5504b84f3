"""What reaches back over a day that is closed is agreed by a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.actions import second_person
from matricula.sis.curriculum.rules import closed_before

if TYPE_CHECKING:
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import TermDates


def must_be_agreed(doing: Doing, term: TermDates, *, on: date, to: str) -> None:
    """Ask for a second person where a change counts from before a census or a refund band's end.

    Args:
        doing: The act.
        term: The term it is about.
        on: From which day it counts.
        to: What is done, in words that follow "to".

    Raises:
        Refused: Nobody else agreed (M909).
    """
    closed = [one for one in closed_before(term, doing.acting.today) if on <= one[1]]
    if closed:
        days = ", ".join(f"{what} ({day})" for what, day in closed)
        second_person(doing.acting, f"to {to} from {on} reaches back over {days}, which")

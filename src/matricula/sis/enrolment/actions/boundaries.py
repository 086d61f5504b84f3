"""What reaches back over a day that is closed is agreed by a second person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.rules import About
from matricula.sis.curriculum.rules import closed_before
from matricula.sis.enrolment import access
from matricula.sis.people.actions import second_person

if TYPE_CHECKING:
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import TermDates
    from matricula.sis.enrolment.models import TermRegistration


def must_be_agreed(
    doing: Doing, under: TermRegistration, term: TermDates, *, on: date, to: str
) -> None:
    """Ask for a second person where a change counts from before a census or a refund band's end.

    What they agree to is about the student, as in every other act of a student's life: one
    agreement covers a change of programme with all the sections that come with it.

    Args:
        doing: The act.
        under: Whose registration in the term it is.
        term: The term it is about.
        on: From which day it counts.
        to: What is done, in words that follow "to".

    Raises:
        Refused: Nobody else agreed (M909).
    """
    closed = [one for one in closed_before(term, doing.acting.today) if on <= one[1]]
    if closed:
        days = ", ".join(f"{what} ({day})" for what, day in closed)
        about = About("student", under.student_no, access.facts_in_full(under))
        second_person(doing, f"To {to} from {on}, back over {days},", about)

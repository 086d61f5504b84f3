"""A lecturer leaves: the duty ends, and with it every section, at once.

What a colleague takes over keeps the number of the assignment it came from. Whoever has left
sees no roster any more; to hand in marks that are due, and for nothing else, they may be let
in until a day.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel.checks import in_the_way
from matricula.kernel.errors import Refused
from matricula.sis.people import actions as employing
from matricula.sis.people import queries as people
from matricula.sis.teaching import access, queries, rules
from matricula.sis.teaching.actions import duties
from matricula.sis.teaching.models import Assignment

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing

_DAY = timedelta(days=1)
_LECTURER = "lecturer"


@dataclass(frozen=True, slots=True)
class Left:
    """What became of the sections of a lecturer who leaves.

    Attributes:
        ended: Numbers of the assignments that end.
        taken_over: Numbers of those that came in their place.
        submitting: Sections for which marks may still be handed in.
    """

    ended: tuple[str, ...]
    taken_over: tuple[str, ...]
    submitting: tuple[str, ...]


def lecturer_leaves(
    doing: Doing,
    staff_no: str,
    last_day: date,
    *,
    hand_over_to: str | None = None,
    submit_until: date | None = None,
) -> Left:
    """Let a lecturer leave, and with the duty everything that hung on it.

    What the person is besides, such as a student, stays as it is. A section that the colleague
    cannot take over, and one that is left without a lead, is left to a person. Doing it again
    changes nothing; a time to hand in marks is ended by the number of its assignment.

    Args:
        doing: The act.
        staff_no: Who.
        last_day: Their last day.
        hand_over_to: The staff number of the colleague who takes their sections over.
        submit_until: Until when they may hand in marks; None: not at all.

    Raises:
        Refused: Not permitted (M903), no such member of staff (M931), or the colleague or the
            days make no sense (M972).
    """
    access.anybody(doing.acting, to="let a lecturer leave")
    _must_make_sense(doing, staff_no, last_day, hand_over_to, submit_until)
    doing.name("lecturer leaves", "staff", staff_no)
    held = list(
        Assignment.objects.select_for_update()
        .filter(staff_no=staff_no, withdrawn_at=None, duty__in=rules.DUTIES)
        .exclude(ends_on__lte=last_day)
        .order_by("section", "id")
    )
    for one in held:
        duties.shorten(doing, one, last_day=last_day)
    _end_employment(doing, staff_no, last_day)
    on = max(last_day + _DAY, doing.acting.today)
    taken = _taken_over(doing, held, hand_over_to, on=on)
    submitting = _submitting(doing, held, last_day=last_day, until=submit_until)
    duties.tell_of_leads(doing, held, on=on)
    return Left(tuple(one.number for one in held), taken, submitting)


def _end_employment(doing: Doing, staff_no: str, last_day: date) -> None:
    """End the duty in every department; what they are besides is left to a person."""
    going_on = people.standing_duties([staff_no], until=last_day).get(staff_no, [])
    if any(one.kind == _LECTURER for one in going_on):
        employing.end_duty(doing, staff_no, _LECTURER, last_day)
    doing.left += [
        f"{staff_no} is {one.kind} in {one.department} after {last_day} still: end that as well "
        "if they leave altogether."
        for one in going_on
        if one.kind != _LECTURER
    ]


def _must_make_sense(
    doing: Doing,
    staff_no: str,
    last_day: date,
    hand_over_to: str | None,
    submit_until: date | None,
) -> None:
    people.staff_member(staff_no)
    wrong = ""
    if hand_over_to is not None:
        people.staff_member(hand_over_to)
        if hand_over_to == staff_no:
            wrong = f"{staff_no} cannot take over from themselves."
    after = max(last_day, doing.acting.today - _DAY)
    if submit_until is not None and submit_until <= after:
        wrong = f"Marks until {submit_until} could not be handed in after {after}."
    if wrong:
        raise Refused("M972", wrong, cure="Name a colleague, and a day that is still to come.")


def _taken_over(
    doing: Doing, held: Sequence[Assignment], to: str | None, *, on: date
) -> tuple[str, ...]:
    """Give the colleague what they can take over, and leave the rest to a person."""
    if to is None:
        return ()
    going_on = [one for one in held if one.ends_on is None or one.ends_on >= on]
    made = []
    for one in going_on:
        first = max(on, one.starts_on)
        wanted = replace(queries.as_held(one), staff_no=to, starts_on=first)
        wrong = in_the_way(duties.in_the_way_of(wanted))
        if not wrong:
            made.append(duties.give(doing, wanted, takes_over=one.number).number)
        elif wrong[0].name != "overlap":
            doing.left.append(f"{one.number} was not taken over: {wrong[0].what}")
    return tuple(made)


def _submitting(
    doing: Doing, held: Sequence[Assignment], *, last_day: date, until: date | None
) -> tuple[str, ...]:
    """Let whoever leaves hand in the marks of their sections until a day, and nothing else."""
    if until is None:
        return ()
    # What was to begin later was never theirs.
    judged = {
        one.section: one
        for one in held
        if one.duty in rules.HANDING_IN and one.starts_on <= last_day
    }
    for code, one in judged.items():
        still = rules.Held(code, one.staff_no, rules.SUBMISSION, last_day + _DAY, until)
        duties.let_in(doing, still, person=one.person, takes_over=one.number)
    return tuple(judged)

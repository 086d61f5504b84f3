"""A student leaves a term, or all of them: what they were enrolled in ends, each as is its due."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions.boundaries import must_be_agreed
from matricula.sis.enrolment.actions.queue import promote
from matricula.sis.enrolment.actions.writing import Change, TermChange, write, write_terms
from matricula.sis.enrolment.models import Enrolment

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import TermDates
    from matricula.sis.enrolment.models import EnrolmentEvent, TermRegistration

_HOW = (rules.WITHDRAW, rules.DROP, rules.LEAVE)


@dataclass(frozen=True, slots=True)
class _Leaving:
    """How a student leaves, from which day, and why."""

    how: str
    on: date
    last_attended_on: date | None
    reason: str


def leave_all(
    doing: Doing,
    registration_id: int,
    *,
    action: str,
    effective_on: date,
    last_attended_on: date | None = None,
    reason: str,
) -> list[EnrolmentEvent]:
    """End every enrolment of a registration from a day on, and its terms with them.

    Up to a census it is dropped, later it is withdrawn from; what only waited is dropped, and
    so are terms to come. Terms that ended before that day stay as they are. Seats that become
    free are offered to the next who wait, whose checks are made again.

    Args:
        doing: The act; whether it reaches back over a closed day was asked by whoever calls.
        registration_id: The registration's number in the database.
        action: WITHDRAW; LEAVE: the terms wait for the return; DROP: as if it had not been.
        effective_on: From which day it counts.
        last_attended_on: The last day on which the student attended.
        reason: From the list of reasons.

    Returns:
        What was recorded of enrolments.

    Raises:
        Refused: Not permitted (M903), there is no such action, or no reason (M961).
    """
    if action not in _HOW:
        raise Refused(
            "M961", f"Enrolments do not end by {action}.", cure=f"Use one of {', '.join(_HOW)}."
        )
    to = "end every enrolment"
    rows = access.of_registration(doing.acting, registration_id, to=to)
    for one in rows[:1]:
        doing.name(to, "student", one.student_no)
    leaving = _Leaving(action, effective_on, last_attended_on, reason)
    return _end(doing, rows, leaving)


def cancel_term(
    doing: Doing, student: str, term: str, *, effective_on: date
) -> list[EnrolmentEvent]:
    """Cancel a registration for a term, such as for non-payment; its sections are dropped.

    Args:
        doing: The act; its reason is the cancellation's.
        student: The student's number, or the registration's.
        term: The term's code.
        effective_on: From which day it counts.

    Raises:
        Refused: Not permitted (M903), not registered in it (M962), no reason (M961), or a
            second person must agree (M909).
    """
    to = "cancel a term registration"
    under = access.term_registration(doing.acting, student, term, to=to)
    doing.name(to, "student", under.student_no)
    dates = curriculum.term(term)
    must_be_agreed(doing, under, dates, on=min(effective_on, doing.acting.today), to="cancel")
    leaving = _Leaving(rules.DROP, effective_on, None, doing.acting.reason)
    return _end(doing, [under], leaving)


def _end(
    doing: Doing, under: Sequence[TermRegistration], leaving: _Leaving
) -> list[EnrolmentEvent]:
    terms = {one.code: one for one in curriculum.terms()}
    reached = {one.pk: one for one in under if leaving.on <= terms[one.term].ends_on}
    chosen = Enrolment.objects.filter(term_registration__in=list(reached))
    sections = chosen.filter(status__in=rules.OPEN).values_list("section", flat=True)
    capacities = lock_sections(doing, sections)
    # Only now: a seat may have been offered until the sections were locked.
    rows = list(chosen.filter(status__in=rules.OPEN).order_by("section", "id"))
    history = queries.events(one.pk for one in rows)
    changes = []
    for one in rows:
        one.term_registration = reached[one.term_registration_id]
        term = terms[one.term_registration.term]
        changes.append(_change(one, history[one.pk], term, leaving, today=doing.acting.today))
    made = write(doing, changes)
    write_terms(doing, _term_changes(list(reached.values()), terms, leaving))
    promote(doing, capacities)
    return made


def _change(
    one: Enrolment,
    events: Sequence[rules.Event],
    term: TermDates,
    leaving: _Leaving,
    *,
    today: date,
) -> Change:
    how = rules.how_to_leave(term, one.status, on=leaving.on, how=leaving.how)
    # Of a term to come the seat is free at once; nothing ends before it began.
    is_to_come = leaving.on < term.starts_on
    on = min(leaving.on, today) if is_to_come or one.status in rules.WAITING else leaving.on
    on = max([on, *(event.effective_on for event in events)])
    if how == rules.DROP:
        return Change(one, "drop", on)
    return Change(
        one, "withdraw", on, reason=leaving.reason, last_attended_on=leaving.last_attended_on
    )


# What becomes of a term registration: while the term runs, and before it begins.
_BECOMES: Mapping[str, tuple[str, str]] = {
    rules.WITHDRAW: ("withdraw", "cancel"),
    rules.DROP: ("cancel", "cancel"),
    rules.LEAVE: ("leave", "leave"),
}


def _term_changes(
    under: Sequence[TermRegistration], terms: Mapping[str, TermDates], leaving: _Leaving
) -> list[TermChange]:
    found = []
    for one in under:
        now, to_come = _BECOMES[leaving.how]
        action = now if terms[one.term].starts_on <= leaving.on else to_come
        moves = rules.TERMS.moves
        if one.state not in moves[action].sources:
            # Who was only found eligible, or is pending, withdraws from nothing.
            action = "cancel"
        if one.state in moves[action].sources:
            found.append(TermChange(one, action, leaving.on, leaving.reason))
    return found

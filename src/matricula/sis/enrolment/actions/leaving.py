"""A student leaves one section: drops it, withdraws from it, or swaps it for another one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.checks import blocked, must_pass
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions import gathering
from matricula.sis.enrolment.actions.adding import Placed, new_row, placed
from matricula.sis.enrolment.actions.boundaries import must_be_agreed
from matricula.sis.enrolment.actions.queue import promote
from matricula.sis.enrolment.actions.writing import Change, key_of, write
from matricula.sis.holds import actions as holds

if TYPE_CHECKING:
    from datetime import date

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught
    from matricula.sis.enrolment.actions.gathering import Gathered
    from matricula.sis.enrolment.models import Enrolment, TermRegistration


def drop(doing: Doing, student: str, section: str, *, effective_on: date | None = None) -> Placed:
    """Drop a section before the census: as if it had not been. Or leave its queue, at any time.

    The seat is offered to the next who waits. Who dropped it already drops nothing.

    Args:
        doing: The act.
        student: The student's number, or the registration's.
        section: The section's code.
        effective_on: From which day; a registrar alone says an earlier one than today.

    Raises:
        Refused: Not permitted (M903), not in this section (M962), its history does not allow
            it (M961), the wrong window (M963), or a second person must agree (M909).
    """
    row = _fetched(doing, student, section, to="drop a section")
    on = effective_on or doing.acting.today
    if row.status == rules.DROPPED:
        return placed(row, is_new=False)
    if row.status not in rules.WAITING:
        _must_be_time(doing, row, rules.DROP, on=on)
    return _left(doing, row, Change(row, "drop", on))


def withdraw(
    doing: Doing,
    student: str,
    section: str,
    *,
    effective_on: date | None = None,
    last_attended_on: date | None = None,
) -> Placed:
    """Withdraw from a section after the census, for a reason: it is told, without points.

    Args:
        doing: The act; its reason is the withdrawal's.
        student: The student's number, or the registration's.
        section: The section's code.
        effective_on: From which day; a registrar alone says an earlier one than today.
        last_attended_on: The last day on which the student attended.

    Raises:
        Refused: As `drop`.
    """
    row = _fetched(doing, student, section, to="withdraw from a section")
    on = effective_on or doing.acting.today
    if row.status == rules.WITHDRAWN:
        return placed(row, is_new=False)
    _must_be_time(doing, row, rules.WITHDRAW, on=on)
    change = Change(
        row, "withdraw", on, reason=doing.acting.reason, last_attended_on=last_attended_on
    )
    return _left(doing, row, change)


def _fetched(doing: Doing, student: str, section: str, *, to: str) -> Enrolment:
    taught = curriculum.section(section)
    under = access.term_registration(doing.acting, student, taught.term, to=to)
    row = access.row(under, section)
    doing.name(to, "enrolment", key_of(row))
    return row


def _must_be_time(doing: Doing, row: Enrolment, action: str, *, on: date) -> None:
    term = curriculum.term(row.term_registration.term)
    today = doing.acting.today
    checks = rules.leaving_checks(
        term, action, on=on, today=today, is_own=doing.acting.role == "student"
    )
    must_pass(checks, code="M963")
    must_be_agreed(doing, row.term_registration, term, on=on, to=action)


def _left(doing: Doing, row: Enrolment, change: Change) -> Placed:
    capacity = lock_sections(doing, [row.section])[row.section]
    # A seat may have been offered, or the offer have passed, until the section was locked.
    row.refresh_from_db(fields=["status", "offered_until", "waitlist_rank"])
    write(doing, [change])
    promote(doing, {row.section: capacity})
    return placed(row, is_new=True)


def swap(doing: Doing, student: str, given: str, wanted: str) -> Placed:
    """Give up a section for another one, if the other has a seat; otherwise nothing changes.

    Args:
        doing: The act.
        student: The student's number, or the registration's.
        given: The section that is given up.
        wanted: The section that is wanted instead, of the same term.

    Raises:
        Refused: Not permitted (M903), not in the section that is given up (M961, M962), or
            the term's sections are dropped no more (M963).
        RefusedDecision: Something is in the way, a full section included (M941).
    """
    taught = curriculum.section(wanted)
    under = access.term_registration(doing.acting, student, taught.term, to="swap sections")
    leaving = access.row(under, given)
    term = curriculum.term(taught.term)
    gathered = gathering.gather(doing, [under], [], term, known={wanted: taught})
    row = gathered.row(under, wanted) or new_row(doing, gathered, under, taught)
    doing.name("swap sections", "enrolment", key_of(row))
    if row.status == rules.ENROLLED and leaving.status == rules.DROPPED:
        return placed(row, is_new=False)
    _must_be_time(doing, leaving, rules.DROP, on=doing.acting.today)
    return _swapped(doing, gathered, under, taught, (leaving, row))


def _swapped(
    doing: Doing,
    gathered: Gathered,
    under: TermRegistration,
    taught: Taught,
    rows: tuple[Enrolment, Enrolment],
) -> Placed:
    """Swap under the locks of both sections."""
    leaving, row = rows
    on = doing.acting.today
    capacities = lock_sections(doing, [leaving.section, row.section], to_fill=True)
    seats = queries.seats([row.section], at=doing.acting.at, on=on)[row.section]
    asked = gathering.wish(gathered, under, taught, on=on, but=[leaving.section])
    checks = gathering.checks(gathered, under, asked)
    if not seats.has_room(capacities[row.section]):
        checks.append(_no_seat(row.section))
    holds.ask(doing, under.person, gathering.SERVICE, checks, about=row.section)
    write(doing, [Change(leaving, "drop", on), Change(row, "enrol", on)])
    promote(doing, {leaving.section: capacities[leaving.section]})
    return placed(row, is_new=True)


def _no_seat(section: str) -> Check:
    return blocked(
        "seat", f"{section} has no seat for whoever comes now.", office=rules.OFFICE,
        clears="Keep what you have, or drop it and wait in line.",
    )  # fmt: skip

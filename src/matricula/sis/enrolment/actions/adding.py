"""A student gets a place in a section: a seat, a ticket in the queue, or somebody's consent first.

Everything is looked at and answered in one decision, with or without a seat; who has none
waits in line. The seats are counted last, under the lock of the section.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import NOTICE, PASSED, Check, in_the_way
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions import gathering
from matricula.sis.enrolment.actions.boundaries import must_be_agreed
from matricula.sis.enrolment.actions.queue import keeps_seat, promote
from matricula.sis.enrolment.actions.writing import Change, key_of, write
from matricula.sis.enrolment.models import Enrolment
from matricula.sis.holds import actions as holds

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date, datetime

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught
    from matricula.sis.enrolment.actions.gathering import Gathered
    from matricula.sis.enrolment.models import TermRegistration


@dataclass(frozen=True, slots=True)
class Placed:
    """What became of a student who asked for a place in a section.

    Attributes:
        key: The enrolment's, as other systems know it.
        status: enrolled, waitlisted or pending approval.
        rank: The ticket drawn in the queue, where they wait.
        offered_until: Until when a seat is kept for them, where one is.
        is_new: Whether anything was changed; asking twice changes nothing.
    """

    key: str
    status: str
    rank: int | None
    offered_until: datetime | None
    is_new: bool


def add(
    doing: Doing,
    student: str,
    section: str,
    *,
    effective_on: date | None = None,
    let_pass: Collection[str] = (),
) -> Placed:
    """Give a student a place in a section: a seat, or a ticket in the queue where there is none.

    Who needs somebody's permission, and lacks nothing else, waits for that.

    Args:
        doing: The act.
        student: The student's number, or the registration's where there are two in the term.
        section: The section's code.
        effective_on: From which day it counts; a registrar alone says another than today.
        let_pass: Names of checks in `rules.WAIVABLE`; a registrar alone lets any pass.

    Raises:
        Refused: Not permitted (M903), not registered in the term (M962), a name of no check
            (M965), or a second person must agree (M909).
        RefusedDecision: Something is in the way (M941); the answer is kept.
    """
    # Locked before anything is read: one student's clicks go one after the other.
    terms = access.of_student(student)
    held = gathering.held_by({one.student_no for one in terms})
    known = gathering.taught_to(held, section)
    taught = known.get(section) or curriculum.section(section)
    under = access.term_registration(doing.acting, student, taught.term, to="enrol", among=terms)
    on = effective_on or doing.acting.today
    _may_except(doing, under, on=on, let_pass=let_pass)
    doing.name("enrol", "enrolment", f"{under.student_no}|{section}")
    term = curriculum.term(taught.term)
    must_be_agreed(doing, under, term, on=on, to="enrol")
    gathered = gathering.gather(doing, [under], [], term, known=known, held=held)
    there = gathered.row(under, section)
    if there is not None and there.status in rules.THERE:
        return placed(there, is_new=False)
    asked = gathering.wish(gathered, under, taught, on=on, waived=let_pass)
    row = there or new_row(doing, gathered, under, taught)
    row.excepted = " ".join(sorted(let_pass))
    return _answer(doing, row, gathering.checks(gathered, under, asked), asked)


def _may_except(
    doing: Doing, under: TermRegistration, *, on: date, let_pass: Collection[str]
) -> None:
    """Ask for what only a registrar does: another day than today, and letting checks pass."""
    facts = access.facts_of(doing.acting, under)
    if on != doing.acting.today:
        to = "enrol on another day"
        permit(doing.acting, to, access.ALLOWED[to], facts)
    if not let_pass:
        return
    permit(doing.acting, "let a check pass", access.ALLOWED["let a check pass"], facts)
    unknown = sorted(set(let_pass) - set(rules.WAIVABLE))
    if unknown or not doing.acting.reason:
        what = f"{unknown[0]} cannot be let pass." if unknown else "To let pass needs a reason."
        names = ", ".join(rules.WAIVABLE)
        raise Refused("M965", what, cure=f"Name {names}, and say why with --why.")


def new_row(
    doing: Doing, gathered: Gathered, under: TermRegistration, taught: Taught
) -> Enrolment:
    """Begin an enrolment that is not in the database yet."""
    return Enrolment(
        term_registration=under, student_no=under.student_no, section=taught.code,
        module=taught.module, attempt=gathered.attempt(under, taught), credits=taught.credits,
        status="", act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip


def _answer(doing: Doing, row: Enrolment, checks: Sequence[Check], asked: rules.Wish) -> Placed:
    """Decide, and record what was decided."""
    wrong = in_the_way(checks)
    person = row.term_registration.person
    only_consent = [one.name for one in wrong] == [rules.REQUISITES]
    if only_consent and rules.awaits_permission(asked):
        must_wait = Check(
            "permission", NOTICE, f"{row.module} asks for permission; it is asked for now."
        )
        rest = [one for one in checks if one not in wrong]
        holds.decide(doing, person, gathering.SERVICE, [*rest, must_wait], about=row.section)
        write(doing, [Change(row, "ask approval", asked.on)])
        doing.left.append(f"Approve or refuse {key_of(row)}, which asks for permission.")
        return placed(row, is_new=True)
    if wrong:
        holds.ask(doing, person, gathering.SERVICE, checks, about=row.section)
    return _seat(doing, row, checks, action="enrol", on=asked.on)


def _seat(
    doing: Doing, row: Enrolment, checks: Sequence[Check], *, action: str, on: date
) -> Placed:
    """Give a seat, if there is one, and otherwise a ticket; whoever waits goes first."""
    capacity = lock_sections(doing, [row.section], to_fill=True)[row.section]
    seats = queries.seats([row.section], at=doing.acting.at, on=doing.acting.today)[row.section]
    has_room = seats.has_room(capacity) or keeps_seat(doing, row)
    rank = None if has_room else seats.last_rank + 1
    told = Check("seat", PASSED if has_room else NOTICE, _said(row, seats, capacity))
    holds.decide(
        doing, row.term_registration.person, gathering.SERVICE, [*checks, told],
        about=row.section,
    )  # fmt: skip
    write(doing, [Change(row, action if has_room else "wait", on, rank=rank)])
    if not has_room and seats.free(capacity):
        # Those before them may have something in the way by now.
        promote(doing, {row.section: capacity})
        row.refresh_from_db(fields=["offered_until"])
    return placed(row, is_new=True)


def _said(row: Enrolment, seats: rules.Seats, capacity: int) -> str:
    free = seats.free(capacity)
    if seats.has_room(capacity):
        return f"{row.section} had {free} free of {capacity} seats."
    return f"{row.section} has {free} free of {capacity} seats, and {seats.waiting} wait."


def placed(row: Enrolment, *, is_new: bool) -> Placed:
    """Say what became of an enrolment."""
    waits = row.status == rules.WAITLISTED
    rank, until = (row.waitlist_rank, row.offered_until) if waits else (None, None)
    return Placed(key_of(row), row.status, rank, until, is_new)


def approve(doing: Doing, student: str, section: str) -> Placed:
    """Give the permission that an enrolment waits for; then it gets a seat, or a ticket.

    Raises:
        Refused: Not permitted (M903), or nothing waits for approval (M961, M962).
        RefusedDecision: Something else is in the way by now (M941).
    """
    row, taught = _pending(doing, student, section, to="approve an enrolment")
    doing.name("approve an enrolment", "enrolment", key_of(row))
    row.excepted = " ".join(sorted(gathering.excepted(row) | {rules.PERMISSION}))
    return _take_seat(doing, row, taught, action="approve")


def refuse(doing: Doing, student: str, section: str) -> Placed:
    """Refuse the permission that an enrolment waits for, for a reason from the list.

    Raises:
        Refused: Not permitted (M903), nothing waits for approval, or no reason (M961, M962).
    """
    row, _ = _pending(doing, student, section, to="refuse an enrolment")
    doing.name("refuse an enrolment", "enrolment", key_of(row))
    write(doing, [Change(row, "refuse", doing.acting.today, doing.acting.reason)])
    return placed(row, is_new=True)


def _pending(doing: Doing, student: str, section: str, *, to: str) -> tuple[Enrolment, Taught]:
    taught = curriculum.section(section)
    under = access.consented(doing.acting, student, taught, to=to)
    row = access.row(under, section)
    today = doing.acting.today
    if row.status != rules.PENDING:
        raise Refused(
            "M961", f"On {today} the enrolment {key_of(row)} is {row.status}.",
            cure="Only what is pending approval is approved or refused.", place=rules.OFFICE,
        )  # fmt: skip
    return row, taught


def claim_seat(doing: Doing, student: str, section: str) -> Placed:
    """Take the seat that is kept for a student who waited; every check is made again.

    Raises:
        Refused: Not permitted (M903), or no seat is kept, or no longer (M964).
        RefusedDecision: Something is in the way by now (M941).
    """
    taught = curriculum.section(section)
    under = access.term_registration(doing.acting, student, taught.term, to="claim a seat")
    row = access.row(under, section)
    doing.name("claim a seat", "enrolment", key_of(row))
    if row.status == rules.ENROLLED:
        return placed(row, is_new=False)
    # Nobody lets the offer go while it is looked at.
    lock_sections(doing, [section])
    row.refresh_from_db(fields=["status", "offered_until", "waitlist_rank"])
    until = row.offered_until
    if row.status != rules.WAITLISTED or until is None or until <= doing.acting.at:
        when = f" since {until:%Y-%m-%d %H:%M} UTC" if until else ""
        raise Refused(
            "M964", f"No seat of {section} is kept for {under.student_no}{when}.",
            cure="Wait for an offer, or ask for a place again.", place=rules.OFFICE,
        )  # fmt: skip
    checks = _looked_at(doing, row, taught)
    holds.ask(doing, under.person, gathering.SERVICE, checks, about=section)
    write(doing, [Change(row, "claim", doing.acting.today)])
    return placed(row, is_new=True)


def _looked_at(doing: Doing, row: Enrolment, taught: Taught) -> list[Check]:
    """Look again at everything for a student who has a row in the section."""
    under = row.term_registration
    term = curriculum.term(taught.term)
    gathered = gathering.gather(doing, [under], [], term, known={taught.code: taught})
    asked = gathering.wish(
        gathered, under, taught, on=doing.acting.today, waived=gathering.excepted(row)
    )
    return gathering.checks(gathered, under, asked)


def _take_seat(doing: Doing, row: Enrolment, taught: Taught, *, action: str) -> Placed:
    """Look at everything again, then give a seat or a ticket.

    Raises:
        RefusedDecision: Something is in the way (M941).
    """
    checks = _looked_at(doing, row, taught)
    if in_the_way(checks):
        holds.ask(
            doing, row.term_registration.person, gathering.SERVICE, checks, about=row.section
        )
    return _seat(doing, row, checks, action=action, on=doing.acting.today)

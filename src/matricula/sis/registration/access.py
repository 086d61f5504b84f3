"""The only way to one student or registration on somebody's behalf."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import note_look, permit
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.people import queries as people
from matricula.sis.registration import queries
from matricula.sis.registration.rules import ON_LEAVE

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import datetime

    from matricula.accounts.rules import Acting
    from matricula.sis.registration.models import Registration

_REGISTRAR = {"registrar": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "read a registration": {
        "student": (scopes.OWN,),
        "exams officer": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME),
        "bursar": (scopes.ALL,),
        **_REGISTRAR,
    },
    "read a private reason": {"student": (scopes.OWN,), **_REGISTRAR},
    "read what is owed": {
        "student": (scopes.OWN,),
        "auditor": (scopes.ALL,),
        "operator": (scopes.ALL,),
        **_REGISTRAR,
    },
    "read who looked": {
        "student": (scopes.OWN,),
        "auditor": (scopes.ALL,),
        **_REGISTRAR,
    },
    "matriculate": {**_REGISTRAR, "admissions": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)},
    "record an event": _REGISTRAR,
    "reverse an event": _REGISTRAR,
}


def facts(registration: Registration) -> scopes.Facts:
    """Say what a registration belongs to."""
    person = registration.student.person
    return scopes.Facts(
        # Whoever was merged is their own under each of their numbers.
        persons=frozenset(people.family([person])[person]),
        programmes=frozenset({registration.programme}),
        departments=frozenset({curriculum.department_of(registration.programme)}),
    )


def registration(acting: Acting, number: str, *, to: str) -> Registration:
    """Fetch one registration for somebody who wants to do something with it.

    Args:
        acting: Who.
        number: The registration's number, or the student's.
        to: What for: a name in `ALLOWED`.

    Raises:
        Refused: They may not (M903), or there is no such registration (M911).
    """
    found = queries.row(number, on=acting.today)
    permit(acting, to, ALLOWED[to], facts(found))
    return found


def may_read_owed(acting: Acting, student: str) -> None:
    """Let somebody read what is owed about a student, or about everybody when none is named.

    Raises:
        Refused: They may not (M903), or there is no such student (M911).
    """
    to = "read what is owed"
    if not student:
        permit(acting, to, ALLOWED[to])
        return
    registration(acting, student, to=to)


def may_read_looks(acting: Acting, student: str) -> None:
    """Let somebody read who looked at a student's record.

    Raises:
        Refused: They may not (M903), or there is no such student (M911).
    """
    registration(acting, student, to="read who looked")


def may_see_reason(acting: Acting, found: Registration, reason: str) -> bool:
    """Whether somebody may see why; that they looked at a private reason is noted."""
    from matricula.sis.registration.rules import REASONS

    if not REASONS.get(reason, False):
        return True
    if not scopes.may(acting, ALLOWED["read a private reason"], facts(found)):
        return False
    note_look(acting, what="private reason", entity="student", key=found.student.number)
    return True


@dataclass(frozen=True, slots=True)
class History:
    """A student's registrations on a day, and everything that was recorded of them."""

    registrations: tuple[queries.Registered, ...]
    lines: tuple[queries.Line, ...]

    def as_json(self) -> dict[str, object]:
        """Write it as one JSON value."""
        return {
            "registrations": [
                {
                    "number": one.number, "programme": one.programme, "cohort": one.cohort,
                    "state": one.standing.state, "since": _day(one.standing.since),
                    "until": _day(one.standing.ends_on),
                }
                for one in self.registrations
            ],
            "history": [
                {
                    "act": one.act, "registration": one.registration, "action": one.action,
                    "effective_on": _day(one.effective_on),
                    "last_attended_on": _day(one.last_attended_on),
                    "recorded_at": one.recorded_at.isoformat(timespec="seconds"),
                    "reason": one.reason, "stands": one.stands,
                }
                for one in self.lines
            ],
        }  # fmt: skip


def on_leave(acting: Acting, *, on: date) -> list[queries.Registered]:
    """List who is on leave on a day, the first to be back first: those that somebody may read."""
    held = queries.in_states({ON_LEAVE}, on=on)
    persons = people.family({one.person for one in held})
    programmes = {one.programme for one in held}
    departments = {code: curriculum.department_of(code) for code in programmes}
    allowed = ALLOWED["read a registration"]
    seen = [
        one
        for one in held
        if scopes.may(
            acting, allowed,
            scopes.Facts(
                persons=frozenset(persons[one.person]),
                programmes=frozenset({one.programme}),
                departments=frozenset({departments[one.programme]}),
            ),
        )
    ]  # fmt: skip
    return sorted(seen, key=lambda one: (one.standing.ends_on or date.max, one.number))


def _day(day: date | None) -> str:
    return day.isoformat() if day else ""


def history(acting: Acting, number: str, *, on: date, known_at: datetime | None = None) -> History:
    """Tell somebody a student's history; reasons that are private stay so for who may not see.

    Args:
        acting: Who asks.
        number: The student's number.
        on: As it was on which day.
        known_at: As it was known at which instant; now when None.

    Raises:
        Refused: They may not (M903), or there is no such student (M911).
    """
    student = queries.student(number.partition("/")[0])
    # Whoever may read is settled by all there are today; which were known then is another matter.
    every = queries.of_students([student.number], on=on)
    rows = {one.number: queries.row(one.number, on=on) for one in every}
    allowed = ALLOWED["read a registration"]
    readable = {number for number, row in rows.items() if scopes.may(acting, allowed, facts(row))}
    if not readable:
        permit(acting, "read a registration", allowed, facts(next(iter(rows.values()))))
    held = queries.of_students([student.number], on=on, known_at=known_at)
    mine = [one for one in held if one.number in readable]
    told = {one.number for one in mine}
    lines = [
        line if may_see_reason(acting, rows[line.registration], line.reason)
        else replace(line, reason="private")
        for line in queries.lines(student.number, known_at=known_at)
        if line.registration in told
    ]  # fmt: skip
    return History(tuple(mine), tuple(lines))

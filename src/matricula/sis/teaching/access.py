"""The only way to a section's teaching, or somebody's timetable, on somebody's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.people import queries as people
from matricula.sis.registration import queries as registration
from matricula.sis.teaching import queries, rules

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime

    from matricula.accounts.rules import Acting
    from matricula.sis.curriculum.rules import Taught
    from matricula.sis.teaching.models import Assignment

_STAFFING = {
    "head of department": (scopes.DEPARTMENT,),
    "scheduler": (scopes.ALL, scopes.DEPARTMENT),
}
_TEACHING = {"lecturer": (scopes.SECTION, scopes.MODULE)}
_REGISTRAR = {"registrar": (scopes.ALL, scopes.DEPARTMENT)}
_OWN = {
    "student": (scopes.OWN,),
    "registrar": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME),
}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "assign a duty": _STAFFING,
    "end a duty": _STAFFING,
    "hand a duty over": _STAFFING,
    "give access": {"scheduler": (scopes.ALL,), "operator": (scopes.ALL,)},
    "let a lecturer leave": {"registrar": (scopes.ALL,)},
    "read duties": {
        **_STAFFING, **_TEACHING, **_REGISTRAR,
        "exams officer": (scopes.ALL, scopes.DEPARTMENT),
    },
    "read the timetable of a section": {**_STAFFING, **_TEACHING, **_REGISTRAR},
    "read the timetable of a lecturer": {**_STAFFING, **_TEACHING, **_REGISTRAR},
    "read the timetable of a room": {"scheduler": (scopes.ALL,), "registrar": (scopes.ALL,)},
    "read the timetable of a student": _OWN,
    "take attendance": _TEACHING,
    "amend attendance": {**_TEACHING, **_REGISTRAR},
    "read attendance": {**_TEACHING, **_REGISTRAR, "head of department": (scopes.DEPARTMENT,)},
    "read a student's attendance": _OWN,
}  # fmt: skip


def facts(taught: Taught) -> scopes.Facts:
    """Say what a section belongs to."""
    return scopes.Facts(
        sections=frozenset({taught.code}), modules=frozenset({taught.module}),
        departments=frozenset({taught.department}),
    )  # fmt: skip


def section(acting: Acting, code: str, *, to: str) -> Taught:
    """Fetch a section for somebody who wants to do something with its teaching.

    Args:
        acting: Who.
        code: Which.
        to: What for: a name in `ALLOWED`.

    Raises:
        Refused: They may not (M903), or there is no such section (M921).
    """
    found = curriculum.section(code)
    permit(acting, to, ALLOWED[to], facts(found))
    return found


def assignment(acting: Acting, number: str, *, to: str) -> Assignment:
    """Fetch an assignment for somebody who wants to do something with it.

    Raises:
        Refused: They may not (M903), or there is none (M971).
    """
    found = queries.row(number)
    section(acting, found.section, to=to)
    return found


def anybody(acting: Acting, *, to: str) -> None:
    """Let somebody do what belongs to no one section, or refuse (M903)."""
    permit(acting, to, ALLOWED[to])


def duties(
    acting: Acting, code: str, *, on: date, known_at: datetime | None = None
) -> list[queries.Assigned]:
    """List who has which duty in a section on a day, as known now or at an instant, for somebody.

    Raises:
        Refused: They may not (M903), or there is no such section (M921).
    """
    section(acting, code, to="read duties")
    return queries.of_sections([code], on=on, known_at=known_at)


def timetable_of_section(acting: Acting, code: str, days: Iterable[date]) -> list[rules.Lesson]:
    """List when a section meets, for somebody (M903, M921)."""
    section(acting, code, to="read the timetable of a section")
    return queries.timetable_of_section(code, days)


def timetable_of_room(acting: Acting, code: str, days: Iterable[date]) -> list[rules.Lesson]:
    """List what meets in a room, for somebody (M903)."""
    anybody(acting, to="read the timetable of a room")
    return queries.timetable_of_room(code, days)


def timetable_of_lecturer(
    acting: Acting, staff_no: str, days: Iterable[date]
) -> list[rules.Lesson]:
    """List where a member of staff meets students, for somebody; lecturers see their own.

    Raises:
        Refused: They may not (M903), or there is no such member of staff (M931).
    """
    to = "read the timetable of a lecturer"
    person = people.staff_member(staff_no).person_id
    codes = {one.held.section for one in queries.of_staff([staff_no])}
    taught = curriculum.sections(codes).values()
    theirs = acting.role != "lecturer" or acting.person == person
    permit(
        acting, to, ALLOWED[to],
        scopes.Facts(
            sections=frozenset(codes if theirs else ()),
            modules=frozenset(one.module for one in taught if theirs),
            departments=frozenset(one.department for one in taught),
        ),
    )  # fmt: skip
    return queries.timetable_of_lecturer(staff_no, days)


def timetable_of_student(acting: Acting, number: str, days: Iterable[date]) -> list[rules.Lesson]:
    """List where a student is taught, for somebody (M903, M911)."""
    student(acting, number, to="read the timetable of a student")
    return queries.timetable_of_student(number, days)


def student(acting: Acting, number: str, *, to: str) -> None:
    """Let somebody read of a student's days, or refuse.

    Raises:
        Refused: They may not (M903), or there is no such student (M911).
    """
    person = registration.student(number).person
    programmes = {one.programme for one in registration.of_students([number], on=acting.today)}
    permit(
        acting, to, ALLOWED[to],
        scopes.Facts(
            persons=frozenset({person}), programmes=frozenset(programmes),
            departments=frozenset(curriculum.department_of(code) for code in programmes),
        ),
    )  # fmt: skip


def attendance_on(
    acting: Acting, code: str, day: date, *, known_at: datetime | None = None
) -> list[tuple[rules.Mark, bool]]:
    """List the attendance of a section on a day, and who of them outsiders may not be told of.

    Raises:
        Refused: They may not (M903), or there is no such section (M921).
    """
    section(acting, code, to="read attendance")
    held = queries.marks([code], on=day, known_at=known_at)
    persons = registration.persons_of({one.student_no for one in held})
    known = people.known(persons.values(), on=acting.today)
    return [(one, known[persons[one.student_no]].is_restricted) for one in held]


def attendance_in(
    acting: Acting, code: str, *, known_at: datetime | None = None
) -> list[rules.Attendance]:
    """Add up the attendance of everybody in a section, for somebody (M903, M921)."""
    section(acting, code, to="read attendance")
    return queries.attendance_in(code, known_at=known_at)


def attendance_of_student(
    acting: Acting, number: str, *, known_at: datetime | None = None
) -> list[rules.Attendance]:
    """Add up the attendance of a student in each section, for somebody (M903, M911)."""
    student(acting, number, to="read a student's attendance")
    return queries.attendance_of(number, known_at=known_at)

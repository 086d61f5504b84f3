"""The only way to a term registration or an enrolment on somebody's behalf."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import queries, rules
from matricula.sis.enrolment.models import Enrolment, TermRegistration
from matricula.sis.people import queries as people
from matricula.sis.registration import access as registrations
from matricula.sis.registration import queries as registration

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from matricula.accounts.rules import Acting
    from matricula.sis.curriculum.rules import Taught
    from matricula.sis.registration.queries import Registered

_REGISTRAR = {"registrar": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)}
_STUDENT = {"student": (scopes.OWN,)}
_BOTH: Mapping[str, Collection[str]] = {**_STUDENT, **_REGISTRAR}
_CONSENT: Mapping[str, Collection[str]] = {
    "lecturer": (scopes.SECTION, scopes.MODULE),
    "head of department": (scopes.DEPARTMENT,),
    **_REGISTRAR,
}
_EXAMS = {"exams officer": (scopes.ALL, scopes.DEPARTMENT)}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "register for a term": _BOTH,
    "register an intake": _REGISTRAR,
    "cancel a term registration": _REGISTRAR,
    "come back into a term": _REGISTRAR,
    "take a census": {"registrar": (scopes.ALL,)},
    "complete a term": {"registrar": (scopes.ALL,)},
    "enrol": _BOTH,
    "enrol on another day": _REGISTRAR,
    "let a check pass": _REGISTRAR,
    "enrol an intake": _REGISTRAR,
    "approve an enrolment": _CONSENT,
    "refuse an enrolment": _CONSENT,
    "claim a seat": _BOTH,
    "swap sections": _BOTH,
    "drop a section": _BOTH,
    "withdraw from a section": _BOTH,
    "offer seats": {
        "registrar": (scopes.ALL, scopes.DEPARTMENT),
        "scheduler": (scopes.ALL, scopes.DEPARTMENT),
        "system": (scopes.ALL,),
    },
    "end every enrolment": _REGISTRAR,
    "restore enrolments": _REGISTRAR,
    "record grades": _EXAMS,
    "leave incomplete": _EXAMS,
    "read a roster": {
        "lecturer": (scopes.SECTION, scopes.MODULE),
        "head of department": (scopes.DEPARTMENT,),
        "exams officer": (scopes.ALL, scopes.DEPARTMENT),
        "registrar": (scopes.ALL, scopes.DEPARTMENT),
    },
    "read a waitlist": {
        "lecturer": (scopes.SECTION, scopes.MODULE),
        "head of department": (scopes.DEPARTMENT,),
        "scheduler": (scopes.ALL, scopes.DEPARTMENT),
        "registrar": (scopes.ALL, scopes.DEPARTMENT),
    },
    "read enrolments": {
        "exams officer": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME),
        **_BOTH,
    },
}


def facts_of(acting: Acting, under: TermRegistration) -> scopes.Facts:
    """Say what a term registration belongs to, as far as somebody's grants ask for it."""
    held = {grant.scope for grant in acting.grants}
    persons = frozenset({under.person})
    if scopes.OWN in held and acting.person != under.person:
        # Whoever was merged is their own under each of their numbers.
        persons = frozenset(people.family([under.person])[under.person])
    departments = frozenset(
        {curriculum.department_of(under.programme)} if scopes.DEPARTMENT in held else ()
    )
    return scopes.Facts(
        persons=persons, programmes=frozenset({under.programme}), departments=departments
    )


def facts_in_full(under: TermRegistration) -> scopes.Facts:
    """Say what a term registration belongs to, whoever's grants ask for it."""
    persons = frozenset(people.family([under.person])[under.person])
    return replace(facts_of_programme(under.programme), persons=persons)


def facts_of_programme(code: str) -> scopes.Facts:
    """Say what the students of a programme belong to."""
    return scopes.Facts(
        programmes=frozenset({code}), departments=frozenset({curriculum.department_of(code)})
    )


def facts_of_section(section: Taught) -> scopes.Facts:
    """Say what a section belongs to."""
    return scopes.Facts(
        sections=frozenset({section.code}),
        modules=frozenset({section.module}),
        departments=frozenset({section.department}),
    )


def registered(acting: Acting, number: str, *, to: str, on: date) -> Registered:
    """Fetch a registration as it is on a day, for somebody who wants to do something with it.

    Raises:
        Refused: They may not (M903), or there is no such registration (M911).
    """
    found = registration.row(number, on=on)
    permit(acting, to, ALLOWED[to], registrations.facts(found))
    return registration.told(found, registration.standings([found.pk], on=on)[found.pk])


def term_registration(
    acting: Acting,
    number: str,
    term: str,
    *,
    to: str,
    among: list[TermRegistration] | None = None,
) -> TermRegistration:
    """Fetch a student's registration in a term; nobody else changes what hangs on it meanwhile.

    Args:
        acting: Who asks.
        number: The student's number, or the registration's where there are two in the term.
        term: The term's code.
        to: What for: a name in `ALLOWED`.
        among: What `of_student` gave, where it was asked already.

    Raises:
        Refused: They may not (M903), or there is none, or two (M962).
    """
    held = of_student(number) if among is None else among
    if not any(one.term == term for one in held):
        # Who may not hear of this student is told that first.
        registered(acting, number, to=to, on=acting.today)
    found = _only(number, term, held)
    permit(acting, to, ALLOWED[to], facts_of(acting, found))
    return found


def _only(number: str, term: str, held: list[TermRegistration]) -> TermRegistration:
    of_term = [one for one in held if one.term == term and one.state]
    live = [one for one in of_term if one.state == rules.REGISTERED] or of_term
    if len(live) == 1:
        return live[0]
    if not live:
        raise Refused(
            "M962", f"{number} is not registered in the term {term}.",
            cure=f"Register first: `matricula register term-register {number} {term}`.",
            place=rules.OFFICE,
        )  # fmt: skip
    numbers = ", ".join(queries.number_of(one) for one in live)
    raise Refused(
        "M962", f"{number} is in the term {term} under several registrations: {numbers}.",
        cure="Write the student's number, a stroke and the attempt.",
    )  # fmt: skip


def of_student(number: str) -> list[TermRegistration]:
    """Lock a student's registrations for terms, and read them; nobody has asked whether they may.

    All of them, for one student's clicks go one after the other.
    """
    student_no, _, attempt = number.partition("/")
    rows = TermRegistration.objects.filter(student_no=student_no).order_by("id")
    return [one for one in rows.select_for_update() if not attempt or str(one.attempt) == attempt]


def of_registration(acting: Acting, number: int, *, to: str) -> list[TermRegistration]:
    """Fetch every term of a registration; nobody else changes what hangs on them meanwhile.

    Args:
        acting: Who asks.
        number: The registration's number in the database.
        to: What for: a name in `ALLOWED`.

    Raises:
        Refused: They may not (M903).
    """
    rows = TermRegistration.objects.filter(registration=number).order_by("id")
    found = list(rows.select_for_update())
    if found:
        permit(acting, to, ALLOWED[to], facts_of(acting, found[0]))
    return found


def consented(acting: Acting, number: str, taught: Taught, *, to: str) -> TermRegistration:
    """Fetch a student's registration in a term for who gives or refuses consent to a section.

    A registrar reaches it by the student, who answers for a section by the section.

    Raises:
        Refused: They may not (M903), or there is none, or two (M962).
    """
    if acting.role in _REGISTRAR:
        return term_registration(acting, number, taught.term, to=to)
    permit(acting, to, ALLOWED[to], facts_of_section(taught))
    return _only(number, taught.term, of_student(number))


def row(under: TermRegistration, code: str) -> Enrolment:
    """Fetch the enrolment of a term registration in a section.

    Raises:
        Refused: There is none (M962).
    """
    found = Enrolment.objects.filter(term_registration=under, section=code).exclude(status="")
    one = found.first()
    if one is None:
        raise Refused(
            "M962", f"{queries.number_of(under)} never asked for a place in {code}.",
            cure=f"Ask for one: `matricula register enrol {under.student_no} {code}`.",
            place=rules.OFFICE,
        )  # fmt: skip
    # It was read already, and is locked.
    one.term_registration = under
    return one


def section(acting: Acting, code: str, *, to: str) -> Taught:
    """Fetch a section for somebody who wants to do something with those who are in it.

    Raises:
        Refused: They may not (M903), or there is no such section (M921).
    """
    found = curriculum.section(code)
    permit(acting, to, ALLOWED[to], facts_of_section(found))
    return found


def roster(
    acting: Acting, code: str, *, on: date, known_at: datetime | None = None
) -> list[queries.OnRoster]:
    """List who is in a section on a day, for somebody who may know.

    Raises:
        Refused: They may not (M903), or there is no such section (M921).
    """
    section(acting, code, to="read a roster")
    return queries.roster(code, on=on, known_at=known_at)


def waitlist(acting: Acting, code: str) -> list[queries.InLine]:
    """List who waits for a seat in a section, for somebody who may know.

    Raises:
        Refused: They may not (M903), or there is no such section (M921).
    """
    section(acting, code, to="read a waitlist")
    return queries.waitlist(code)


def enrolments(
    acting: Acting, number: str, *, on: date, known_at: datetime | None = None
) -> list[queries.Enrolled]:
    """List the enrolments of a student on a day, for somebody who may know.

    Raises:
        Refused: They may not (M903), or there is no such student (M911).
    """
    found = registered(acting, number, to="read enrolments", on=on)
    told = queries.enrolments_of(found.student_no, on=on, known_at=known_at)
    return [one for one in told if one.registration in _readable(acting, found.student_no, on)]


def terms(
    acting: Acting, number: str, *, on: date, known_at: datetime | None = None
) -> list[queries.InTerm]:
    """List the term registrations of a student on a day: those that somebody may read, or none.

    Args:
        acting: Who asks.
        number: The student's number, or a registration's.
        on: As it was on which day.
        known_at: As it was known at which instant; now when None.
    """
    student_no = number.partition("/")[0]
    may_read = _readable(acting, student_no, on)
    told = queries.term_registrations_of([student_no], on=on, known_at=known_at)
    return [one for one in told if one.registration in may_read]


def _readable(acting: Acting, student_no: str, on: date) -> set[int]:
    """List the registrations of a student whose enrolments somebody may read."""
    return {
        one.id
        for one in registration.of_students([student_no], on=on)
        if scopes.may(acting, ALLOWED["read enrolments"], _belongs_to(one))
    }


def _belongs_to(one: Registered) -> scopes.Facts:
    persons = frozenset(people.family([one.person])[one.person])
    return replace(facts_of_programme(one.programme), persons=persons)

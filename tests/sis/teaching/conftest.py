"""A term with two modules that meet at the same time, and Dewi and Efua, who teach here."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pytest

from matricula.accounts import actions as accounts
from matricula.accounts import queries as held
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.curriculum.rules import MeetingTime, TermDates
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.people import actions as people
from matricula.sis.registration import actions as registration
from tests.sis.conftest import acting, doing

SEPTEMBER, DECEMBER = date(2026, 9, 1), date(2026, 12, 14)
MARKS_DUE, BOARD = date(2027, 1, 10), date(2027, 1, 20)
TERM = TermDates(
    "2026-1", "Autumn", SEPTEMBER, DECEMBER, date(2026, 7, 1), date(2026, 9, 14),
    date(2026, 9, 28), date(2026, 10, 1), date(2026, 11, 13), MARKS_DUE, BOARD,
)  # fmt: skip
# Cells and Genes meet on Wednesdays at nine, the second group of Cells on Thursdays.
SECTIONS = {"BIO101-A": ("BIO101", 3), "BIO101-B": ("BIO101", 4), "BIO102-A": ("BIO102", 3)}


def scheduler(**told):
    """Who gives duties."""
    return acting("scheduler", **told)


@pytest.fixture
def taught(register):
    """The term, its sections, and when they meet."""
    version = curriculum.NewVersion("Cells", Decimal(10), 1, date(2020, 1, 1))
    with doing() as act:
        curriculum.add_campus(act, "MAIN", "Main", "Europe/London")
        curriculum.add_room(act, "R1", "MAIN", 50)
        curriculum.add_term(act, TERM)
        for module in ("BIO101", "BIO102"):
            curriculum.add_module(act, module, "SCI", version)
        for code, (module, weekday) in SECTIONS.items():
            curriculum.plan_section(act, curriculum.NewSection(code, module, "2026-1", "MAIN", 30))
            curriculum.move_section(act, code, "open", taken=0)
            room = "R1" if code.startswith("BIO101") else ""
            curriculum.schedule_meeting(
                act, code, MeetingTime(weekday, time(9), time(11), SEPTEMBER, DECEMBER, room)
            )
    return tuple(SECTIONS)


def hire(given, *, until=None, account=True):
    """Hire a lecturer, with an account of the same name in small letters; give the number."""
    with doing() as act:
        described = people.Described(given, "Test", None)
        person = people.register(act, described, on=date(2020, 1, 1)).pk
        number = people.hire(act, person).number
        people.assign_duty(act, number, people.Post("lecturer", "SCI", date(2020, 1, 1), until))
    if account:
        accounts.open_account(acting("operator"), given.lower(), person=person)
    return number


@pytest.fixture
def dewi(taught):
    """Dewi, who teaches."""
    return hire("Dewi")


@pytest.fixture
def efua(dewi):
    """Efua, a colleague."""
    return hire("Efua")


def granted(name, on):
    """The roles of an account on a day, each with its section."""
    return {(one.role, one.value) for one in held.grants(name, on=on)}


def enroll(given, section="BIO101-A", on=SEPTEMBER, email=""):
    """Matriculate somebody in September, register them for the term and enrol them."""
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    with doing(acting(at=at, today=on)) as act:
        person = people.register(act, people.Described(given, "Test", None, email), on=on)
        attempt = registration.Attempt("BIO", "2026", "full", on)
        made = registration.matriculate(act, person.pk, attempt)
        registration.record(act, made, registration.Change("start", on))
        enrolment.register_term(act, made.student.number, "2026-1")
        enrolment.add(act, made.student.number, section)
    return made.student.number

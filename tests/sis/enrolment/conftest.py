"""A term with a few sections, and students who may study in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time

import pytest

from matricula.sis.curriculum import models
from matricula.sis.curriculum.rules import BOUNDARIES, TermDates
from matricula.sis.enrolment import actions, queries
from matricula.sis.people import actions as people
from matricula.sis.registration import actions as registration
from matricula.sis.registration import queries as registrations
from tests.sis.conftest import acting, doing

SEPTEMBER = date(2026, 9, 1)
# Sections are chosen; dropped, and told of no more; the census is over; the term is over.
CHOOSING, DROPPING, LATE = date(2026, 9, 10), date(2026, 9, 20), date(2026, 10, 14)
OVER = date(2026, 12, 20)
AUTUMN = TermDates(
    "2026-1", "Autumn 2026", starts_on=SEPTEMBER, ends_on=date(2026, 12, 14),
    register_from=date(2026, 8, 1), add_until=date(2026, 9, 14), drop_until=date(2026, 9, 28),
    census_on=date(2026, 10, 1), withdraw_until=date(2026, 11, 20),
    marks_due_on=date(2027, 1, 8), board_on=date(2027, 1, 20),
    bands=((date(2026, 9, 14), 100), (date(2026, 10, 31), 50)),
)  # fmt: skip
SPRING = replace(
    AUTUMN, code="2026-2", title="Spring 2027", starts_on=date(2027, 1, 25),
    ends_on=date(2027, 5, 10), register_from=date(2026, 9, 1), add_until=date(2027, 2, 5),
    drop_until=date(2027, 2, 19), census_on=date(2027, 2, 20), withdraw_until=date(2027, 4, 15),
    marks_due_on=date(2027, 5, 25), board_on=date(2027, 6, 10), bands=(),
)  # fmt: skip
# Modules of twenty credits and what they ask.
MODULES = {
    "BIO101": "", "BIO102": "passed(BIO101)", "CHE101": "", "ART101": "permission",
    "MAT101": "", "PHY101": "",
}  # fmt: skip
# Sections: term, seats, and on which weekday they meet at nine.
SECTIONS = {
    "BIO101-1": ("2026-1", 1, 1), "BIO101-2": ("2026-1", 30, 2), "BIO102-1": ("2026-1", 30, 3),
    "CHE101-1": ("2026-1", 30, 1), "CHE101-2": ("2026-1", 30, 4), "ART101-1": ("2026-1", 1, 5),
    "MAT101-1": ("2026-1", 30, 6), "PHY101-1": ("2026-1", 30, 7), "PHY101-S": ("2026-2", 1, 1),
}  # fmt: skip


def on(day, role="registrar", scope="all", value="", **told):
    """Somebody who acts on a day, at nine in the morning unless an instant is said."""
    at = told.pop("at", datetime.combine(day, time(9), UTC))
    return acting(role, scope, value, at=at, today=day, **told)


def act(do, *arguments, day=CHOOSING, who=None, **told):
    """Do one thing as a registrar, or as somebody else; gives what it gave."""
    names = {"reason", "approver", "at", "policy"} & set(told)
    whose = who or on(day, **{name: told.pop(name) for name in names})
    with doing(whose) as step:
        return do(step, *arguments, **told)


@pytest.fixture
def campus(register):
    """Two terms, six modules and their sections, open and at their times."""
    at = datetime(2026, 5, 1, tzinfo=UTC)
    science = models.Department.objects.get()
    main = models.Campus.objects.create(
        code="MAIN", title="Main", timezone="Europe/London", act="test"
    )
    terms, versions = {}, {}
    for dates in (AUTUMN, SPRING):
        terms[dates.code] = _term(dates, at)
    for code, requisites in MODULES.items():
        module = models.Module.objects.create(code=code, department=science, act="test")
        versions[code] = models.ModuleVersion.objects.create(
            module=module, title=code, credits=20, level=1, requisites=requisites,
            starts_on=date(2020, 1, 1), act="test",
        )  # fmt: skip
    made = models.Section.objects.bulk_create(
        models.Section(
            code=code, module_version=versions[code.partition("-")[0]], term=terms[term],
            campus=main, capacity=seats, state="open", act="test",
        )
        for code, (term, seats, _) in SECTIONS.items()
    )  # fmt: skip
    models.SectionEvent.objects.bulk_create(
        models.SectionEvent(
            section=one, action=action, from_state=before, to_state=after, act="test",
            capacity=one.capacity, effective_on=at.date(), recorded_at=at,
        )
        for one in made
        for action, before, after in (("plan", "", "planned"), ("open", "planned", "open"))
    )  # fmt: skip
    models.Meeting.objects.bulk_create(
        models.Meeting(
            section=one, weekday=SECTIONS[one.code][2], starts_at=time(9), ends_at=time(11),
            valid_from=date(2026, 9, 1), valid_to=date(2027, 5, 10), act="test", recorded_at=at,
        )
        for one in made
    )  # fmt: skip
    return register


def _term(dates, at):
    made = models.Term.objects.create(code=dates.code, title=dates.title, act="test")
    days = {name: getattr(dates, name) for name in BOUNDARIES}
    version = models.TermVersion.objects.create(term=made, act="test", recorded_at=at, **days)
    for until, percent in dates.bands:
        models.RefundBand.objects.create(version=version, until_on=until, percent=percent)
    return made


def student(given="Amara", *, programme="BIO", cohort="2026", term="2026-1"):
    """Somebody who studies since September, registered for a term; gives the number."""
    with doing(on(CHOOSING)) as step:
        described = people.Described(given, "Test", None)
        person = people.register(step, described, on=SEPTEMBER).pk
        attempt = registration.Attempt(programme, cohort, "full", SEPTEMBER)
        made = registration.matriculate(step, person, attempt)
        registration.record(step, made, registration.Change("start", SEPTEMBER))
        number = registrations.number_of(made)
        if term:
            actions.register_term(step, number, term)
    return number.partition("/")[0]


def person_of(number):
    """The person a student is."""
    return registrations.student(number).person


def registration_of(number):
    """The registration of a student, by its number in the database."""
    return registrations.row(number, on=CHOOSING).pk


def enrol(number, section, *, day=CHOOSING, **told):
    """Enrol a student; gives what became of it."""
    return act(actions.add, number, section, day=day, **told)


def leave_all(number, *, how="withdraw", effective_on=LATE, day=LATE, **told):
    """End everything of a student's registration; gives the act."""
    with doing(on(day)) as step:
        actions.leave_all(
            step, registration_of(number), action=how, effective_on=effective_on,
            reason="personal", **told,
        )  # fmt: skip
    return step


def restore(act_, *, day=LATE):
    """Take an act back; gives the act that does."""
    with doing(on(day)) as step:
        actions.restore(step, act_.act)
    return step


def status(number, section, day=LATE, **told):
    """The status of an enrolment on a day; empty where there is none."""
    held = queries.enrolments_of(number, on=day, **told)
    return next((one.status for one in held if one.section == section), "")


def in_line(section):
    """Who waits in a section, in order."""
    return [one.student_no for one in queries.waitlist(section)]


def offered(section):
    """To whom a seat is offered."""
    return [one.student_no for one in queries.waitlist(section) if one.offered_until]

"""An admissions office: terms to apply for, applicants, and what is done again and again."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.sis.admissions import actions, queries
from matricula.sis.admissions.queries import Applicant
from matricula.sis.registration import queries as registrations
from tests.sis.conftest import TODAY, acting, doing

AMARA = Applicant("Amara", "Okafor", date(2004, 5, 1), "amara@example.org")
WISH = actions.Wish("BIO", "2027/1")
JUNE = date(2027, 6, 1)


@pytest.fixture
def office(register):
    """The small register, with three terms: one that began, and two that will."""
    from matricula.sis.curriculum import models

    for code, starts_on in (
        ("2026/1", date(2026, 9, 1)), ("2027/1", date(2027, 9, 6)), ("2028/1", date(2028, 9, 4)),
    ):  # fmt: skip
        term = models.Term.objects.create(code=code, title=code, act="test")
        models.TermVersion.objects.create(
            term=term, starts_on=starts_on, ends_on=starts_on + timedelta(days=104),
            register_from=starts_on, add_until=starts_on + timedelta(days=14),
            drop_until=starts_on + timedelta(days=21), census_on=starts_on + timedelta(days=30),
            withdraw_until=starts_on + timedelta(days=60),
            marks_due_on=starts_on + timedelta(days=100),
            board_on=starts_on + timedelta(days=110), act="test",
            recorded_at=acting().at,
        )  # fmt: skip
    return register


def admissions(**told):
    """An act of the Admissions Office."""
    return doing(acting("admissions", **told))


def applied(who=AMARA, wish=WISH, *, to="submit"):
    """An application that came today and was brought to a state; its number."""
    with admissions() as act:
        number = actions.apply(act, who, wish, on=TODAY).number
        for step in ("submit", "review"):
            if to in (step, "review", "offer", "accept"):
                actions.record(act, number, step, on=TODAY)
            if step == to:
                break
    return number


def offered(number=None, *, conditions=(), deposit=0, until=JUNE, who=AMARA):
    """An application with an offer; its number."""
    number = number or applied(who, to="review")
    with admissions() as act:
        actions.offer(
            act, number,
            actions.Offering(until, conditions, deposit, "GBP" if deposit else ""), on=TODAY,
        )  # fmt: skip
    return number


def accepted(**told):
    """An application whose place was accepted; its number."""
    number = offered(**told)
    step(number, "accept")
    return number


def step(number, action, on=TODAY, **told):
    """Record a plain step; the event."""
    with admissions(**told) as act:
        return actions.record(act, number, action, on=on)


def told(number, on=TODAY, **known):
    """What an application is on a day."""
    (found,) = queries.of_numbers([number], on=on, **known)
    return found


def state(number, on=TODAY, **known):
    """The state of an application on a day."""
    return told(number, on, **known).standing.state


def matriculated(number, *, who=None, entry=None, **told_of_who):
    """Make an applicant a student; the registration."""
    with admissions(**(who or {})) as act:
        made = actions.matriculate(act, number, actions.Identity(**told_of_who), entry)
    return registrations.row(made, on=date(2028, 1, 1))

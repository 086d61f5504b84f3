"""Students to be told something, and a mail server that takes it."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from matricula.sis.people import actions as people
from matricula.sis.people.actions import Described
from matricula.sis.registration import actions as registration
from matricula.site.mail import server
from tests.counterparts.mail_server import mail_server
from tests.sis.conftest import TODAY, doing


@dataclass(frozen=True, slots=True)
class Student:
    """A student: the number, and the person they are."""

    number: str
    person: int


def enter(given: str, *, email: str = "", programme: str = "BIO", starts: bool = True) -> Student:
    """Matriculate somebody from today on."""
    with doing() as act:
        person = people.register(act, Described(given, "Test", None, email), on=TODAY)
        attempt = registration.Attempt(programme, "2026", "full", TODAY)
        made = registration.matriculate(act, person.pk, attempt)
        if starts:
            registration.record(act, made, registration.Change("start", TODAY))
    return Student(made.student.number, person.pk)


@pytest.fixture
def amara(register) -> Student:
    """Amara, active in BIO, who has an address."""
    return enter("Amara", email="amara@example.org")


@pytest.fixture
def bela(register, amara) -> Student:
    """Bela, admitted to BIO, who has an address."""
    return enter("Bela", email="bela@example.org", starts=False)


@pytest.fixture
def chidi(register, bela) -> Student:
    """Chidi, active in CHE, of whom no address is known."""
    return enter("Chidi", programme="CHE")


@pytest.fixture
def post(settings):
    """A real SMTP server that is named in the settings."""
    with mail_server() as running:
        settings.SMTP = server(f"smtp://127.0.0.1:{running.port}")
        settings.MAIL_FROM = "matricula@example.org"
        yield running

"""People for the tests of persons: Amara registers, Dewi teaches."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

from matricula.sis.people import actions
from matricula.sis.people.actions import Described
from tests.sis.conftest import acting, doing

SEPTEMBER = date(2026, 9, 1)
BORN = date(2004, 5, 1)
AMARA = Described("Amara", "Okafor", BORN, "amara@example.org", "07700 900123")


def on_day(when, **told):
    """A registrar who acts on another day than that of the tests."""
    at = datetime(when.year, when.month, when.day, 9, 0, tzinfo=UTC)
    return acting(at=at, today=when, **told)


def person(described=AMARA, *, on=SEPTEMBER, **told):
    """Register somebody, on the first of September if nothing else is said; give the number."""
    with doing(on_day(on)) as act:
        act.name("test", "person", "")
        return actions.register(act, replace(described, **told), on=on).pk


def student(described=AMARA, *, number="00000001", **told):
    """Register somebody who has a student number."""
    return person(described, numbers=(actions.Number("sis", "student", number),), **told)

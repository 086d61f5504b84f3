"""A small timetable for tests of the curriculum: a campus, rooms, modules and a term."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from matricula.sis.curriculum import actions, rules
from tests.sis.conftest import Register, doing

# The term of scenario S1: what is given back on 10 October is half.
TERM = rules.TermDates(
    "2026-1", "Autumn 2026", starts_on=date(2026, 9, 1), ends_on=date(2026, 12, 14),
    register_from=date(2026, 8, 1), add_until=date(2026, 9, 14), drop_until=date(2026, 9, 28),
    census_on=date(2026, 10, 1), withdraw_until=date(2026, 11, 20),
    marks_due_on=date(2027, 1, 8), board_on=date(2027, 1, 20),
    bands=((date(2026, 9, 14), 100), (date(2026, 10, 31), 50), (date(2026, 11, 20), 25)),
)  # fmt: skip
SPRING = replace(
    TERM, code="2026-2", title="Spring 2027", starts_on=date(2027, 1, 25),
    ends_on=date(2027, 5, 10), register_from=date(2026, 12, 1), add_until=date(2027, 2, 5),
    drop_until=date(2027, 2, 19), census_on=date(2027, 2, 20), withdraw_until=date(2027, 4, 15),
    marks_due_on=date(2027, 5, 25), board_on=date(2027, 6, 10), bands=(),
)  # fmt: skip


def meeting(weekday=1, starts="09:00", ends="11:00", *, first=None, last=None, room=""):
    """A meeting, for the whole term unless days are said."""
    return rules.MeetingTime(
        weekday, time.fromisoformat(starts), time.fromisoformat(ends),
        first or TERM.starts_on, last or TERM.ends_on, room,
    )  # fmt: skip


def taught(code, *meetings, **told):
    """A section that meets."""
    made = rules.Taught(
        code, code.partition("-")[0], "Title", Decimal(20), 1, "2026-1", "MAIN", "SCI", 30,
        rules.OPEN, meetings=meetings, timezone="Europe/London",
    )  # fmt: skip
    return replace(made, **told)


def version(title="Cells", **told):
    """A module version that holds from 2020 on."""
    made = actions.NewVersion(title, Decimal(20), 1, date(2020, 9, 1))
    return replace(made, **told)


def plan(code="BIO101-1", *, module="BIO101", seats=30, campus="MAIN", term="2026-1"):
    """Plan a section of the autumn."""
    with doing() as act:
        return actions.plan_section(act, actions.NewSection(code, module, term, campus, seats))


def move(code, action, **told):
    """Open, close, finish or cancel a section."""
    taken = told.pop("taken", 0)
    with doing(**told) as act:
        actions.move_section(act, code, action, taken=taken)
    return act


def schedule(code, when):
    """Have a section meet; gives the number of the meeting."""
    with doing() as act:
        return actions.schedule_meeting(act, code, when).pk


@pytest.fixture
def timetable(register: Register) -> Register:
    """A campus with a laboratory and a hall, two modules, and the autumn term."""
    with doing() as act:
        actions.add_campus(act, "MAIN", "Main campus", "Europe/London")
        actions.add_campus(act, "ISLE", "Island campus", "Atlantic/Azores")
        actions.add_room(act, "LAB1", "MAIN", 30)
        actions.add_room(act, "HALL", "MAIN", 200)
        actions.add_room(act, "HUT", "ISLE", 40)
        actions.add_module(act, "BIO101", "SCI", version())
        actions.add_module(act, "CHE101", "SCI", version("Matter"))
        actions.add_term(act, TERM)
    return register

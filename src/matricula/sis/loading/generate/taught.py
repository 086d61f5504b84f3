"""What is taught at the made-up university, by whom, when and where."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from itertools import product
from typing import TYPE_CHECKING

from matricula.sis.curriculum.rules import BOUNDARIES
from matricula.sis.loading.generate.names import FAMILY, GIVEN
from matricula.sis.loading.generate.plan import (
    CREDITS,
    HOURS,
    MODULES,
    PROGRAMMES,
    SEATS,
    Programme,
    Stream,
    cohort,
    departments,
    programmes,
)

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from matricula.sis.curriculum.rules import TermDates
    from matricula.sis.loading.generate.columns import Columns
    from matricula.sis.loading.generate.plan import Size

_CAMPUSES = (("NORTH", "North Campus"), ("RIVER", "Riverside"))
_ZONE = "Europe/London"
# A lecturer leads so many sections in a term.
_EACH = 3
# Who works there without teaching: a duty, and in which department.
_OFFICES = ("registrar", "bursar", "librarian", "exams officer", "scheduler", "admissions")
_LONG_AGO = timedelta(days=3 * 365)


def catalogue(rows: Columns, size: Size, terms: Sequence[TermDates], rooms: int) -> None:
    """Add departments, campuses, rooms, programmes, curricula, modules and terms."""
    began = terms[0].register_from
    for code, title in departments(size).items():
        rows.add("departments", code, title)
    for code, title in _CAMPUSES:
        rows.add("campuses", code, title, _ZONE)
    for room in range(rooms):
        campus = _CAMPUSES[room % len(_CAMPUSES)][0]
        rows.add("rooms", _room(room), campus, SEATS)
    for place in programmes(size):
        _programme(rows, PROGRAMMES[place], cohort(terms[0]), began)
    for term in terms:
        rows.add("terms", term.code, term.title, *(getattr(term, name) for name in BOUNDARIES))
        for until, percent in term.bands:
            rows.add("refund_bands", term.code, until, percent)


def _programme(rows: Columns, one: Programme, first: str, began: date) -> None:
    """Add a programme with its curriculum and its modules."""
    rows.add("programmes", one.code, one.title, one.department, one.award, one.terms)
    core = [{"module": one.module(stage, 0)} for stage in range(one.terms)]
    worth = Decimal(CREDITS) * one.terms * MODULES
    tree = json.dumps({"all_of": core, "title": "Core"})
    rows.add("curricula", one.code, "1", first, None, str(worth), tree)
    for stage in range(one.terms):
        level = 4 + stage // 2 if one.award == "BSc" else 7
        for place in range(MODULES):
            code = one.module(stage, place)
            rows.add("modules", code, one.department)
            title = f"{one.title} {stage + 1}.{place + 1}"
            rows.add("module_versions", code, began, title, CREDITS, level)


def _room(number: int) -> str:
    return f"R{number + 1:03d}"


def sections(
    rows: Columns,
    terms: Sequence[TermDates],
    every: Iterable[Stream],
    full: Mapping[str, int],
) -> None:
    """Add the sections of all streams, what happened to them, and when they meet.

    Args:
        rows: Where they are added.
        terms: In their order.
        every: The streams.
        full: Sections in which some wait for a seat, with how many seats they have.
    """
    last = len(terms) - 1
    for stream in every:
        term = terms[stream.term]
        campus = _CAMPUSES[stream.room % len(_CAMPUSES)][0]
        for place in range(MODULES):
            code = stream.section(term, place)
            module = PROGRAMMES[stream.programme].module(stream.stage, place)
            rows.add("sections", code, module, term.code, campus, full.get(code, SEATS))
            rows.add("section_events", code, "plan", term.register_from - timedelta(days=60))
            rows.add("section_events", code, "open", term.register_from)
            if stream.term != last:
                rows.add("section_events", code, "finish", term.board_on)
            rows.add(
                "meetings", code, _room(stream.room), place + 1, f"{stream.hour:02d}:00",
                f"{stream.hour:02d}:50", term.starts_on, term.ends_on,
            )  # fmt: skip


def staff(
    rows: Columns, dice: random.Random, terms: Sequence[TermDates], every: Sequence[Stream]
) -> None:
    """Add staff with their duties, and who teaches which section and moderates it.

    Whoever teaches several sections in a term teaches them on one weekday, one hour after
    the other.
    """
    pools = _pools(every)
    began = terms[0].register_from - _LONG_AGO
    taught = sorted({department for department, _ in pools})
    for department in taught:
        count = max(size for (of, _), size in pools.items() if of == department)
        _department(rows, dice, department, count, began)
    for office in _OFFICES:
        key = f"t{office.replace(' ', '-')}"
        _hire(rows, dice, key, began)
        rows.add("duties", key, office, taught[0], began)
    for stream, nth in _placed(every):
        _teach(rows, terms[stream.term], stream, nth // _EACH, pools)


def _department(
    rows: Columns, dice: random.Random, department: str, count: int, began: date
) -> None:
    """Add the lecturers of a department, its head among them, and one who has gone."""
    for place, number in product(range(MODULES), range(count)):
        key = _lecturer(department, place, number)
        _hire(rows, dice, key, began)
        rows.add("duties", key, "lecturer", department, began)
        if place == number == 0:
            rows.add("duties", key, "head of department", department, began)
    gone = f"t{department}-gone"
    _hire(rows, dice, gone, began)
    rows.add("duties", gone, "lecturer", department, began, began + _LONG_AGO)


def _placed(every: Sequence[Stream]) -> Iterable[tuple[Stream, int]]:
    """Count the streams of each department in each term."""
    seen: dict[tuple[int, str], int] = {}
    for stream in every:
        key = (stream.term, PROGRAMMES[stream.programme].department)
        seen[key] = seen.get(key, -1) + 1
        yield stream, seen[key]


def _pools(every: Sequence[Stream]) -> dict[tuple[str, int], int]:
    """Say how many lecturers each department needs in each term, for one module of each stream."""
    needed: dict[tuple[str, int], int] = {}
    for stream, nth in _placed(every):
        key = (PROGRAMMES[stream.programme].department, stream.term)
        needed[key] = nth // _EACH + 1
    return needed


def _lecturer(department: str, place: int, number: int) -> str:
    return f"t{department}-{place + 1}-{number + 1}"


def _teach(
    rows: Columns,
    term: TermDates,
    stream: Stream,
    number: int,
    pools: Mapping[tuple[str, int], int],
) -> None:
    department = PROGRAMMES[stream.programme].department
    beside = (number + 1) % pools[department, stream.term]
    for place in range(MODULES):
        code = stream.section(term, place)
        lead = _lecturer(department, place, number)
        rows.add("teaching", lead, code, "lead", term.starts_on, term.marks_due_on)
        if beside != number:
            other = _lecturer(department, place, beside)
            rows.add("teaching", other, code, "moderator", term.starts_on, term.board_on)


def _hire(rows: Columns, dice: random.Random, key: str, on: date) -> None:
    born = on - timedelta(days=dice.randrange(27 * 365, 60 * 365))
    given, family = dice.choice(GIVEN), dice.choice(FAMILY)
    address = f"{key.lower()}@northfield.example"
    rows.add("persons", key, given, family, None, None, born, None, None, address, on)
    rows.add("staff", key)


def rooms_for(every: Iterable[Stream]) -> int:
    """Count the rooms that the streams need."""
    return max((stream.slot for stream in every), default=0) // len(HOURS) + 1

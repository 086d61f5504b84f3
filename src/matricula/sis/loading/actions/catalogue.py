"""Take what is taught: departments to terms, sections and when they meet."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import loading as curriculum
from matricula.sis.curriculum import queries
from matricula.sis.curriculum.rules import (
    BOUNDARIES,
    TermDates,
    out_of_order,
    parse_requirements,
    parse_requisites,
)
from matricula.sis.loading.actions import cells, settling
from matricula.sis.loading.rules import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import date

    from matricula.sis.loading.actions.desk import Desk

# How new rows of each table are written: the columns of the register's own table.
_WRITTEN: Mapping[str, str] = {
    "departments": "SELECT id, code, title FROM new_departments",
    "campuses": "SELECT id, code, title, timezone FROM new_campuses",
    "rooms": "SELECT r.id, r.code, c.id AS campus_id, r.seats FROM new_rooms AS r "
    "JOIN known_campuses AS c ON c.code = r.campus",
    "programmes": "SELECT p.id, p.code, p.title, d.id AS department_id, p.award, p.terms, "
    "p.closed_on FROM new_programmes AS p JOIN known_departments AS d ON d.code = p.department",
    "curricula": "SELECT c.id, p.id AS programme_id, c.version, c.from_cohort, "
    "coalesce(c.to_cohort, '') AS to_cohort, c.credits::VARCHAR AS credits, "
    "coalesce(c.requirements, '{}') AS requirements "
    "FROM new_curricula AS c JOIN known_programmes AS p ON p.code = c.programme",
    "modules": "SELECT m.id, m.code, d.id AS department_id FROM new_modules AS m "
    "JOIN known_departments AS d ON d.code = m.department",
    "module_versions": "SELECT v.id, m.id AS module_id, v.title, v.credits::VARCHAR AS credits, "
    "v.level, coalesce(v.requisites, '') AS requisites, v.starts_on, v.ends_on "
    "FROM new_module_versions AS v JOIN known_modules AS m ON m.code = v.module",
    "terms": "SELECT id, code, title FROM new_terms",
    "refund_bands": "SELECT v.id AS version_id, b.until_on, b.percent FROM new_refund_bands AS b "
    "JOIN dated AS v ON v.code = b.term",
    "meetings": "SELECT s.id AS section_id, r.id AS room_id, m.weekday, "
    "strftime('2000-01-01'::DATE + m.starts_at, '%H:%M:%S') AS starts_at, "
    "strftime('2000-01-01'::DATE + m.ends_at, '%H:%M:%S') AS ends_at, "
    "m.valid_from, m.valid_to FROM new_meetings AS m "
    "JOIN known_sections AS s ON s.section = m.section "
    "LEFT JOIN known_rooms AS r ON r.code = m.room",
}


def take(desk: Desk) -> None:
    """Take everything that is taught, but for sections, their histories and their meetings."""
    # Looked at before the terms: bands that do not go together make no term.
    cells.judge(desk, "refund_bands")
    for name in (
        "departments", "campuses", "rooms", "programmes", "curricula", "modules",
        "module_versions", "terms",
    ):  # fmt: skip
        _take(desk, name)
    _take_bands(desk)


def take_meetings(desk: Desk) -> None:
    """Take when and where sections meet."""
    _take(desk, "meetings")


def _take(desk: Desk, name: str) -> None:
    """Judge the rows of a table, and write those that are new."""
    cells.judge(desk, name)
    if name in _FITTING:
        _FITTING[name](desk)
    settling.refer(desk, name)
    parent = next(iter(TABLES[name].references()), None)
    by = parent.refers if parent and parent.name in TABLES[name].key else name
    codes = settling.asked(desk, by)
    settling.remember(desk, name, curriculum.there(name, codes))
    settling.settle(desk, name, curriculum.take_numbers)
    insert_new(desk, name)
    if name == "terms" and desk.new_rows["terms"]:
        _write_dates(desk)


def insert_new(desk: Desk, name: str, query: str = "") -> None:
    """Write the new rows of a table of the curriculum, in their order."""
    if not desk.new_rows.get(name, 1):
        return
    written = query or _WRITTEN[name]
    # Numbers were given in the order of the rows, and a meeting has none before it is written.
    order = "1, 3, 4" if name == "meetings" else "1"
    rows = desk.batches(f"SELECT * FROM ({written}) ORDER BY {order}")  # noqa: S608 - our own statements
    desk.count(name, loaded=curriculum.insert(desk.doing, name, rows))


def _write_dates(desk: Desk) -> None:
    count = desk.number("SELECT count(*) FROM new_terms")
    first = curriculum.take_numbers("term_versions", count) if count else 0
    days = ", ".join(BOUNDARIES)
    desk.run(
        f"CREATE TABLE dated AS SELECT row_number() OVER (ORDER BY id) - 1 + {first} AS id, "  # noqa: S608
        f"id AS term_id, code, {days} FROM new_terms"
    )
    rows = desk.batches("SELECT * EXCLUDE code FROM dated ORDER BY id")
    curriculum.insert(desk.doing, "term_versions", rows)


def _take_bands(desk: Desk) -> None:
    """Take the refund bands of new terms; those of a term that is there stay as they are."""
    settling.refer(desk, "refund_bands")
    if not desk.new_rows["terms"]:
        return
    desk.run(
        f"CREATE TABLE new_refund_bands AS SELECT b.* FROM {desk.good('refund_bands')} AS b "  # noqa: S608
        "SEMI JOIN new_terms AS t ON t.code = b.term"
    )
    insert_new(desk, "refund_bands")


def _zones(desk: Desk) -> None:
    for n, place, zone in desk.rows("SELECT n, place, timezone FROM cast_campuses"):
        if zone and not _is_zone(zone):
            desk.note("campuses", "unfit", f"There is no time zone {zone}.", n=n, place=place)


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        return False
    return True


def _trees(desk: Desk) -> None:
    _read(desk, "curricula", "requirements", lambda text: parse_requirements(json.loads(text)))


def _expressions(desk: Desk) -> None:
    _read(desk, "module_versions", "requisites", parse_requisites)


def _read(desk: Desk, name: str, field: str, parse: Callable[[str], object]) -> None:
    query = f"SELECT n, place, {field} FROM cast_{name} WHERE {field} IS NOT NULL"  # noqa: S608
    for n, place, text in desk.rows(query):
        try:
            parse(text)
        except Refused as refused:
            desk.note(name, "unfit", refused.message, n=n, place=place)
        except ValueError:
            desk.note(name, "unfit", f"{field} is no JSON.", n=n, place=place)


def _dates(desk: Desk) -> None:
    columns = ", ".join(("code", "title", *BOUNDARIES))
    bands: dict[str, list[tuple[date, int]]] = defaultdict(list)
    told_of = f"SELECT term, until_on, percent FROM {desk.good('refund_bands')}"  # noqa: S608
    for term, day, percent in desk.rows(told_of):
        bands[term].append((day, percent))
    for n, place, *told in desk.rows(f"SELECT n, place, {columns} FROM {desk.good('terms')}"):  # noqa: S608
        dated = replace(TermDates(*told), bands=tuple(bands[told[0]]))
        for what in out_of_order(dated):
            desk.note("terms", "unfit", what, n=n, place=place)


def _times(desk: Desk) -> None:
    told = {
        "Its weekday is none from 1 to 7.": "weekday NOT BETWEEN 1 AND 7",
        "It ends before it has begun.": "ends_at <= starts_at",
        "Its last day is before its first.": "valid_to < valid_from",
    }
    for what, wrong in told.items():
        desk.find(
            "meetings", "unfit",
            f"SELECT n, place, 'weekday', '{what}' FROM cast_meetings WHERE {wrong}",  # noqa: S608
        )  # fmt: skip


_FITTING: Mapping[str, Callable[[Desk], None]] = {
    "campuses": _zones,
    "curricula": _trees,
    "module_versions": _expressions,
    "terms": _dates,
    "meetings": _times,
}


def versions(desk: Desk) -> Iterator[tuple[str, str, int]]:
    """Say which version of a module is taught in a term: its code, the term's, the version."""
    terms = desk.rows(
        "SELECT DISTINCT s.term FROM cast_sections AS s SEMI JOIN known_terms AS t "
        "ON t.code = s.term ORDER BY 1"
    )
    for (term,) in terms:
        asked = "SELECT DISTINCT module FROM cast_sections WHERE term = ? AND module IS NOT NULL"
        modules = [code for (code,) in desk.rows(asked, (term,))]
        for one in queries.versions_on(modules, on=queries.term(term).starts_on):
            yield one.module.code, term, one.pk

"""Take staff, their duties, and what they teach."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.acts.actions import next_numbers, next_of_each, pass_over
from matricula.sis.loading.actions import cells, persons, settling
from matricula.sis.people import loading as people
from matricula.sis.people.rules import DUTIES
from matricula.sis.teaching import loading as teaching
from matricula.sis.teaching.rules import JUDGING, MODERATOR

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.sis.loading.actions.desk import Desk

_DIGITS = 6


def take(desk: Desk) -> None:
    """Take members of staff and their duties; whoever is one already keeps the number."""
    settling.refer(desk, "staff")
    by_person(desk, "staff")
    there = people.staff_there(desk.column("SELECT id FROM known_persons WHERE NOT is_new"))
    remember_by_person(desk, "staff", there)
    settling.settle(desk, "staff", people.take_numbers)
    _give_numbers(desk)
    rows = desk.batches("SELECT id, person_id, number FROM member ORDER BY id")
    desk.count("staff", loaded=people.insert(desk.doing, "staff", rows))
    persons.give(desk, "staff", "member", f"DATE '{desk.today}'")
    _take_duties(desk)


def by_person(desk: Desk, name: str) -> None:
    """Find the rows of persons who are one in the register: nobody is a student twice."""
    desk.find(
        name, "twice",
        f"SELECT n, place, 'person', first FROM (SELECT c.n, c.place, first_value(c.place) OVER w "  # noqa: S608 - our own names
        f"AS first, row_number() OVER w AS nth FROM {desk.good(name)} AS c "
        "JOIN known_persons AS p ON p.person = c.person "
        "WINDOW w AS (PARTITION BY p.id ORDER BY c.n)) WHERE nth > 1",
    )  # fmt: skip


def remember_by_person(desk: Desk, name: str, there: Iterator[pa.RecordBatch]) -> None:
    """Keep what persons are already, by the keys that the bundle has for them."""
    found = {"person_id": "BIGINT", "id": "BIGINT", "number": "VARCHAR"}
    desk.keep(f"found_{name}", found, there)
    settling.remember(desk, name, [])
    desk.run(
        f"INSERT INTO there_{name} BY NAME SELECT p.person, f.id, f.number FROM found_{name} AS f "  # noqa: S608
        "JOIN known_persons AS p ON p.id = f.person_id"
    )


def _give_numbers(desk: Desk) -> None:
    lacking = desk.number("SELECT count(*) FROM new_staff WHERE number IS NULL")
    first = next_numbers("staff", lacking)[0] if lacking else 0
    desk.run(
        "CREATE TABLE member AS SELECT s.id, s.person, p.id AS person_id, coalesce(s.number, "  # noqa: S608
        f"'S' || lpad(({first} - 1 + count(*) FILTER (s.number IS NULL) OVER "
        f"(ORDER BY s.id ROWS UNBOUNDED PRECEDING))::VARCHAR, {_DIGITS}, '0')) AS number "
        "FROM new_staff AS s JOIN known_persons AS p ON p.person = s.person"
    )
    given = desk.number(
        "SELECT max(number[2:]::BIGINT) FROM new_staff "  # noqa: S608
        f"WHERE regexp_full_match(number, 'S[0-9]{{{_DIGITS}}}')"
    )
    if given:
        pass_over("staff", given)


def _take_duties(desk: Desk) -> None:
    cells.judge(desk, "duties")
    words = ", ".join(f"'{duty}'" for duty in DUTIES)
    desk.find(
        "duties", "word",
        f"SELECT n, place, 'kind', '{', '.join(DUTIES)}' FROM cast_duties "  # noqa: S608
        f"WHERE kind NOT IN ({words})",
    )  # fmt: skip
    _in_order(desk, "duties")
    settling.refer(desk, "duties")
    held = {"staff_id": "BIGINT", "kind": "VARCHAR", "department": "VARCHAR",
            "starts_on": "DATE", "ends_on": "DATE"}  # fmt: skip
    there = desk.column("SELECT id FROM known_staff WHERE NOT is_new")
    desk.keep("found_duties", held, people.duties_there(there))
    settling.remember(desk, "duties", [])
    desk.run(
        "INSERT INTO there_duties BY NAME SELECT s.person, f.kind, f.department, f.starts_on, "
        "f.ends_on FROM found_duties AS f JOIN known_staff AS s ON s.id = f.staff_id"
    )
    settling.settle(desk, "duties", people.take_numbers)
    rows = desk.batches(
        "SELECT d.id, s.id AS staff_id, d.kind, d.department, d.starts_on, d.ends_on "
        "FROM new_duties AS d JOIN known_staff AS s ON s.person = d.person ORDER BY d.id"
    )
    desk.count("duties", loaded=people.insert(desk.doing, "duties", rows))


def _in_order(desk: Desk, name: str) -> None:
    desk.find(
        name, "unfit",
        "SELECT n, place, 'ends_on', 'Its last day is before its first.' "  # noqa: S608
        f"FROM cast_{name} WHERE ends_on < starts_on",
    )  # fmt: skip


def take_teaching(desk: Desk) -> None:
    """Take who teaches what; a role is granted when they are given an account."""
    cells.judge(desk, "teaching")
    _in_order(desk, "teaching")
    settling.refer(desk, "teaching")
    desk.run(
        "CREATE TABLE who AS SELECT k.person, k.id, coalesce(m.number, f.number) AS staff_no, "
        "p.id AS person_id FROM known_staff AS k JOIN known_persons AS p ON p.person = k.person "
        "LEFT JOIN member AS m ON m.id = k.id LEFT JOIN found_staff AS f ON f.id = k.id"
    )
    _not_both(desk)
    held = {"staff_no": "VARCHAR", "section": "VARCHAR", "duty": "VARCHAR",
            "starts_on": "DATE", "ends_on": "DATE"}  # fmt: skip
    asked = desk.column("SELECT number FROM found_staff")
    desk.keep("found_teaching", held, teaching.there(asked))
    settling.remember(desk, "teaching", [])
    desk.run(
        "INSERT INTO there_teaching BY NAME SELECT w.person, f.section, f.duty, f.starts_on, "
        "f.ends_on FROM found_teaching AS f JOIN who AS w ON w.staff_no = f.staff_no"
    )
    settling.settle(desk, "teaching", lambda _, count: count)
    desk.count("teaching", loaded=teaching.insert(desk.doing, desk.batches(_numbered(desk))))


def _not_both(desk: Desk) -> None:
    """Find who would judge the work of a section and moderate that judgement."""
    judging = ", ".join(f"'{duty}'" for duty in sorted(JUDGING))
    rows = desk.good("teaching")
    desk.find(
        "teaching", "moderates",
        f"SELECT c.n, c.place, 'duty', '' FROM {rows} AS c SEMI JOIN {rows} AS o "  # noqa: S608
        f"ON o.person = c.person AND o.section = c.section AND c.duty = '{MODERATOR}' "
        f"AND o.duty IN ({judging})",
    )  # fmt: skip


def _numbered(desk: Desk) -> str:
    """Write the query for new assignments, each with the next number of its member of staff."""
    counts = desk.rows(
        "SELECT w.staff_no, count(*) FROM new_teaching AS t JOIN who AS w ON w.person = t.person "
        "GROUP BY ALL ORDER BY ALL"
    )
    series = {f"assignment of {number}": count for number, count in counts}
    first = next_of_each(series)
    rows = pa.table(
        {
            "staff_no": pa.array([number for number, _ in counts], pa.string()),
            "first": pa.array([first[f"assignment of {n}"] for n, _ in counts], pa.int64()),
        }
    )
    desk.keep("drawn", {"staff_no": "VARCHAR", "first": "BIGINT"}, rows.to_batches())
    return (
        "SELECT w.staff_no || '/' || (d.first - 1 + row_number() OVER "
        "(PARTITION BY w.staff_no ORDER BY t.id)) AS number, t.section, w.staff_no, "
        "w.person_id AS person, t.duty, t.starts_on, t.ends_on FROM new_teaching AS t "
        "JOIN who AS w ON w.person = t.person JOIN drawn AS d ON d.staff_no = w.staff_no "
        "ORDER BY t.id"
    )

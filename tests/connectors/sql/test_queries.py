"""A query stands for a table: one SELECT that only reads, described by the database."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest
from pydantic import ValidationError

from matricula.connectors.kit.errors import GiveUp
from tests.connectors.sql.campus import AT, creation

if TYPE_CHECKING:
    from matricula.connectors.sql.connector import SqlConnector
    from tests.connectors.sql.campus import Campus

ROSTER = """
SELECT s.student_no, s.name, s.credits, s.fee, s.born_on, s.seen_at, s.is_resident,
       h.hall AS lives_in
FROM students s LEFT JOIN halls h ON h.student_no = s.student_no
WHERE s.campus = 'north' -- our own ;
"""


@pytest.fixture
def halls(campus: Campus) -> Campus:
    campus.run(
        "CREATE TABLE halls (student_no VARCHAR(8), hall VARCHAR(30))",
        "INSERT INTO students VALUES ('S1', 'a@x.example', 'Amara', 30, 12.50, '2004-02-29', "
        "'2026-03-01 10:20:30', true, 'north'), "
        "('S2', 'b@x.example', 'Bela', 20, NULL, NULL, NULL, NULL, 'south')",
        "INSERT INTO halls VALUES ('S1', 'Old:Court 100% \\ full')",
    )
    return campus


def roster(campus: Campus, query: str = ROSTER, **more: object) -> SqlConnector:
    return campus.connector(roster={"query": query, "key": ["student_no"], **more})


def read(connector: SqlConnector) -> pa.Table:
    with connector.read("roster") as reading:
        return pa.Table.from_batches(reading.batches, schema=reading.schema)


def test_the_database_says_what_a_query_selects(halls: Campus):
    (shape,) = roster(halls).describe()

    assert {one.name: one.type for one in shape.fields} == {
        "student_no": "text",
        "name": "text",
        "credits": "integer",
        "fee": "decimal",
        "born_on": "date",
        "seen_at": "instant",
        "is_resident": "boolean",
        "lives_in": "text",
    }
    assert shape.writes == frozenset()
    assert shape.id_field == "student_no"


def test_a_query_reads_and_finds_like_a_table(halls: Campus):
    connector = roster(halls)

    (row,) = read(connector).to_pylist()
    ((found,), nobody) = connector.find("roster", [{"_id": "S1"}, {"_id": "S2"}])

    assert row == {
        "student_no": "S1",
        "name": "Amara",
        "credits": 30,
        "fee": Decimal("12.50"),
        "born_on": date(2004, 2, 29),
        "seen_at": datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC),
        "is_resident": True,
        "lives_in": "Old:Court 100% \\ full",
        "_id": "S1",
    }
    assert found.fields["lives_in"] == "Old:Court 100% \\ full"
    assert nobody == []


def test_signs_that_mean_something_to_drivers_mean_nothing_in_a_query(halls: Campus):
    query = (
        "SELECT student_no, 'at :noon, 50%s, \\ %(x)s' AS told FROM students "
        "WHERE name LIKE 'A%' AND name <> ':name'"
    )
    connector = roster(halls, query)

    assert read(connector)["told"].to_pylist() == ["at :noon, 50%s, \\ %(x)s"]
    ((found,),) = connector.find("roster", [{"student_no": "S1"}])
    assert found.fields["told"] == "at :noon, 50%s, \\ %(x)s"


def test_casts_and_conditions_lie_over_a_query(halls: Campus):
    connector = roster(
        halls, "SELECT student_no, CAST(credits AS INTEGER) AS n, campus FROM students",
        where={"campus": "south"},
    )  # fmt: skip

    assert read(connector)["student_no"].to_pylist() == ["S2"]


@pytest.mark.parametrize(
    "query",
    [
        "DELETE FROM students",
        "SELECT student_no FROM students; DELETE FROM students",
        "WITH gone AS (DELETE FROM students RETURNING student_no) SELECT student_no FROM gone",
        "SELECT student_no INTO copied FROM students",
        "SELECT student_no FROM students FOR UPDATE",
        "SELECT student_no FROM students WHERE campus = :campus",
        "SELECT student_no, name AS student_no FROM students",
        "DROP TABLE students",
        "VACUUM",
        "SELEC student_no FROM",
    ],
)
def test_whatever_is_not_one_select_that_only_reads_is_refused(halls: Campus, query: str):
    connector = roster(halls, query)

    with pytest.raises(GiveUp) as refused:
        read(connector)

    assert refused.value.code == "M624"
    assert connector.describe() == []
    assert [lack.code for lack in connector.lacking()] == ["M624"]
    assert halls.rows("SELECT count(*) FROM students") == [(2,)]


def test_a_query_that_names_what_is_not_there_is_told(halls: Campus):
    (lack,) = roster(halls, "SELECT student_no FROM pupils").lacking()

    assert lack.code == "M602"


def test_a_query_without_the_key_is_told(halls: Campus):
    (lack,) = roster(halls, "SELECT name FROM students").lacking()

    assert (lack.code, "student_no" in lack.message) == ("M602", True)


def test_a_function_that_writes_is_stopped_by_the_database(postgres_campus: Campus):
    postgres_campus.run(
        "CREATE FUNCTION tick() RETURNS text LANGUAGE sql AS "
        "$$ INSERT INTO students (student_no, name) VALUES ('S9', 'x') RETURNING student_no $$"
    )
    connector = roster(postgres_campus, "SELECT tick() AS student_no FROM generate_series(1, 1)")

    with pytest.raises(GiveUp) as refused:
        read(connector)
    with pytest.raises(GiveUp) as not_found:
        connector.find("roster", [{"student_no": "S9"}])

    assert (refused.value.code, not_found.value.code) == ("M624", "M624")
    assert postgres_campus.rows("SELECT count(*) FROM students") == [(0,)]


def test_a_query_takes_no_writes(halls: Campus):
    with pytest.raises(GiveUp, match="is a view"):
        roster(halls).write("roster", [creation("S2")], at=AT)


def test_the_types_of_a_database_of_its_own_read_as_text(postgres_campus: Campus):
    postgres_campus.run(
        "CREATE TYPE mood AS ENUM ('sad', 'glad')",
        "CREATE TABLE moods (student_no CHAR(4) PRIMARY KEY, mood mood, at TIMESTAMPTZ)",
        "INSERT INTO moods VALUES ('S1', 'glad', '2026-03-01 10:00+02')",
    )
    connector = roster(postgres_campus, "SELECT * FROM moods")

    (row,) = read(connector).to_pylist()

    assert (row["_id"], row["mood"]) == ("S1", "glad")
    assert row["at"] == datetime(2026, 3, 1, 8, tzinfo=UTC)


def test_a_resource_is_a_table_or_a_query(campus: Campus):
    with pytest.raises(ValidationError, match="leave out `table:` or `query:`"):
        roster(campus, table="students")

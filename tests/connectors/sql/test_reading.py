from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pytest

from matricula.connectors.kit.errors import GiveUp, Untrusted
from tests.connectors.sql.campus import AT, creation, student

if TYPE_CHECKING:
    from matricula.connectors.sql.connector import SqlConnector
    from tests.connectors.sql.campus import Campus


def read(connector: SqlConnector, resource: str = "students") -> pa.Table:
    with connector.read(resource) as reading:
        return pa.Table.from_batches(reading.batches, schema=reading.schema)


def test_the_schema_is_what_the_database_says(campus: Campus):
    (shape,) = campus.connector().describe()

    fields = {one.name: one for one in shape.fields}
    assert {name: one.type for name, one in fields.items()} == {
        "student_no": "text",
        "email": "text",
        "name": "text",
        "credits": "integer",
        "fee": "decimal",
        "born_on": "date",
        "seen_at": "instant",
        "is_resident": "boolean",
        "campus": "text",
    }
    assert fields["email"].max_length == 40
    assert fields["name"].required
    assert not fields["campus"].required
    assert shape.id_field == "student_no"
    assert shape.writes == {"create", "update", "delete"}


def test_values_arrive_in_their_own_types(campus: Campus):
    campus.run(
        "INSERT INTO students VALUES ('S1', 'a@x.example', 'Amara', 30, 12.50, '2004-02-29', "
        "'2026-03-01 10:20:30', true, 'north')"
    )

    (row,) = read(campus.connector()).to_pylist()

    assert row == {
        "student_no": "S1",
        "email": "a@x.example",
        "name": "Amara",
        "credits": 30,
        "fee": Decimal("12.50"),
        "born_on": date(2004, 2, 29),
        "seen_at": datetime(2026, 3, 1, 10, 20, 30, tzinfo=UTC),
        "is_resident": True,
        "campus": "north",
        "_id": "S1",
    }


def test_an_empty_table_reads_as_no_rows_with_the_whole_schema(campus: Campus):
    table = read(campus.connector())

    assert table.num_rows == 0
    assert table.schema.field("fee").type == pa.decimal128(9, 2)


def test_a_view_is_read_and_offers_no_writes(campus: Campus):
    campus.run(
        "INSERT INTO students (student_no, name) VALUES ('S1', 'Amara')",
        "CREATE VIEW roster AS SELECT student_no, name FROM students",
    )
    connector = campus.connector(roster={"key": ["student_no"]})

    (shape,) = connector.describe()

    assert shape.writes == frozenset()
    assert not any(one.writable for one in shape.fields)
    assert read(connector, "roster").column("_id").to_pylist() == ["S1"]
    with pytest.raises(GiveUp, match="is a view"):
        connector.write("roster", [creation("S2")], at=AT)


def test_columns_the_database_makes_itself_cannot_be_written(campus: Campus):
    campus.run(
        "CREATE TABLE fees (fee_no INTEGER PRIMARY KEY, net INTEGER, "
        "gross INTEGER GENERATED ALWAYS AS (net * 2) STORED)"
    )
    connector = campus.connector(fees={"key": ["fee_no"]})

    (shape,) = connector.describe()

    assert {one.name for one in shape.fields if not one.writable} == {"gross"}


def test_a_longer_key_joins_into_an_identifier_that_comes_apart_again(campus: Campus):
    campus.run(
        "CREATE TABLE seats (module VARCHAR(9), seat INTEGER, note TEXT, "
        "PRIMARY KEY (module, seat))",
        "INSERT INTO seats VALUES ('a|b', 7, 'x'), ('a', 7, 'y')",
    )
    connector = campus.connector(seats={"key": ["module", "seat"]})

    rows = {row["_id"]: row["note"] for row in read(connector, "seats").to_pylist()}
    ((found,),) = connector.find("seats", [{"_id": "a\\|b|7"}])

    assert rows == {"a\\|b|7": "x", "a|7": "y"}
    assert found.fields["note"] == "x"


def test_only_records_within_where_exist(campus: Campus):
    campus.run(
        "INSERT INTO students (student_no, name, campus) VALUES "
        "('S1', 'Amara', 'north'), ('S2', 'Bela', 'south')"
    )
    connector = campus.connector(students={"key": ["student_no"], "where": {"campus": "north"}})

    ids = read(connector).column("_id").to_pylist()
    found = connector.find("students", [{"_id": "S1"}, {"_id": "S2"}])

    assert ids == ["S1"]
    assert [len(one) for one in found] == [1, 0]


def test_where_is_a_value_and_never_sql(campus: Campus):
    hostile = "' OR 1=1 --"
    campus.run("INSERT INTO students (student_no, name) VALUES ('S1', 'Amara')")
    connector = campus.connector(students={"key": ["student_no"], "where": {"email": hostile}})

    assert read(connector).num_rows == 0


def test_hostile_names_of_tables_and_columns_are_quoted(campus: Campus):
    campus.run(
        'CREATE TABLE "odd ""name"";--" ("a b" VARCHAR(9) PRIMARY KEY, "c""d" TEXT)',
    )
    connector = campus.connector(odd={"table": 'odd "name";--', "key": ["a b"]})
    fields: dict[str, Any] = {"a b": "1", 'c"d': "x"}
    write = creation("1")
    write = type(write)("1", "create", None, fields, frozenset(fields), {"a b": "1"})

    (outcome,) = connector.write("odd", [write], at=AT)

    assert outcome.error is None
    assert read(connector, "odd").to_pylist() == [{**fields, "_id": "1"}]


def test_a_column_that_starts_empty_for_long_still_reads_as_text(sqlite_campus: Campus):
    sqlite_campus.run(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60000) "
        "INSERT INTO students (student_no, name) SELECT i, 'x' FROM n",
        "UPDATE students SET email = 'late@x.example' WHERE student_no = '60000'",
    )

    table = read(sqlite_campus.connector())

    assert table.num_rows == 60_000
    assert set(table.column("email").to_pylist()) == {None, "late@x.example"}


@pytest.mark.parametrize(
    ("column", "statement"),
    [
        ("credits", "UPDATE students SET credits = 'secret'"),
        ("born_on", "UPDATE students SET born_on = 'secret'"),
        ("fee", "UPDATE students SET fee = 'secret'"),
        ("name", "UPDATE students SET name = x'ff'"),
    ],
)
def test_a_value_that_is_not_of_its_columns_type_is_not_trusted(
    sqlite_campus: Campus, column: str, statement: str
):
    sqlite_campus.run("INSERT INTO students (student_no, name) VALUES ('S1', 'A')", statement)

    with pytest.raises(Untrusted, match=column) as caught:
        read(sqlite_campus.connector())
    assert "secret" not in str(caught.value)


def test_a_record_without_a_key_is_not_trusted(campus: Campus):
    campus.run("INSERT INTO students (student_no, name) VALUES ('S1', 'Amara')")
    connector = campus.connector(students={"key": ["email"]})

    with pytest.raises(Untrusted, match="email"):
        read(connector)


def test_a_missing_table_or_column_is_named(campus: Campus):
    no_table = campus.connector(students={"table": "pupils", "key": ["student_no"]})
    no_column = campus.connector(students={"key": ["student_no"], "columns": ["nick"]})

    with pytest.raises(GiveUp, match="pupils"):
        read(no_table)
    with pytest.raises(GiveUp, match="nick"):
        read(no_column)


def test_a_column_dropped_after_it_was_seen_gives_up_and_is_seen_next_time(campus: Campus):
    connector = campus.connector()
    assert connector.find("students", [{"_id": "S1"}]) == [[]]
    campus.run("ALTER TABLE students DROP COLUMN fee")

    with pytest.raises(GiveUp):
        connector.write("students", [creation("S1", fee="1.00")], at=AT)

    assert "fee" not in [one.name for one in connector.describe()[0].fields]


def test_a_look_up_by_several_fields_needs_them_all(campus: Campus):
    connector = campus.connector()
    connector.write("students", [creation("S1", credits=5), creation("S2", credits=5)], at=AT)

    found = connector.find(
        "students",
        [
            {"email": "S1@x.example", "credits": 5},
            {"email": "S1@x.example", "credits": 6},
            {"credits": 5},
            {"credits": "five"},
            {"email": None},
        ],
    )

    assert [[one.external_id for one in some] for some in found] == [
        ["S1"],
        [],
        ["S1", "S2"],
        [],
        [],
    ]
    assert found[0][0].fields["name"] == student("S1")["name"]

from __future__ import annotations

import os
import secrets
import signal
import socket
import sqlite3
from contextlib import closing
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from matricula.connectors.kit.errors import GiveUp, ReadBack, SkipRow, Stop, TryAgain
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.sql.connector import SqlConnector
from tests.connectors.sql.campus import AT, creation, update

if TYPE_CHECKING:
    from matricula.connectors.kit.protocol import Outcome
    from tests.connectors.sql.campus import Campus


def write(connector: SqlConnector, *writes: Write, resource: str = "students") -> list[Outcome]:
    return connector.write(resource, writes, at=AT)


def numbers(campus: Campus) -> list[str]:
    return [row[0] for row in campus.rows("SELECT student_no FROM students ORDER BY student_no")]


def test_one_refused_row_among_thousands_stands_alone(campus: Campus):
    batch = [creation(f"S{n:05d}") for n in range(3000)]
    batch[1234] = creation("S01234", email="S00001@x.example")

    outcomes = write(campus.connector(), *batch)

    refused = [one for one in outcomes if one.error is not None]
    assert [one.key for one in refused] == ["S01234"]
    assert isinstance(refused[0].error, SkipRow)
    assert len(numbers(campus)) == 2999


def test_values_that_do_not_fit_are_refused_by_name_and_never_shown(campus: Campus):
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({"email": "S1@x.example"}, "email", "another record"),
        ({"email": "x" * 41}, "email", "41 characters and the column holds 40"),
        ({"name": None}, "name", "must not be empty"),
        ({"credits": -5}, "credits", "breaks a rule"),
        ({"credits": "secret"}, "credits", "no whole number"),
        ({"fee": "1.005"}, "fee", "3 decimals"),
        ({"fee": "12345678.00"}, "fee", "digits"),
        ({"born_on": "2026-02-30"}, "born_on", "no date"),
        ({"name": "NUL\x00inside"}, "name", "NUL"),
        ({"name": "half \ud800 sign"}, "name", "no text"),
        ({"is_resident": "perhaps"}, "is_resident", "neither true nor false"),
    ]
    writes = [creation(f"BAD{n}", **over) for n, (over, _, _) in enumerate(bad)]

    first, *refused, last = write(campus.connector(), creation("S1"), *writes, creation("S2"))

    for (over, column, why), outcome in zip(bad, refused, strict=True):
        assert isinstance(outcome.error, SkipRow)
        assert f"{outcome.key}: {column} " in outcome.error.message
        assert why in outcome.error.message
        assert not [value for value in over.values() if value and str(value) in str(outcome.error)]
    assert (first.error, last.error) == (None, None)
    assert numbers(campus) == ["S1", "S2"]


def test_a_number_too_wide_for_the_column_is_refused_by_name(postgres_campus: Campus):
    (outcome,) = write(postgres_campus.connector(), creation("S1", credits=40_000))

    assert isinstance(outcome.error, SkipRow)
    assert "credits is refused, because the number does not fit in 16 bits" in str(outcome.error)


def test_digits_that_sqlite_would_lose_are_refused(sqlite_campus: Campus):
    sqlite_campus.run("CREATE TABLE sums (no TEXT PRIMARY KEY, amount NUMERIC(20, 2))")
    connector = sqlite_campus.connector(sums={"key": ["no"]})
    fields = {"no": "1", "amount": "12345678901234567.89"}

    (outcome,) = write(connector, Write("1", "create", None, fields), resource="sums")

    assert isinstance(outcome.error, SkipRow)
    assert "15 digits" in outcome.error.message


def test_a_row_that_names_an_absent_record_is_refused_by_column(campus: Campus):
    campus.run(
        "CREATE TABLE loans (loan_no INTEGER PRIMARY KEY, student_no VARCHAR(8) "
        "REFERENCES students (student_no))"
    )
    connector = campus.connector(loans={"key": ["loan_no"]})
    fields = {"loan_no": 1, "student_no": "S9"}

    (outcome,) = write(connector, Write("1", "create", None, fields), resource="loans")

    assert isinstance(outcome.error, SkipRow)
    assert "S9" not in str(outcome.error)
    assert campus.rows("SELECT * FROM loans") == []


def test_creating_what_the_match_finds_updates_it_and_returns_its_identifier(campus: Campus):
    campus.run(
        "INSERT INTO students (student_no, email, name) VALUES ('OLD', 'a@x.example', 'Amara A.')"
    )
    write_it = replace(
        creation("OLD", email="a@x.example", name="Amara"), match={"email": "a@x.example"}
    )

    (outcome,) = write(campus.connector(), write_it)

    assert outcome.external_id == "OLD"
    assert campus.rows("SELECT name FROM students") == [("Amara",)]


def test_a_match_that_finds_two_records_is_left_to_a_person(campus: Campus):
    campus.run(
        "INSERT INTO students (student_no, name, credits) VALUES ('S1', 'A', 7), ('S2', 'B', 7)"
    )
    ambiguous = replace(creation("S3", credits=7), match={"credits": 7})

    (outcome,) = write(campus.connector(), ambiguous)

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M606"
    assert numbers(campus) == ["S1", "S2"]


def test_two_creations_of_one_record_in_a_batch_make_one(campus: Campus):
    twin = replace(creation("S1", email="b@x.example"), key="other")

    first, second = write(campus.connector(), creation("S1"), twin)

    assert first.external_id == "S1"
    assert isinstance(second.error, SkipRow)
    assert numbers(campus) == ["S1"]


def test_two_creations_that_find_one_record_by_different_fields_do_not_both_take_it(
    campus: Campus,
):
    connector = campus.connector()
    write(connector, creation("S1", email="a@x.example"))
    by_email = replace(
        creation("S2", email="a@x.example", name="Bela"), match={"email": "a@x.example"}
    )

    first, second = write(connector, creation("S1", email="a@x.example", name="Cy"), by_email)

    assert first.external_id == "S1"
    assert isinstance(second.error, SkipRow)
    assert campus.rows("SELECT student_no, name FROM students") == [("S1", "Cy")]


def test_an_update_touches_only_what_changed(campus: Campus):
    connector = campus.connector()
    write(connector, creation("S1", credits=5))
    campus.run("UPDATE students SET name = 'edited by hand' WHERE student_no = 'S1'")

    write(connector, update("S1", credits=6))

    assert campus.rows("SELECT name, credits FROM students") == [("edited by hand", 6)]


def test_a_changed_key_gives_the_record_its_new_identifier(campus: Campus):
    connector = campus.connector()
    write(connector, creation("S1"))
    renumbered = Write("S1", "update", "S1", {"student_no": "S7"}, frozenset({"student_no"}))

    (outcome,) = write(connector, renumbered)

    assert outcome.external_id == "S7"
    assert numbers(campus) == ["S7"]


def test_a_new_record_gets_the_identifier_that_the_database_gave(campus: Campus):
    counted = "SERIAL" if campus.kind == "postgresql" else "INTEGER"
    campus.run(f"CREATE TABLE cards (card {counted} PRIMARY KEY, student_no VARCHAR(8) UNIQUE)")
    connector = campus.connector(cards={"key": ["student_no"], "external_id": "card"})
    writes = [Write(n, "create", None, {"student_no": n}) for n in ("S1", "S2")]

    outcomes = write(connector, *writes, resource="cards")

    assert [one.external_id for one in outcomes] == ["1", "2"]
    assert campus.rows("SELECT card, student_no FROM cards ORDER BY card") == [
        (1, "S1"),
        (2, "S2"),
    ]


def test_new_records_get_the_values_of_where(campus: Campus):
    connector = campus.connector(students={"key": ["student_no"], "where": {"campus": "south"}})

    write(connector, creation("S1"))

    assert campus.rows("SELECT campus FROM students") == [("south",)]
    with pytest.raises(GiveUp, match="campus"):
        write(connector, creation("S2", campus="north"))


def test_records_outside_where_are_neither_updated_nor_deleted(campus: Campus):
    campus.run("INSERT INTO students (student_no, name, campus) VALUES ('S1', 'Amara', 'north')")
    connector = campus.connector(students={"key": ["student_no"], "where": {"campus": "south"}})

    (updated,) = write(connector, update("S1", name="Bela"))
    (deleted,) = write(connector, Write("S1", "delete", "S1", {}))

    assert isinstance(updated.error, SkipRow)
    assert deleted.error is None
    assert campus.rows("SELECT name FROM students") == [("Amara",)]


def test_a_constraint_checked_at_commit_refuses_its_row_alone(postgres_campus: Campus):
    postgres_campus.run(
        "CREATE TABLE desks (no VARCHAR(8) PRIMARY KEY, place INTEGER "
        "UNIQUE DEFERRABLE INITIALLY DEFERRED)"
    )
    connector = postgres_campus.connector(desks={"key": ["no"]})
    places = {"A": 1, "B": 2, "C": 1, "D": 3}
    writes = [
        Write(no, "create", None, {"no": no, "place": place}) for no, place in places.items()
    ]

    outcomes = write(connector, *writes, resource="desks")

    assert [isinstance(one.error, SkipRow) for one in outcomes] == [False, False, True, False]
    assert postgres_campus.rows("SELECT no FROM desks ORDER BY no") == [("A",), ("B",), ("D",)]


def _desks(campus: Campus, failure: str, *, deferred: bool = False) -> list[Write]:
    """Have the second of four desks refused at commit, so that the batch is sent in halves.

    When the second half comes, the first is there, and its refused desk is not.
    """
    when = "CONSTRAINT TRIGGER fail AFTER" if deferred else "TRIGGER fail BEFORE"
    how = "DEFERRABLE INITIALLY DEFERRED" if deferred else ""
    campus.run(
        "CREATE TABLE desks (no VARCHAR(8) PRIMARY KEY, place INTEGER "
        "UNIQUE DEFERRABLE INITIALLY DEFERRED)",
        "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "IF NEW.no = 'D' AND EXISTS (SELECT FROM desks WHERE no = 'A') "
        "AND NOT EXISTS (SELECT FROM desks WHERE no = 'B') "
        "THEN FAILURE; END IF; RETURN NEW; END $$".replace("FAILURE", failure),
        f"CREATE {when} INSERT ON desks {how} FOR EACH ROW EXECUTE FUNCTION fail()",
    )
    places = {"A": 1, "B": 1, "C": 3, "D": 4}
    return [Write(no, "create", None, {"no": no, "place": place}) for no, place in places.items()]


@pytest.mark.parametrize(
    "failure",
    [
        "RAISE EXCEPTION 'deadlock' USING ERRCODE = '40P01'",
        "PERFORM pg_terminate_backend(pg_backend_pid())",
    ],
    ids=["a deadlock", "a lost connection"],
)
def test_a_half_that_is_committed_is_answered_when_the_other_fails(
    postgres_campus: Campus, failure: str
):
    writes = _desks(postgres_campus, failure)
    connector = postgres_campus.connector(desks={"key": ["no"]})

    outcomes = write(connector, *writes, resource="desks")

    assert [type(one.error) for one in outcomes] == [type(None), SkipRow, TryAgain, TryAgain]
    assert outcomes[0].external_id == "A"
    assert postgres_campus.rows("SELECT no FROM desks") == [("A",)]


def test_a_half_whose_commit_is_not_answered_is_to_be_read_back_alone(postgres_campus: Campus):
    failure = "PERFORM pg_terminate_backend(pg_backend_pid())"
    writes = _desks(postgres_campus, failure, deferred=True)
    connector = postgres_campus.connector(desks={"key": ["no"]})

    outcomes = write(connector, *writes, resource="desks")

    assert [type(one.error) for one in outcomes] == [type(None), SkipRow, ReadBack, ReadBack]
    assert postgres_campus.rows("SELECT no FROM desks") == [("A",)]


def _cut_the_connection(campus: Campus, *, deferred: bool) -> None:
    when = "DEFERRABLE INITIALLY DEFERRED" if deferred else ""
    campus.run(
        "CREATE FUNCTION cut() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM pg_terminate_backend(pg_backend_pid()); RETURN NULL; END $$",
        f"CREATE CONSTRAINT TRIGGER cut AFTER INSERT ON students {when} "
        "FOR EACH ROW EXECUTE FUNCTION cut()",
    )


def test_a_connection_lost_during_the_commit_is_to_be_read_back(postgres_campus: Campus):
    _cut_the_connection(postgres_campus, deferred=True)
    connector = postgres_campus.connector()

    with pytest.raises(ReadBack):
        write(connector, creation("S1"))

    assert connector.ping().well


def test_a_connection_lost_before_the_commit_is_tried_again(postgres_campus: Campus):
    _cut_the_connection(postgres_campus, deferred=False)

    with pytest.raises(TryAgain):
        write(postgres_campus.connector(), creation("S1"))

    assert numbers(postgres_campus) == []


def test_a_locked_database_is_tried_again_and_nothing_happened(sqlite_campus: Campus):
    connector = sqlite_campus.connector()
    with closing(sqlite3.connect(sqlite_campus.folder / "campus.db")) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(TryAgain):
            write(connector, creation("S1"))

    assert numbers(sqlite_campus) == []


@pytest.mark.parametrize("verb", ["writes", "reads"])
def test_a_table_that_somebody_locked_is_not_waited_for_without_end(
    postgres_campus: Campus, monkeypatch, verb: str
):
    connector = postgres_campus.connector()
    connector.describe()
    monkeypatch.setattr("matricula.connectors.kit.database._LOCK_SECONDS", 1)

    with psycopg.connect(postgres_campus.place) as somebody:
        somebody.execute("LOCK TABLE students IN ACCESS EXCLUSIVE MODE")
        with pytest.raises(TryAgain) as told:  # noqa: PT012 - a reading is opened, then read
            if verb == "writes":
                write(connector, creation("S1"))
            else:
                with connector.read("students") as reading:
                    list(reading.batches)
        somebody.rollback()

    assert "55P03" in told.value.message
    assert numbers(postgres_campus) == []
    assert write(connector, creation("S1"))[0].error is None


def test_a_server_that_keeps_its_connection_and_answers_nothing_is_hung_up_on(
    postgres_campus: Campus, monkeypatch
):
    connector = postgres_campus.connector()
    assert connector.ping().well
    (number,) = postgres_campus.rows(
        "SELECT pid FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )[0]
    monkeypatch.setattr("matricula.connectors.kit.database._ANSWER_SECONDS", 0.5)
    os.kill(number, signal.SIGSTOP)

    try:
        with pytest.raises(TryAgain):
            write(connector, creation("S1"))
    finally:
        os.kill(number, signal.SIGCONT)

    assert numbers(postgres_campus) == []
    assert write(connector, creation("S1"))[0].error is None


def test_a_connection_that_falls_silent_is_given_up_in_less_than_a_minute(
    postgres_campus: Campus,
):
    connector = postgres_campus.connector()

    with connector._open().connect() as connection:
        found = connection.connection.driver_connection.fileno()
        with socket.socket(fileno=os.dup(found)) as wire:
            silence = wire.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)
            probed = [
                wire.getsockopt(socket.IPPROTO_TCP, option)
                for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
            ]

    idle, between, count = probed
    assert silence == 40_000
    assert idle + between * count <= 40


def test_a_wrong_password_stops_the_whole_system(postgres_campus: Campus, monkeypatch):
    monkeypatch.setenv("CAMPUS_PASSWORD", "not the one")
    address = postgres_campus.place.rpartition("@")[2]
    settings = SqlConnector.Settings.model_validate(
        {
            "url": f"postgresql://matricula@{address}",
            "password": "env:CAMPUS_PASSWORD",
            "resources": {"students": {"key": ["student_no"]}},
        }
    )
    connector = SqlConnector(settings, Context("campus", postgres_campus.folder))

    with pytest.raises(Stop) as caught:
        write(connector, creation("S1"))

    assert "not the one" not in str(caught.value)
    assert not connector.ping().well


def test_a_table_that_we_may_only_read_sets_the_flow_aside(postgres_campus: Campus):
    role = f"reader_{secrets.token_hex(4)}"
    postgres_campus.run(
        f"CREATE ROLE {role} LOGIN PASSWORD 'reader'",
        f"GRANT SELECT ON students TO {role}",
    )
    address = postgres_campus.place.rpartition("@")[2]
    reader = replace(postgres_campus, place=f"postgresql://{role}:reader@{address}")
    connector = reader.connector()

    with pytest.raises(GiveUp) as caught:
        write(connector, creation("S1"))

    assert caught.value.code == "M613"
    connector.close()
    postgres_campus.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_a_password_in_the_url_is_refused():
    with pytest.raises(ValueError, match="the URL holds a password"):
        SqlConnector.Settings.model_validate(
            {"url": "postgresql://a:b@localhost/x", "resources": {"t": {"key": ["k"]}}}
        )


def test_a_database_without_documents_or_arrow_is_served_the_slow_way(sqlite_campus: Campus):
    connector = sqlite_campus.connector(
        students={
            "key": ["student_no"],
            "suspend": {"column": "campus", "value": "gone", "resume_value": "north"},
        }
    )
    # Nothing but the name tells one database from another, so this one becomes "any other".
    connector._open().dialect.name = "any other"
    full = {"credits": 5, "fee": "2.50", "born_on": "2004-02-29", "is_resident": True}

    created = write(connector, *(creation(f"S{n}", **full) for n in range(450)))
    again = write(connector, creation("S1", **full), update("S2", name="Bela"))
    write(connector, Write("S3", "suspend", "S3", {}), Write("S4", "delete", "S4", {}))

    assert not [one for one in (*created, *again) if one.error]
    assert sqlite_campus.rows("SELECT count(*) FROM students") == [(449,)]
    with connector.read("students") as reading:
        rows = {row["_id"]: row for batch in reading.batches for row in batch.to_pylist()}
    assert rows["S2"]["name"] == "Bela"
    assert [n for n, row in rows.items() if row["_suspended"]] == ["S3"]
    assert str(rows["S1"]["fee"]) == "2.50"
    assert connector.find("students", [{"student_no": "S1"}])[0][0].external_id == "S1"

"""A feed of triggers: nothing is skipped, whatever order transactions end in."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import psycopg
import pytest
from pydantic import ValidationError

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.sql import feed
from tests.connectors.sql.campus import STUDENTS, Campus
from tests.connectors.sql.looking import changed, whole, why_whole

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.sql.connector import SqlConnector

KEYED = {"key": ["student_no"], "feed": "changes_of_students"}
SEATS = """
CREATE TABLE seats (module CHAR(6), seat NUMERIC(4, 1), "held on" DATE, holder TEXT,
    PRIMARY KEY (module, seat, "held on"))
"""


@pytest.fixture
def postgres_campus(quiet_database: str, tmp_path: Path) -> Campus:
    campus = Campus("postgresql", quiet_database, tmp_path)
    campus.run(STUDENTS)
    return campus


@pytest.fixture
def fed(postgres_campus: Campus) -> Campus:
    enter(postgres_campus, "S1", "S2", "S3")
    postgres_campus.run(connector_of(postgres_campus).feed_script("students"))
    return postgres_campus


def connector_of(campus: Campus, **over: Any) -> SqlConnector:
    return campus.connector(students={**KEYED, **over})


def enter(campus: Campus, *numbers: str) -> None:
    rows = ", ".join(["(%s, 'Amara')"] * len(numbers))
    campus.rows(f"INSERT INTO students (student_no, name) VALUES {rows}", *numbers)  # noqa: S608 - our own words


def outbox(campus: Campus) -> int:
    [(count,)] = campus.rows("SELECT count(*) FROM changes_of_students")
    return count


def test_what_changed_came_or_went_is_told_by_its_key(fed: Campus):
    connector = connector_of(fed)
    everybody, token = whole(connector)

    enter(fed, "S4")
    fed.run(
        "UPDATE students SET name = 'Bela' WHERE student_no = 'S1'",
        "DELETE FROM students WHERE student_no = 'S2'",
    )

    assert everybody == {"S1", "S2", "S3"}
    ids, gone, later = changed(connector, token)
    assert (ids, gone) == ({"S1", "S4"}, {"S2"})
    assert changed(connector, later)[:2] == (set(), set())


def test_a_record_that_gets_another_key_is_gone_under_the_old_one(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)

    fed.run("UPDATE students SET student_no = 'S9' WHERE student_no = 'S3'")

    assert changed(connector, token)[:2] == ({"S9"}, {"S3"})


def test_what_was_rolled_back_is_not_told(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)

    with psycopg.connect(fed.place) as undone:
        undone.execute("DELETE FROM students")
        undone.rollback()

    assert changed(connector, token)[:2] == (set(), set())


def test_transactions_that_end_out_of_order_are_all_told(fed: Campus):
    connector = connector_of(fed)
    change = "UPDATE students SET name = 'Bela' WHERE student_no = %s"
    _, token = whole(connector)
    with psycopg.connect(fed.place) as first, psycopg.connect(fed.place) as second:
        first.execute(change, ["S1"])
        second.execute(change, ["S2"])
        second.commit()
        seen_first, _, after_second = changed(connector, token)
        connector.acknowledge("students", after_second)
        seen_between = changed(connector, after_second)[0]
        first.commit()

    seen_last, _, later = changed(connector, after_second)

    assert seen_first == {"S2"}
    # Seen again while the older one lasts, which costs a look and loses nobody.
    assert seen_between == {"S2"}
    assert seen_last == {"S1", "S2"}
    assert changed(connector, later)[0] == set()


def test_a_transaction_that_outlasts_a_whole_reading_is_told_afterwards(fed: Campus):
    connector = connector_of(fed)
    with psycopg.connect(fed.place) as late:
        late.execute("DELETE FROM students WHERE student_no = 'S1'")
        everybody, token = whole(connector)
        late.commit()

    assert "S1" in everybody
    assert changed(connector, token)[:2] == (set(), {"S1"})


def test_many_that_begin_and_end_in_any_order_lose_nobody(fed: Campus):
    connector = connector_of(fed)
    enter(fed, *(f"T{n}" for n in range(6)))
    _, token = whole(connector)
    seen: set[str] = set()
    under_way = [psycopg.connect(fed.place) for _ in range(6)]
    try:
        for n, one in enumerate(under_way):
            one.execute("UPDATE students SET name = 'x' WHERE student_no = %s", [f"T{n}"])
        for n in (3, 0, 5, 1, 4, 2):
            under_way[n].commit()
            ids, _, token = changed(connector, token)
            seen |= ids
            connector.acknowledge("students", token)
            assert f"T{n}" in ids
    finally:
        for one in under_way:
            one.close()

    assert seen == {f"T{n}" for n in range(6)}
    assert changed(connector, token)[0] == set()
    assert outbox(fed) == 0


def test_what_is_not_acknowledged_is_told_again(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)
    enter(fed, "S4")

    first, again = changed(connector, token), changed(connector, token)
    connector.acknowledge("students", token)
    third = changed(connector, token)

    assert first[0] == again[0] == third[0] == {"S4"}
    connector.acknowledge("students", third[2])
    connector.acknowledge("students", third[2])
    assert outbox(fed) == 0
    assert changed(connector, third[2])[0] == set()


def test_who_asks_from_before_what_was_forgotten_is_told_to_read_everything(fed: Campus):
    connector = connector_of(fed)
    _, old = whole(connector)
    enter(fed, "S4")
    _, _, new = changed(connector, old)

    connector.acknowledge("students", new)

    assert "another reader" in why_whole(connector, old)


def test_a_table_that_is_emptied_is_looked_at_as_a_whole(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)

    fed.run("TRUNCATE students")

    assert "anything may have changed" in why_whole(connector, token)


def test_what_stands_in_the_feed_is_not_believed(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)

    fed.run(
        """INSERT INTO changes_of_students (key) VALUES ('["S1"]'), ('["nobody"]')""",
    )
    ids, gone, token = changed(connector, token)
    fed.run("""INSERT INTO changes_of_students (key) VALUES ('{"drop": "students"}')""")

    assert (ids, gone) == ({"S1"}, {"nobody"})
    assert "no identifier" in why_whole(connector, token)


def test_more_than_is_worth_asking_for_is_read_as_a_whole(
    fed: Campus, monkeypatch: pytest.MonkeyPatch
):
    connector = connector_of(fed)
    _, token = whole(connector)
    monkeypatch.setattr(feed, "MOST", 3)

    enter(fed, "S4", "S5", "S6", "S7")

    assert "more than" in why_whole(connector, token)


def test_a_key_of_several_parts_and_types_is_spelled_as_it_is_read(postgres_campus: Campus):
    seats = {"key": ["module", "seat", "held on"], "feed": {}}
    postgres_campus.run(
        SEATS,
        "INSERT INTO seats VALUES ('LA|W', 7.0, '2026-03-01', 'x'), "
        "('ART', 8.5, '2026-03-01', 'y')",
    )
    postgres_campus.run(postgres_campus.connector(seats=seats).feed_script("seats"))
    connector = postgres_campus.connector(seats=seats)
    everybody, token = whole(connector, "seats")

    postgres_campus.run("DELETE FROM seats WHERE seat = 7", "UPDATE seats SET holder = 'z'")

    ids, gone, _ = changed(connector, token, resource="seats")
    assert ids | gone == everybody
    assert gone == {"LA\\|W|7.0|2026-03-01"}


@pytest.mark.parametrize(
    ("harm", "code", "word"),
    [
        ("ALTER TABLE students DISABLE TRIGGER changes_of_students", "M626", "switched off"),
        ("DROP TRIGGER changes_of_students ON students", "M626", "no trigger"),
        ("DROP TRIGGER changes_of_students_emptied ON students", "M626", "no trigger"),
        ("DROP TABLE changes_of_students_read", "M626", "no table"),
    ],
)
def test_a_feed_that_lacks_something_is_named_and_all_is_read(
    fed: Campus, harm: str, code: str, word: str
):
    connector = connector_of(fed)
    _, token = whole(connector)

    fed.run(harm)

    assert word in why_whole(connector, token)
    (lack,) = connector.lacking()
    assert (lack.code, word in lack.message) == (code, True)
    everybody, none = whole(connector)
    assert (everybody, none) == ({"S1", "S2", "S3"}, "")


def test_a_feed_that_was_made_anew_has_not_seen_what_happened_between(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)
    script = connector.feed_script("students")

    away = [
        line.removeprefix("--") for line in script.partition("-- To be rid of it:")[2].split("\n")
    ]
    fed.run("\n".join(away))
    enter(fed, "S4")
    fed.run(script)

    assert "made anew" in why_whole(connector, token)


def test_a_history_that_was_another_is_read_whole(fed: Campus):
    connector = connector_of(fed)
    _, token = whole(connector)
    ahead = token.replace('"after":', '"after":9')
    elsewhere = token.replace('"history":"', '"history":"9')

    assert "made anew" in why_whole(connector, ahead)
    assert "made anew" in why_whole(connector, elsewhere)


def test_the_script_names_the_account_and_grants_it_no_more_than_needed(fed: Campus):
    script = connector_of(fed).feed_script("students")

    grants = [line for line in script.split("\n") if line.startswith("GRANT")]
    assert grants == [
        'GRANT SELECT, DELETE ON "public"."changes_of_students" TO "matricula";',
        'GRANT SELECT, UPDATE ON "public"."changes_of_students_read" TO "matricula";',
    ]
    assert "campus.students" in script


def test_a_plain_account_follows_a_feed_and_writers_need_not_see_it(fed: Campus):
    one = secrets.token_hex(4)
    fed.run(
        f"CREATE ROLE office_{one}; GRANT SELECT, UPDATE ON students TO office_{one}",
        f"CREATE ROLE reader_{one} LOGIN PASSWORD 'x'; GRANT SELECT ON students, "
        f"changes_of_students, changes_of_students_read TO reader_{one}",
    )
    place = f"postgresql://reader_{one}:x@{fed.place.partition('@')[2]}"
    connector = connector_of(Campus(fed.kind, place, fed.folder))
    try:
        (lack,) = connector.lacking()
        fed.run(
            f"GRANT DELETE ON changes_of_students TO reader_{one}; "
            f"GRANT UPDATE ON changes_of_students_read TO reader_{one}"
        )
        _, token = whole(connector)
        change = "UPDATE students SET name = 'Bela' WHERE student_no = 'S1'"
        fed.run(f"SET ROLE office_{one}; {change}")
        ids, _, later = changed(connector, token)
        connector.acknowledge("students", later)
    finally:
        connector.close()
        fed.run(f"DROP OWNED BY office_{one}, reader_{one}; DROP ROLE office_{one}, reader_{one}")

    assert (lack.code, "forget" in lack.message) == ("M627", True)
    assert ids == {"S1"}
    assert outbox(fed) == 0


def test_a_query_is_watched_by_the_tables_it_reads(postgres_campus: Campus):
    campus = postgres_campus
    roster = {
        "query": "SELECT s.student_no, s.name, h.hall, t.word FROM students s "
        "LEFT JOIN halls h ON h.who = s.student_no CROSS JOIN terms t",
        "key": ["student_no"],
        "feed": {"watch": {"students": ["student_no"], "halls": ["who"], "terms": []}},
    }
    campus.run(
        "CREATE TABLE halls (who VARCHAR(8), hall TEXT)",
        "CREATE TABLE terms (word TEXT)",
        "INSERT INTO terms VALUES ('autumn')",
    )
    campus.run(campus.connector(roster=roster).feed_script("roster"))
    enter(campus, "S1", "S2")
    connector = campus.connector(roster=roster)
    _, token = whole(connector, "roster")

    campus.run("INSERT INTO halls VALUES ('S2', 'Old Court')")
    ids, gone, token = changed(connector, token, resource="roster")
    campus.run("UPDATE terms SET word = 'spring'")

    assert (ids, gone) == ({"S2"}, set())
    assert "anything" in why_whole(connector, token, "roster")


def test_a_view_has_no_triggers_and_a_query_must_say_what_to_watch(postgres_campus: Campus):
    postgres_campus.run("CREATE VIEW roster AS SELECT * FROM students")
    connector = postgres_campus.connector(roster={"key": ["student_no"], "feed": {}})

    with pytest.raises(GiveUp) as refused:
        connector.feed_script("roster")
    with pytest.raises(ValidationError, match="needs `watch:`"):
        connector_of(postgres_campus, query="SELECT student_no FROM students")

    assert refused.value.code == "M626"
    assert [lack.code for lack in connector.lacking()] == ["M626"]


def test_a_resource_without_a_feed_has_no_script(campus: Campus):
    with pytest.raises(GiveUp) as refused:
        campus.connector().feed_script("students")

    assert refused.value.code == "M626"


def test_sqlite_has_no_feed_and_says_so(sqlite_campus: Campus):
    connector = connector_of(sqlite_campus)
    enter(sqlite_campus, "S1")

    (lack,) = connector.lacking()

    assert (lack.code, "PostgreSQL" in lack.message) == ("M626", True)
    assert whole(connector) == ({"S1"}, "")


def test_changes_are_told_in_one_way(campus: Campus):
    with pytest.raises(ValidationError, match="leave out `changed_by:` or `feed:`"):
        connector_of(campus, changed_by="seen_at")

"""Changes told by a column: equal stamps, late commits and clocks that go back lose nobody."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import psycopg
import pytest

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Whole
from matricula.connectors.sql.watermark import Mark, begin_at
from tests.connectors.sql.looking import changed, whole, why_whole

if TYPE_CHECKING:
    from matricula.connectors.sql.connector import SqlConnector
    from tests.connectors.sql.campus import Campus

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
TEN = timedelta(minutes=10)


def told(campus: Campus, **by: Any) -> SqlConnector:
    return campus.connector(
        students={"key": ["student_no"], "changed_by": by or {"column": "seen_at"}}
    )


def enter(campus: Campus, number: str, at: datetime | None) -> None:
    insert(campus, "seen_at", {number: at.replace(tzinfo=None).isoformat(" ") if at else None})


def insert(campus: Campus, column: str, values: dict[str, Any]) -> None:
    rows = ", ".join(["(%s, 'Amara', %s)"] * len(values))
    told = [value for pair in values.items() for value in pair]
    named = f"students (student_no, name, {column})"
    campus.rows(f"INSERT INTO {named} VALUES {rows}", *told)  # noqa: S608 - our own words


def touch(campus: Campus, number: str, at: datetime) -> None:
    stamp = at.replace(tzinfo=None).isoformat(" ")
    campus.rows("UPDATE students SET seen_at = %s WHERE student_no = %s", stamp, number)


def ago(**span: float) -> datetime:
    return datetime.now(UTC) - timedelta(**span)


def test_only_what_is_stamped_since_is_read(campus: Campus):
    connector = told(campus)
    enter(campus, "S1", ago(days=3))
    enter(campus, "S2", ago(days=2))
    everybody, token = whole(connector)

    touch(campus, "S1", ago(seconds=1))

    assert everybody == {"S1", "S2"}
    # The last one seen is looked at again: others may bear its stamp.
    ids, gone, later = changed(connector, token)
    assert (ids, gone) == ({"S1", "S2"}, set())
    assert changed(connector, later)[0] == {"S1"}


def test_rows_of_equal_stamps_are_never_skipped(campus: Campus):
    connector = told(campus, column="seen_at", overlap="1m")
    same = ago(hours=1).replace(tzinfo=None).isoformat(" ")
    enter(campus, "S0", ago(days=3))
    insert(campus, "seen_at", {f"S{n}": same for n in range(1, 40)})
    _, token = whole(connector)

    insert(campus, "seen_at", {f"S{n}": same for n in range(40, 80)})
    ids, gone, _ = changed(connector, token)

    assert ids == {f"S{n}" for n in range(1, 80)}
    assert gone == set()


def test_what_is_stamped_early_and_appears_late_is_within_the_overlap(campus: Campus):
    connector = told(campus, column="seen_at", overlap="1h")
    enter(campus, "S1", ago(minutes=1))
    _, token = whole(connector)

    enter(campus, "S2", ago(minutes=59))
    enter(campus, "S3", ago(minutes=90))

    assert changed(connector, token)[0] == {"S1", "S2"}


def test_who_bears_no_stamp_is_always_looked_at(campus: Campus):
    connector = told(campus)
    enter(campus, "S1", ago(days=2))
    enter(campus, "S2", ago(days=1))
    _, token = whole(connector)

    enter(campus, "S3", None)

    assert changed(connector, token)[0] == {"S2", "S3"}


def test_a_row_that_is_gone_is_not_told_and_not_taken_for_gone(campus: Campus):
    connector = told(campus)
    enter(campus, "S1", ago(days=2))
    enter(campus, "S2", ago(seconds=2))
    _, token = whole(connector)

    campus.run("DELETE FROM students WHERE student_no = 'S1'")

    assert changed(connector, token)[:2] == ({"S2"}, set())


def test_who_is_named_is_looked_for_and_may_be_gone(campus: Campus):
    connector = told(campus)
    for n in range(1, 4):
        enter(campus, f"S{n}", ago(days=n))
    _, token = whole(connector)

    campus.run("DELETE FROM students WHERE student_no = 'S3'")

    assert changed(connector, token, "S1", "S2", "S3")[:2] == ({"S1", "S2"}, {"S3"})


def test_a_stamp_in_the_future_hides_nobody(campus: Campus):
    connector = told(campus)
    enter(campus, "S1", ago(days=2))
    enter(campus, "S2", datetime(2099, 1, 1, tzinfo=UTC))
    _, token = whole(connector)

    touch(campus, "S1", ago(seconds=1))

    assert changed(connector, token)[0] == {"S1", "S2"}


def test_a_database_put_back_to_an_older_state_is_read_whole(campus: Campus):
    connector = told(campus)
    enter(campus, "S1", ago(days=2))
    enter(campus, "S2", ago(days=1))
    _, token = whole(connector)

    campus.run("DELETE FROM students WHERE student_no = 'S2'")

    assert "older state" in why_whole(connector, token)


def test_an_empty_table_says_nothing_of_what_comes(campus: Campus):
    connector = told(campus)
    _, token = whole(connector)

    enter(campus, "S1", ago(days=2))

    assert "bore a stamp" in why_whole(connector, token)


def test_whole_numbers_serve_with_an_overlap_of_numbers(campus: Campus):
    connector = told(campus, column="credits", overlap=5)
    insert(campus, "credits", {f"S{n}": n for n in range(1, 101)})
    _, token = whole(connector)

    campus.run("UPDATE students SET credits = 101 WHERE student_no = 'S3'")

    ids, _, later = changed(connector, token)
    assert ids == {"S3", *(f"S{n}" for n in range(95, 101))}
    assert changed(connector, later)[0] == {"S3", *(f"S{n}" for n in range(96, 101))}


def test_dates_serve_with_a_day_more(campus: Campus):
    connector = told(campus, column="born_on")
    insert(campus, "born_on", {f"S{day}": f"2026-03-0{day}" for day in range(1, 6)})
    _, token = whole(connector)

    assert changed(connector, token)[0] == {"S3", "S4", "S5"}


@pytest.mark.parametrize(
    "by",
    [{"column": "name"}, {"column": "credits"}, {"column": "seen_at", "overlap": 5},
     {"column": "is_resident"}],
)  # fmt: skip
def test_a_column_that_cannot_tell_is_named(campus: Campus, by: dict[str, Any]):
    connector = told(campus, **by)

    (lack,) = connector.lacking()
    with pytest.raises(GiveUp) as refused:
        whole(connector)

    assert (lack.code, refused.value.code) == ("M625", "M625")
    assert f"students.{by['column']}" in lack.message


def test_a_token_of_other_settings_or_of_nobody_means_everything(campus: Campus):
    enter(campus, "S1", ago(days=1))
    _, token = whole(told(campus))

    assert "not what they were" in why_whole(told(campus, column="seen_at", overlap="2h"), token)
    assert "not of this connector" in why_whole(told(campus), "nonsense")
    assert "not of this connector" in why_whole(told(campus), "[]")
    plain = campus.connector()
    assert whole(plain)[1] == ""
    assert why_whole(plain, token)


def test_where_the_database_lets_two_have_one_key_both_are_told(campus: Campus):
    campus.run(
        "CREATE TABLE seats (seat VARCHAR(5), holder TEXT, moved_at TIMESTAMP)",
        "INSERT INTO seats VALUES ('A', 'x', '2026-01-01 10:00:00'), "
        "('B', 'y', '2026-02-01 10:00:00')",
    )
    connector = campus.connector(seats={"key": ["seat"], "changed_by": "moved_at"})
    with connector.read("seats") as reading:
        assert sum(batch.num_rows for batch in reading.batches) == 2
        token = reading.token

    campus.run("INSERT INTO seats VALUES ('A', 'z', '2026-02-01 10:05:00')")
    with connector.changes("seats", token) as answer:
        assert not isinstance(answer, Whole)
        rows = [row for batch in answer.reading.batches for row in batch.to_pylist()]

    assert sorted((row["_id"], row["holder"]) for row in rows) == [
        ("A", "x"), ("A", "z"), ("B", "y")
    ]  # fmt: skip


def test_a_query_tells_its_changes_too(campus: Campus):
    query = "SELECT student_no, name, seen_at FROM students WHERE campus = 'north'"
    connector = campus.connector(
        students={"query": query, "key": ["student_no"], "changed_by": "seen_at"}
    )
    enter(campus, "S1", ago(days=3))
    enter(campus, "S2", ago(days=2))
    _, token = whole(connector)

    touch(campus, "S1", ago(seconds=1))
    enter(campus, "S3", ago(seconds=1))

    assert changed(connector, token)[0] == {"S1", "S2", "S3"}


def test_the_stamps_of_sqlite_are_compared_as_instants_however_they_are_spelled(
    sqlite_campus: Campus,
):
    connector = told(sqlite_campus)
    stamps = {
        "S1": "2026-03-01T10:00:00Z",
        "S2": "2026-03-01 12:05:00+02:00",
        "S3": "2026-03-01 09:49:00",
        "S4": "2026-03-01T08:55:00-01:00",
    }
    insert(sqlite_campus, "seen_at", stamps)
    _, token = whole(connector)

    # The last is 10:05 UTC; ten minutes before is 9:55.
    assert changed(connector, token)[0] == {"S1", "S2", "S4"}


def test_a_transaction_that_was_open_meanwhile_is_found_within_the_overlap(
    postgres_campus: Campus,
):
    campus = postgres_campus
    connector = told(campus)
    enter(campus, "S1", ago(days=1))
    entry = "INSERT INTO students (student_no, name, seen_at) VALUES (%s, 'x', now())"
    with psycopg.connect(campus.place) as late:
        late.execute(entry, ["S2"])
        campus.rows(entry, "S3")
        everybody, token = whole(connector)
        late.commit()

    assert everybody == {"S1", "S3"}
    assert changed(connector, token)[0] == {"S2", "S3"}


def mark(stamp: datetime, clock: datetime, ours: datetime) -> Mark:
    return Mark(stamp, clock, ours)


def test_a_clock_that_was_just_put_back_is_noticed():
    before = mark(NOON, NOON, NOON)
    now = mark(NOON, NOON - timedelta(hours=1), NOON + timedelta(minutes=1))

    assert isinstance(begin_at(before, now, TEN), Whole)


def test_a_clock_that_was_put_back_and_has_caught_up_is_noticed():
    before = mark(NOON, NOON, NOON)
    now = mark(NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2))

    assert isinstance(begin_at(before, now, TEN), Whole)


def test_a_clock_that_keeps_step_with_ours_is_believed():
    before = mark(NOON - timedelta(hours=1), NOON, NOON + timedelta(days=9))
    now = mark(NOON, NOON + timedelta(hours=2), NOON + timedelta(days=9, hours=2, minutes=5))

    assert begin_at(before, now, TEN) == NOON - timedelta(hours=1, minutes=10)


def test_a_mark_reads_as_it_was_told():
    for one in (mark(NOON, NOON, NOON), Mark(7, None, NOON), Mark(None, None, NOON)):
        assert Mark.read(one.told()) == one

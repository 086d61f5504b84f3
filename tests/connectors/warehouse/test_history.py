from __future__ import annotations

import re
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Write
from tests.connectors.warehouse.reporting import act, creation, day, update

if TYPE_CHECKING:
    from tests.connectors.warehouse.reporting import Reporting

HISTORY = """
SELECT surrogate_key, key, credits, CAST(CAST(valid_from AS DATE) AS TEXT),
       CAST(CAST(valid_to AS DATE) AS TEXT), is_current, change_kind, closed_by
FROM students_history ORDER BY surrogate_key
"""
PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "connect-warehouse.md"


def test_a_change_closes_one_version_and_opens_the_next(reporting: Reporting):
    reporting.write(creation("S1"), creation("S2"), on=1)
    reporting.write(update("S1", credits=30), on=3)

    assert reporting.rows(HISTORY) == [
        (1, "S1", 0, "2026-09-01", "2026-09-03", False, "created", "updated"),
        (2, "S2", 0, "2026-09-01", None, True, "created", None),
        (3, "S1", 30, "2026-09-03", None, True, "updated", None),
    ]


def test_writing_the_same_again_makes_no_second_version(reporting: Reporting):
    batch = [creation("S1"), creation("S2")]
    reporting.write(*batch, on=1)
    reporting.write(update("S1", credits=30), on=2)
    before = reporting.rows(HISTORY)

    reporting.write(update("S1", credits=30), on=2)
    reporting.write(update("S1", credits=30), creation("S2"), on=5)

    assert reporting.rows(HISTORY) == before


def test_suspending_resuming_and_deleting_close_and_open_but_never_remove(reporting: Reporting):
    reporting.write(creation("S1", credits=10), on=1)
    reporting.write(act("suspend", "S1"), on=2)
    reporting.write(Write("S1", "resume", "S1", {"credits": 20}, frozenset({"credits"})), on=4)
    reporting.write(act("delete", "S1"), on=6)
    reporting.write(creation("S1", credits=30), on=8)

    assert reporting.rows(HISTORY) == [
        (1, "S1", 10, "2026-09-01", "2026-09-02", False, "created", "suspended"),
        (2, "S1", 20, "2026-09-04", "2026-09-06", False, "resumed", "deleted"),
        (3, "S1", 30, "2026-09-08", None, True, "created", None),
    ]
    assert reporting.rows("SELECT key, name FROM students_current") == [("S1", "Amara")]


def query_of_the_page(table: str, column: str) -> str:
    """Find the query of the how-to page that asks a table for a column."""
    queries = re.findall(r"```sql\n(.*?);\n```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = [one for one in queries if table in one and column in one]
    return found


def test_it_can_be_asked_as_it_was_on_a_day(reporting: Reporting):
    query = query_of_the_page("students_history", "valid_from")
    reporting.write(creation("S1", name="Amara"), creation("S2", name="Bela"), on=1)
    reporting.write(update("S1", name="Amara Obi"), act("suspend", "S2"), on=10)

    assert reporting.rows(query) == [("S1", "Amara", 0), ("S2", "Bela", 0)]
    assert reporting.rows(query.replace("09-09", "09-01")) == reporting.rows(query)
    assert reporting.rows(query.replace("09-09", "09-10")) == [("S1", "Amara Obi", 0)]
    assert reporting.rows(query.replace("2026-09-09", "2026-08-31")) == []


def test_a_version_ends_at_the_very_instant_the_next_begins(reporting: Reporting):
    query = query_of_the_page("students_history", "valid_from").replace("09-09 12", "09-10 06")
    reporting.write(creation("S1", name="Amara"), on=1)
    reporting.write(update("S1", name="Amara Obi"), on=10)

    assert reporting.rows(query) == [("S1", "Amara Obi", 0)]


def test_versions_of_one_record_never_overlap_even_within_one_run_or_an_older_one(
    reporting: Reporting,
):
    reporting.write(creation("S1"), on=5)
    reporting.write(update("S1", credits=1), on=5)
    reporting.write(update("S1", credits=2), on=3)
    reporting.write(act("delete", "S1"), creation("S2"), on=3)
    reporting.write(creation("S1", credits=3), on=4)

    overlaps = """
    SELECT count(*) FROM students_history a JOIN students_history b
      ON a.key = b.key AND a.surrogate_key < b.surrogate_key
    WHERE b.valid_from < coalesce(a.valid_to, b.valid_from + INTERVAL '1 day')
    """
    assert reporting.rows(overlaps) == [(0,)]
    assert reporting.rows("SELECT key, credits FROM students_current ORDER BY key") == [
        ("S1", 3),
        ("S2", 0),
    ]


def test_a_refused_row_stands_alone_and_nothing_of_it_is_kept(reporting: Reporting):
    first, refused, last = reporting.write(
        creation("S1"), creation("S2", credits="secret"), creation("S3"), on=1
    )

    assert isinstance(refused.error, SkipRow)
    assert "S2: credits is refused" in str(refused.error)
    assert "secret" not in str(refused.error)
    assert [first.external_id, last.external_id] == ["S1", "S3"]
    assert reporting.rows("SELECT key FROM students_history ORDER BY key") == [("S1",), ("S3",)]


def test_a_fact_names_the_version_of_the_dimension_that_was_valid_then(reporting: Reporting):
    reporting.write(creation("S1", name="Amara"), on=1)
    reporting.write(enrolment("S1", "maths"), on=2, resource="enrolments")
    reporting.write(update("S1", name="Amara Obi"), on=3)
    reporting.write(enrolment("S1", "law"), on=4, resource="enrolments")

    star = query_of_the_page("enrolments_current", "student_no_sk")
    assert reporting.rows(star) == [("law", "Amara Obi"), ("maths", "Amara")]


def test_a_fact_that_came_before_its_dimension_is_joined_when_that_arrives(reporting: Reporting):
    reporting.write(enrolment("S1", "maths"), enrolment("S9", "law"), on=1, resource="enrolments")
    reporting.write(creation("S1"), on=2)

    found = reporting.rows("SELECT student_no, student_no_sk FROM enrolments_history ORDER BY 1")
    assert found == [("S1", 1), ("S9", None)]


def test_a_newly_granted_column_is_added_and_older_versions_lack_it(reporting: Reporting):
    reporting.write(creation("S1"), on=1)
    reporting.write(update("S1", programme="Law"), on=2)

    assert reporting.rows("SELECT programme FROM students_history ORDER BY surrogate_key") == [
        (None,),
        ("Law",),
    ]
    assert reporting.rows("SELECT key, programme FROM students_current") == [("S1", "Law")]


def test_reading_yields_what_stands_with_suspended_records_marked(reporting: Reporting):
    reporting.write(creation("S1"), creation("S2"), creation("S3"), on=1)
    reporting.write(act("suspend", "S2"), act("delete", "S3"), on=2)

    with closing(reporting.connector()) as connector, connector.read("students") as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]

    assert {row["_id"]: row["_suspended"] for row in rows} == {"S1": False, "S2": True}


def test_a_warehouse_that_was_never_written_to_reads_as_empty(reporting: Reporting):
    with closing(reporting.connector()) as connector, connector.read("students") as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]

    assert rows == []
    assert {"_id", "_suspended"} <= set(reading.schema.names)


def test_a_column_cannot_change_its_type_because_history_is_not_rewritten(reporting: Reporting):
    reporting.write(creation("S1"), on=1)
    retyped = reporting.connector(resources={"students": {"columns": {"credits": "text"}}})

    with closing(retyped), pytest.raises(GiveUp, match="credits is of another type"):
        retyped.write("students", [creation("S2")], at=day(2))


@pytest.mark.parametrize("name", ["surrogate_key", "VALID_FROM", "_id", "x" * 60])
def test_names_that_the_warehouse_needs_are_refused(folder: Reporting, name: str):
    with closing(folder.connector()) as connector, pytest.raises(GiveUp, match=name):
        connector.write("students", [creation("S1", **{name: "x"})], at=day(1))


def test_parquet_copies_agree_with_the_database_after_closing(folder: Reporting):
    folder.write(creation("S1"), creation("S2"), on=1)
    folder.write(update("S1", credits=30), on=2)

    copy = str(folder.folder / "warehouse" / "students_history.parquet")
    with closing(duckdb.connect()) as database:
        database.execute("SET TimeZone = 'UTC'")
        query = HISTORY.replace("students_history", f"read_parquet('{copy}')")
        copied = database.execute(query).fetchall()
    assert copied == folder.rows(HISTORY)
    assert len(copied) == 3


def test_only_tables_that_changed_are_copied_again(folder: Reporting):
    folder.write(creation("S1"), on=1)
    folder.write(enrolment("S1", "maths"), on=1, resource="enrolments")

    with closing(folder.connector()) as connector:
        assert connector.export() == []
        connector.write("students", [update("S1", credits=1)], at=day(2))
        assert "students" in connector.ping().sentence
        assert connector.export() == ["students"]
        assert "behind" not in connector.ping().sentence


def test_a_copy_that_a_crash_left_behind_is_made_by_the_next_run(folder: Reporting):
    connector = folder.connector()
    connector.write("students", [creation("S1")], at=day(1))
    # The crash: the file is let go without the copies that closing makes.
    connector._store.close()

    with closing(folder.connector()) as next_run:
        assert next_run.export() == ["students"]

    assert (folder.folder / "warehouse" / "students_history.parquet").is_file()


def test_a_file_that_another_program_holds_is_tried_again(folder: Reporting):
    folder.write(creation("S1"), on=1)
    path = str(folder.folder / "warehouse" / "warehouse.duckdb")
    holds = (
        "import duckdb, sys; c = duckdb.connect(sys.argv[1]); print('held', flush=True); input()"
    )
    command = [sys.executable, "-c", holds, path]

    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        with pytest.raises(TryAgain) as caught:
            folder.connector().write("students", [creation("S2")], at=day(2))
        other.communicate("\n")

    assert caught.value.code == "M621"
    assert folder.rows("SELECT key FROM students_history") == [("S1",)]


def test_without_listed_resources_any_flow_may_bring_its_own(reporting: Reporting):
    with closing(reporting.connector(resources={})) as connector:
        (outcome,) = connector.write("loans", [creation("L1", title="Ulysses")], at=day(1))
        shapes = {shape.name: shape for shape in connector.describe()}

    assert outcome.external_id == "L1"
    assert reporting.rows("SELECT key, title FROM loans_current") == [("L1", "Ulysses")]
    assert shapes["loans"].open_ended


def enrolment(student_no: str, module: str) -> Write:
    fields = {"student_no": student_no, "module": module}
    return Write(f"{student_no}|{module}", "create", None, fields, frozenset(fields))

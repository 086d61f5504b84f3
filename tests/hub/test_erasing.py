"""A person who is erased is nowhere: not in the audit, not in the database, not in the home."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest
from django.db import connection

from matricula.audit.queries import acts_on, keys_with
from matricula.hub.models import Effect, Incident, Link, MatchCase, Snapshot
from tests import settled
from tests.audit.witness import assert_untouched

# SQLite cannot be vacuumed, nor PostgreSQL's tables read by another, inside a transaction.
pytestmark = pytest.mark.django_db(transaction=True)
WHO = "90210-X"
NAME = "Zenobia Quarmby-Thistlewood"
MAIL = "zenobia.quarmby@example.org"
FINE = "8341.75"
TOLD = (WHO, NAME, MAIL, FINE)
DELETE = ("on_exit: suspend\n    on_drift: report", "on_exit: delete\n    on_drift: report")


@pytest.fixture
def left(world):
    """A university that a student has been in, has been edited in, was refused in, and left."""
    settled.bring(world.folder, lambda: leave(world), story="left")
    return world


def leave(world):
    world.edit_charter("on_exit: suspend", "on_exit: delete")
    world.sis("INSERT INTO students VALUES (?, ?, ?, 'active')", WHO, NAME, MAIL)
    for code in ("LAW1", "BIO1"):
        world.sis("INSERT INTO enrolments VALUES (?, ?)", WHO, code)
    export = world.folder / "drop" / "patrons.csv"
    patrons = export.read_text(encoding="utf-8")
    world.write_patrons(f"{patrons}{WHO},{FINE}\n")
    world.settle()
    world.lms("UPDATE users SET fullname = 'Somebody Else' WHERE idnumber = ?", WHO)
    world.run("plan")
    world.run("sync")
    world.sis("UPDATE students SET name = ? WHERE student_no = ?", NAME + "!" * 60, WHO)
    world.run("sync", "--changed")
    world.sis("UPDATE students SET name = ? WHERE student_no = ?", NAME, WHO)
    world.run("sync")
    world.sis("DELETE FROM enrolments WHERE student_no = ?", WHO)
    world.sis("DELETE FROM students WHERE student_no = ?", WHO)
    world.write_patrons(patrons)
    # What a target refuses keeps the indexes from moving on, so that they remember the person.
    world.lms("CREATE TRIGGER no BEFORE UPDATE ON users BEGIN SELECT RAISE(ABORT, 'no'); END")
    world.sis("UPDATE students SET name = 'Dewi W' WHERE student_no = '00004'")
    world.run("sync")
    trace = world.folder / "home" / "errors" / "20261123T000000.000000Z.txt"
    trace.parent.mkdir(exist_ok=True)
    trace.write_text(f"ValueError: {WHO}", encoding="utf-8")


def erase(world, *words, key=WHO, entity="student"):
    return world.run("audit", "erase", entity, key, "--why", "request 2026/17", *words)


def rows_with(words):
    """Find the tables of the database in which any column of any row holds a word."""
    found = set()
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT * FROM {connection.ops.quote_name(table)}")  # noqa: S608 - our own names
            found |= {(table, word) for row in cursor for word in words if word in str(row)}
    return found


def files_with(folder, words):
    """Find the files that hold a word as bytes or, where they are Parquet, in a cell."""
    found = set()
    for path in (path for path in folder.rglob("*") if path.is_file()):
        held = path.read_bytes()
        if path.suffix == ".parquet":
            held += json.dumps(pq.read_table(path).to_pylist(), default=str).encode()
        found |= {(path.name, word) for word in words if word.encode() in held}
    return found


def test_who_went_under_another_number_before_is_erased_under_both(world):
    at = datetime(2026, 11, 1, tzinfo=UTC)
    told = {"flow": "lms-accounts", "kind": "create", "state": "answered", "run": "run-1"}
    Effect.objects.create(key="00417", after=f'{{"fullname":"{NAME}"}}', intended_at=at, **told)
    MatchCase.objects.create(
        kind="rekey", entity="student", key="00417", other=WHO, resource="sis.students",
        state="same", steward="registrar", opened_at=at, decided_at=at,
    )  # fmt: skip

    said = erase(world, "--yes")

    assert said.code == 0, said.err
    assert rows_with(["00417", NAME]) == set()


def test_before_the_erasure_the_person_is_in_the_database_and_in_the_home(left):
    home = left.folder / "home"

    assert {"audit_value", "hub_effect"} <= {table for table, _ in rows_with(TOLD)}
    assert {word for _, word in rows_with(TOLD)} >= {WHO, NAME, MAIL, FINE}
    assert {word for _, word in files_with(home, TOLD)} >= {WHO, NAME, MAIL, FINE}
    assert files_with(home / "indexes", [WHO]) != set()
    assert (WHO,) not in left.in_lms("SELECT idnumber FROM users")


def test_after_the_erasure_no_row_and_no_file_holds_anything_of_the_person(left, tmp_path):
    home = left.folder / "home"

    said = erase(left, "--yes", "--json")

    assert said.code == 0, said.err
    assert rows_with(TOLD) == set()
    assert files_with(home, TOLD) == set()
    assert left.run("audit", "verify").code == 0
    assert_untouched(tmp_path)


@pytest.mark.skipif("sqlite3" not in str(connection.settings_dict["ENGINE"]), reason="a file")
def test_the_embedded_databases_own_file_holds_nothing_either(left):
    file = Path(connection.settings_dict["NAME"])
    assert files_with(file.parent, TOLD) != set()

    said = erase(left, "--yes", "--json")

    assert said.json["notes"] == []
    assert files_with(file.parent, TOLD) == set()


def test_it_is_said_what_was_erased_and_the_audit_keeps_who_ordered_it_and_why(left):
    told = erase(left, "--yes", "--json").json

    assert [(r["entity"], r["key"]) for r in told["records"]] == [
        ("student", WHO), ("enrolment", f"{WHO}|BIO1"), ("enrolment", f"{WHO}|LAW1"),
    ]  # fmt: skip
    assert told["erased"]["audit entries"] >= 8
    assert told["erased"]["effects"] >= 8
    assert told["erased"]["plans removed"] == 1
    assert told["erased"]["traces removed"] == 1
    assert told["erased"]["indexes rewritten"] >= 2
    assert told["erased"]["snapshots rewritten"] >= 1
    orders = acts_on("hub.erasure", "erase", sorted(keys_with("hub.erasure", "")))
    assert [(e.action, e.why) for e in orders] == [("erase", "request 2026/17")]
    assert orders[0].after == told["erased"]


def test_everybody_else_is_still_there_and_the_next_pass_has_nothing_to_do(left):
    others = Effect.objects.exclude(key__startswith=WHO).exclude(before=None, after=None).count()
    links, users = Link.objects.count(), left.everything_in_lms()

    erase(left, "--yes")
    changed = left.run("sync", "--changed", "--json")
    full = left.run("plan", "--json")

    assert changed.code == 0, changed.err
    assert changed.json["delivered"] == {}
    assert full.code == 0
    assert Link.objects.count() == links
    assert left.everything_in_lms() == users
    assert Effect.objects.exclude(after=None, before=None).count() == others
    assert all((left.folder / "home" / s.path).exists() for s in Snapshot.objects.all())


def test_a_person_who_returns_as_they_were_is_made_anew_by_a_pass_over_changes(left):
    erase(left, "--yes")
    # The roster is again what it was when the indexes were made.
    left.sis("INSERT INTO students VALUES (?, ?, ?, 'active')", WHO, NAME, MAIL)

    said = left.run("sync", "--changed")

    assert said.code == 0, said.out + said.err
    assert (WHO, NAME) in left.in_lms("SELECT idnumber, fullname FROM users")


def test_a_record_whose_copies_are_still_out_is_refused_and_keeps_everything(world):
    world.settle()
    world.sis("DELETE FROM enrolments WHERE student_no = '00007'")
    world.sis("DELETE FROM students WHERE student_no = '00007'")
    world.run("sync")
    before = (Effect.objects.count(), Link.objects.count())

    said = erase(world, "--yes", key="00007")

    assert said.code == 1
    assert "M720" in said.err
    assert "1 by lms-accounts" in said.err
    assert (Effect.objects.count(), Link.objects.count()) == before
    assert Link.objects.filter(key="00007").exists()
    assert Effect.objects.filter(key="00007", after__contains="s00007@example.org").exists()


def test_a_suspended_copy_that_its_office_removed_no_longer_stands_in_the_way(world):
    world.settle()
    world.sis("DELETE FROM enrolments WHERE student_no = '00007'")
    world.sis("DELETE FROM students WHERE student_no = '00007'")
    world.run("sync")
    world.edit_charter(*DELETE)
    world.sign_all()
    world.lms("DELETE FROM users WHERE idnumber = '00007'")
    world.run("sync")

    said = erase(world, "--yes", key="00007")

    assert said.code == 0, said.err
    assert not Link.objects.filter(key__startswith="00007").exists()
    assert world.plan()["lms-accounts"]["create"] == 0


def test_a_record_that_its_owner_still_has_is_refused_though_no_copy_is_out(world):
    world.edit_charter("where: status in ('active', 'on_leave')", "where: status = 'on_leave'")
    world.run("plan")

    said = erase(world, "--yes", key="00007")

    assert said.code == 1
    assert "M721" in said.err
    assert "sis.students" in said.err


def test_an_owner_of_single_fields_who_still_has_the_record_is_named(left):
    patrons = (left.folder / "drop" / "patrons.csv").read_text(encoding="utf-8")
    left.write_patrons(f"{patrons}{WHO},{FINE}\n")
    left.run("sync")

    said = erase(left, "--yes", "--json")

    assert said.code == 0, said.err
    assert any("library.patrons still held it" in note for note in said.json["notes"])
    assert rows_with(TOLD) == set()
    assert files_with(left.folder / "home", TOLD) == set()


def test_copies_of_a_withdrawn_flow_stand_in_the_way_too(world):
    world.settle()
    text = (world.folder / "charter" / "flows.yaml").read_text(encoding="utf-8")
    kept = text[: text.index("  warehouse-students:")]
    (world.folder / "charter" / "flows.yaml").write_text(kept, encoding="utf-8")
    world.edit_charter("on_exit: suspend", "on_exit: delete")
    world.sign_all()
    world.sis("DELETE FROM enrolments WHERE student_no = '00007'")
    world.sis("DELETE FROM students WHERE student_no = '00007'")
    world.run("sync")

    said = erase(world, "--yes", key="00007")

    assert said.code == 1
    assert "1 by warehouse-students" in said.err


def test_nothing_is_erased_before_somebody_says_yes(left):
    said = erase(left)

    assert said.code != 0
    assert "Erase 1 student, 2 enrolment for good?" in said.err
    assert rows_with([WHO]) != set()


@pytest.mark.parametrize(
    ("entity", "key", "why", "code"),
    [
        ("student", WHO, f"{WHO} asked for it", "M722"),
        ("flow", "lms-accounts", "request 17", "M517"),
        ("enrolment", WHO, "request 17", "M723"),
    ],
)
def test_a_reason_that_names_somebody_and_a_record_that_is_none_are_refused(
    left, entity, key, why, code
):
    said = left.run("audit", "erase", entity, key, "--why", why, "--yes")

    assert said.code == 1
    assert code in said.err
    assert rows_with([WHO]) != set()


def test_a_key_of_which_nothing_is_known_is_said_to_be_so(world):
    world.settle()

    said = erase(world, "--yes", key="77777")

    assert said.code == 1
    assert "Nothing was kept of student 77777." in said.out


def test_an_erasure_done_again_finds_nothing_more(left):
    erase(left, "--yes")

    assert erase(left, "--yes").code == 1
    assert Incident.objects.filter(key__startswith=WHO).count() == 0


def test_a_person_whose_rows_the_warehouses_office_deleted_can_be_erased(world):
    world.settle()
    world.sis("DELETE FROM enrolments WHERE student_no = '00007'")
    world.sis("DELETE FROM students WHERE student_no = '00007'")
    world.run("sync")
    world.lms("DELETE FROM users WHERE idnumber = '00007'")
    world.run("sync")
    refused = erase(world, "--yes", key="00007")
    with duckdb.connect(str(world.folder / "warehouse" / "warehouse.duckdb")) as warehouse:
        warehouse.execute("DELETE FROM students_history WHERE key = '00007'")
    (world.folder / "warehouse" / "students_history.parquet").unlink()

    world.run("sync")
    said = erase(world, "--yes", key="00007")

    assert "1 by warehouse-students" in refused.err
    assert said.code == 0, said.err
    world.sis("UPDATE students SET status = 'on_leave' WHERE student_no = '00001'")
    assert world.run("sync").code == 0
    copy = world.folder / "warehouse" / "students_history.parquet"
    assert "00007" not in pq.read_table(copy)["key"].to_pylist()

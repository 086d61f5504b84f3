"""The laws of the house, each tried through the commands.

The third, that there is one way out, is held by `tests/architecture/test_one_way_out.py`;
the sixth, intent before effect, by `test_interruptions.py`, with real processes.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.college import FLOWS, student
from tests.scenarios.test_bad_files import instead

if TYPE_CHECKING:
    from tests.scenarios.college import College


def edit_charter(college: College, old: str, new: str) -> None:
    path = college.folder / "charter" / "charter.yaml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")


def register(college: College, number: str, **fields: str) -> None:
    row = f"{student(number, 2, **fields)}\n".encode()
    college.rewrite(college.students, lambda content: content + row)


def flows_of(college: College, *words: str) -> dict[str, dict[str, object]]:
    return {f["flow"]: f for f in college.run("plan", "--json", *words).json["flows"]}


def test_law_1_two_claims_on_one_field_are_refused_and_both_are_named(college: College):
    before = college.targets()
    edit_charter(
        college, "      email: {owner: register.students,",
        "      email: {owner: campus.advisers, type: text, class: personal}\n"
        "      email: {owner: register.students,",
    )  # fmt: skip
    college.rewrite(college.students, instead(b"Chidi Eze", b"Chidi Obi"))

    said = college.run("sync")

    assert said.code == 1
    told = " ".join((said.out + said.err).split())
    for word in ("M201", "student.email", "campus.advisers", "register.students"):
        assert word in told
    assert college.targets() == before


def test_law_2_a_copy_without_a_purpose_does_not_move(college: College):
    before = college.targets()
    edit_charter(college, "    purpose: Staff find students.\n", "")
    college.rewrite(college.students, instead(b"Chidi Eze", b"Chidi Obi"))

    said = college.run("sync")

    assert said.code == 1
    assert "directory-people" in said.out + said.err
    assert "purpose" in said.out + said.err
    assert college.targets() == before


def test_law_4_a_record_that_is_not_mentioned_any_more_is_not_told_to_leave_by_the_library(
    college: College,
):
    rows = college.patrons.read_bytes().splitlines(keepends=True)
    college.patrons.write_bytes(b"".join(row for row in rows if not row.startswith(b"00003,")))
    college.patrons.with_name("patrons.csv.total").write_text("rows=15\n", "ascii")

    said = college.run("sync")

    explained = college.run("explain", "student", "00003", "--in", "warehouse", "--json").json
    assert said.code == 0
    assert {c["field"]: c["value"] for c in explained["copies"]}["status"] == "active"


def test_law_5_who_came_and_went_while_a_target_was_away_is_no_work_when_it_returns(
    college: College,
):
    lms = college.folder / "targets" / "lms.db"
    shutil.move(lms, college.folder / "elsewhere.db")
    register(college, "00090")
    first = college.run("sync")
    college.rewrite(
        college.students, instead(b"00090@example.org,active", b"00090@example.org,withdrawn")
    )
    college.rewrite(college.students, instead(b"Dewi Wirawan,s00004", b"Dewi One,s00004"))
    second = college.run("sync")
    college.rewrite(college.students, instead(b"Dewi One,s00004", b"Dewi Two,s00004"))
    away = [(i["code"], i["place"], i["steward"]) for i in college.incidents()]
    shutil.move(college.folder / "elsewhere.db", lms)

    back = college.run("sync", "--json")

    assert (first.code, second.code, back.code) == (1, 1, 0)
    assert away == [("M616", "lms", "it")]
    assert college.in_lms("SELECT count(*) FROM users WHERE idnumber = '00090'") == [(0,)]
    assert college.in_lms("SELECT fullname FROM users WHERE idnumber = '00004'") == [("Dewi Two",)]
    assert back.json["delivered"]["lms-accounts"]["answered"] == 1
    assert college.incidents() == []


def test_law_7_the_failure_of_one_record_or_one_owner_blocks_nobody_else(college: College):
    college.lms(
        "CREATE TRIGGER no_obi BEFORE UPDATE ON users WHEN NEW.fullname LIKE '%Obi' "
        "BEGIN SELECT RAISE(ABORT, 'no'); END"
    )
    college.rewrite(college.students, instead(b"Chidi Eze,s00003", b"Chidi Obi,s00003"))
    college.rewrite(college.students, instead(b"Dewi Wirawan,s00004", b"Dewi One,s00004"))
    college.rewrite(college.patrons, lambda _: b"")

    said = college.run("sync", "--json")

    names = dict(college.in_lms("SELECT idnumber, fullname FROM users"))
    assert said.code == 1
    assert (names["00003"], names["00004"]) == ("Chidi Eze", "Dewi One")
    assert b"Chidi Obi" in (college.folder / "targets" / "directory" / "people.csv").read_bytes()
    told = {(i["code"], i["place"], i["key"], i["steward"]) for i in college.incidents()}
    assert told == {
        ("M604", "lms-accounts", "00003", "it"), ("M421", "library.patrons", "", "library"),
    }  # fmt: skip
    assert all(i["due_at"] and i["cure"] for i in college.incidents())


def test_law_8_what_was_there_before_us_is_never_deleted(college: College):
    people = college.folder / "targets" / "directory" / "people.csv"
    college.rewrite(people, lambda content: content + b"99999,Somebody of theirs\n")
    college.lms("INSERT INTO users (idnumber, fullname) VALUES ('99999', 'Somebody of theirs')")

    said = college.run("sync")

    assert said.code == 0
    assert b"99999,Somebody of theirs" in people.read_bytes()
    assert college.in_lms("SELECT suspended FROM users WHERE idnumber = '99999'") == [(0,)]


def test_law_8_two_rows_that_match_one_record_are_for_a_person_to_part(college: College):
    college.lms("ALTER TABLE users RENAME TO old")
    college.lms(
        "CREATE TABLE users (id INTEGER PRIMARY KEY, idnumber TEXT, fullname TEXT, email TEXT, "
        "credits INTEGER, adviser TEXT, suspended INTEGER NOT NULL DEFAULT 0)"
    )
    college.lms("INSERT INTO users SELECT * FROM old")
    for name in ("C. Eze", "Chidi E."):
        college.lms("INSERT INTO users (idnumber, fullname) VALUES ('00091', ?)", name)
    register(college, "00091")
    register(college, "00092")

    college.run("sync")

    found = college.in_lms("SELECT fullname FROM users WHERE idnumber = '00091' ORDER BY id")
    assert found == [("C. Eze",), ("Chidi E.",)]
    assert college.in_lms("SELECT count(*) FROM users WHERE idnumber = '00092'") == [(1,)]
    told = [(i["code"], i["place"], i["steward"]) for i in college.incidents()]
    assert told == [("M505", "lms-accounts", "it")]
    college.lms("DELETE FROM users WHERE fullname = 'C. Eze'")
    assert college.run("sync").code == 0
    assert college.incidents() == []
    found = college.in_lms("SELECT fullname FROM users WHERE idnumber = '00091'")
    assert found == [("Chidi Eze",)]


def test_law_8_who_leaves_is_suspended_first(college: College):
    college.rewrite(
        college.students, instead(b"00005@example.org,active", b"00005@example.org,withdrawn")
    )

    college.run("sync")

    assert college.in_lms("SELECT suspended FROM users WHERE idnumber = '00005'") == [(1,)]


@pytest.mark.parametrize(
    "statement", ["UPDATE audit_entry SET leaf = ''", "DELETE FROM audit_entry"]
)
def test_law_9_the_database_itself_refuses_to_change_the_audit(college: College, statement: str):
    database = college.folder / "home" / "matricula.sqlite3"

    with closing(sqlite3.connect(database)) as outside, pytest.raises(sqlite3.IntegrityError):
        outside.execute(statement)

    assert college.run("audit", "verify").code == 0


def test_law_9_a_correction_is_a_new_entry(college: College):
    before = college.run("audit", "verify", "--json").json["entries"]
    college.rewrite(college.students, instead(b"Chidi Eze,s00003", b"Chidi Obi,s00003"))
    college.run("sync", "--flow", "lms-accounts")
    college.rewrite(college.students, instead(b"Chidi Obi,s00003", b"Chidi Eze,s00003"))
    college.run("sync", "--flow", "lms-accounts")

    after = college.run("audit", "verify", "--json").json["entries"]

    # For each run: the copy, and the run itself.
    assert after == before + 4


def test_law_10_without_its_files_the_database_knows_all_that_was_done(college: College):
    before = college.targets()
    for name in ("snapshots", "indexes"):
        shutil.rmtree(college.folder / "home" / name)
    # Kept only where a run left something in it.
    shutil.rmtree(college.folder / "home" / "runs", ignore_errors=True)

    said = college.run("sync", "--changed")

    assert said.code == 0
    assert college.targets() == before
    assert all(f["create"] == f["update"] == 0 for f in flows_of(college).values())


def test_law_11_the_same_input_gives_the_same_plan(college: College):
    register(college, "00093")
    college.rewrite(college.students, instead(b"Chidi Eze,s00003", b"Chidi Obi,s00003"))

    first, second = (college.run("plan", "--json").json for _ in range(2))

    assert first == second
    assert first["flows"][0]["create"] + first["flows"][1]["create"] == 2


def test_law_11_a_plan_is_refused_once_the_charter_says_something_else(college: College):
    before = college.targets()
    college.rewrite(college.students, instead(b"Chidi Eze,s00003", b"Chidi Obi,s00003"))
    digest = college.run("plan", "--json").json["digest"]
    edit_charter(
        college, "guard: {exits: {share: 10%}, creations", "guard: {exits: {share: 11%}, creations"
    )

    said = college.run("apply", digest)

    assert said.code == 1
    assert "M511" in said.err
    assert "the charter has changed" in said.err
    assert college.targets() == before


def test_law_12_status_says_who_acts_next(college: College):
    settled = {f["flow"]: f["next"] for f in college.run("status", "--json").json["flows"]}
    college.rewrite(college.students, lambda content: content[: content.index(b"\n00008") + 1])
    college.run("sync")

    held = {f["flow"]: f["next"] for f in college.run("status", "--json").json["flows"]}
    edit_charter(college, "because: staff ask for people by name", "because: staff ask")
    unsigned = {f["flow"]: f["next"] for f in college.run("status", "--json").json["flows"]}

    assert settled == dict.fromkeys(FLOWS, "nobody")
    assert held == dict.fromkeys(FLOWS, "Registrar's Office: see incidents")
    assert unsigned["directory-people"] in {
        "Registrar's Office: sign",
        "Identity and Access: sign",
    }


def test_law_12_status_says_who_acts_next_while_an_owner_cannot_be_read(college: College):
    college.rewrite(college.students, lambda _: b"")
    college.run("sync")

    told = {f["flow"]: f["next"] for f in college.run("status", "--json").json["flows"]}

    assert told == dict.fromkeys(FLOWS, "Registrar's Office: see incidents")

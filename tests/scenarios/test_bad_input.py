"""Bad tables and bad values of owners: whole tables hold their flows, values their records."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.scenarios.test_bad_files import instead

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.college import College


@dataclass(frozen=True, slots=True)
class BadTable:
    """One way in which a database is bad, and what its office is told."""

    said: str
    breaks: Callable[[College], None]
    code: str
    place: str
    message: str
    cure: str


def by(statement: str) -> Callable[[College], None]:
    """Break the campus database by a statement."""
    return lambda college: college.campus(statement)


def _gone(college: College) -> None:
    (college.folder / "campus.db").unlink()


def _garbled(college: College) -> None:
    (college.folder / "campus.db").write_bytes(b"not a database at all, " * 200)


BAD_TABLES = (
    BadTable(
        "a table is missing", by("DROP TABLE enrolments"),
        "M602", "campus.enrolments", "enrolments", "grant the account the right to see it",
    ),
    BadTable(
        "a table is empty", by("DELETE FROM enrolments"),
        "M401", "campus.enrolments", "holds no record at all", "deliver its records again",
    ),
    BadTable(
        "a key column has another name",
        by("ALTER TABLE enrolments RENAME COLUMN student_no TO sid"),
        "M602", "campus.enrolments", "student_no", "settings",
    ),
    BadTable(
        "an owned column has another name",
        by("ALTER TABLE advisers RENAME COLUMN adviser TO tutor"),
        "M403", "campus.advisers", "has no field adviser", "Put the field back",
    ),
    BadTable(
        "a year's identifiers are re-issued",
        by("UPDATE enrolments SET student_no = '27' || student_no"),
        "M407", "campus.enrolments", "known identifiers are gone", "Restore the identifiers",
    ),
    BadTable(
        "half of the rows are gone",
        by("DELETE FROM enrolments WHERE code = 'ART1'"),
        "M501", "campus.enrolments", "lms-enrolments: 16 exits of 32 copies", "raise the guard",
    ),
    BadTable(
        "the database file is gone", _gone,
        "M616", "campus", "campus: ", "Provide the file, or correct `url:`",
    ),
    BadTable(
        "the database file is no database", _garbled,
        "M613", "campus", "campus: ", "Check the account",
    ),
)  # fmt: skip


@pytest.mark.parametrize("bad", BAD_TABLES, ids=lambda bad: bad.said)
def test_nothing_moves_and_the_database_s_office_is_told_when(college: College, bad: BadTable):
    before, place = college.targets(), college.folder / "campus.db"
    whole = place.read_bytes()
    bad.breaks(college)

    said = college.run("sync")

    assert said.code == 1
    assert "Traceback" not in said.out + said.err
    assert college.targets() == before
    told = [(i["code"], i["place"]) for i in college.incidents()]
    assert told == [(bad.code, bad.place)]
    (incident,) = college.incidents()
    assert incident["steward"] == "academics"
    assert bad.message in incident["message"]
    assert bad.cure in incident["cure"]

    place.write_bytes(whole)
    college.campus("UPDATE advisers SET adviser = 'Ms Moneypenny' WHERE student_no = '00002'")
    assert college.run("sync").code == 0
    assert college.incidents() == []
    assert college.in_lms("SELECT adviser FROM users WHERE idnumber = '00002'") == [
        ("Ms Moneypenny",)
    ]


@pytest.mark.parametrize(
    ("old", "new", "field", "rule"),
    [
        (b"2026-09-03", b"2026-02-30", "joined_on", "of type date"),
        (b"2026-09-03", b"03/09/2026", "joined_on", "of type date"),
        (b",20\n", b",2O\n", "credits", "of type integer"),
        (b",20\n", b",1e3\n", "credits", "of type integer"),
        (b",20\n", b",99999999999999999999\n", "credits", "of type integer"),
        (b"00003@example.org,active", b"00003@example.org,Active", "status", "one of active"),
    ],
    ids=[
        "a day that is not in the calendar", "a day in another order", "a letter for a digit",
        "a number in a spreadsheet's short form", "a number beyond all bounds",
        "a word in other capitals",
    ],
)  # fmt: skip
def test_a_value_not_of_its_type_sets_its_record_aside_and_the_others_go_on(
    college: College, old: bytes, new: bytes, field: str, rule: str
):
    before = college.in_lms("SELECT * FROM users WHERE idnumber = '00003'")
    college.rewrite(college.students, instead(old, new))
    college.rewrite(college.students, instead(b"Chidi Eze,s00003", b"Chidi Obi,s00003"))
    college.rewrite(college.students, instead(b"Dewi Wirawan,s00004", b"Dewi W.,s00004"))

    said = college.run("sync")

    assert "Traceback" not in said.out + said.err
    (incident,) = college.incidents()
    assert (incident["code"], incident["place"], incident["steward"]) == (
        "M410", f"register.students.{field}", "registrar",
    )  # fmt: skip
    assert f"{rule}" in incident["message"]
    assert "1 record(s), first 00003" in incident["message"]
    assert "Correct the value at its owner" in incident["cure"]
    assert college.in_lms("SELECT fullname FROM users WHERE idnumber = '00004'") == [("Dewi W.",)]
    assert college.in_lms("SELECT suspended FROM users WHERE idnumber = '00003'") == [(0,)]
    if field != "joined_on":
        # The flow carries the field or asks for it, so the copy stays as it was.
        assert college.in_lms("SELECT * FROM users WHERE idnumber = '00003'") == before

    college.rewrite(college.students, instead(new, old))
    assert college.run("sync").code == 0
    assert college.incidents() == []
    assert college.in_lms("SELECT fullname FROM users WHERE idnumber = '00003'") == [
        ("Chidi Obi",)
    ]


@pytest.mark.parametrize("amount", ["2,50", "£2.50", "2.505", "two", "1e1", "NaN"])
def test_an_amount_that_is_no_amount_never_becomes_another_amount(college: College, amount: str):
    college.rewrite(college.patrons, instead(b"00003,2.50", f'00003,"{amount}"'.encode()))

    college.run("sync")

    (incident,) = college.incidents()
    assert (incident["code"], incident["place"], incident["steward"]) == (
        "M410", "library.patrons.fines", "library",
    )  # fmt: skip
    said = college.run("explain", "student", "00003", "--in", "warehouse", "--json").json
    assert {c["field"]: c["value"] for c in said["copies"]}["fines"] == "2.50"


def test_a_reading_of_changes_leaves_what_only_a_full_look_can_tell(college: College):
    with (college.folder / "targets" / "directory" / "people.csv").open("r+b") as file:
        content = file.read().replace(b"Chidi Eze", b"Somebody Else", 1)
        file.seek(0)
        file.write(content)
        file.truncate()
    college.run("sync")
    before = [(i["code"], i["place"]) for i in college.incidents()]

    college.run("sync", "--changed")

    assert before == [("M660", "directory-people")]
    assert [(i["code"], i["place"]) for i in college.incidents()] == before

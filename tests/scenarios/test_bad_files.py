"""Bad files of owners, each tried against a college whose targets are full.

Whatever is wrong with a file: no byte of a target changes, one incident is opened, its
office, reason and cure are named, and the next whole delivery closes it and arrives.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.scenarios.college import College


@dataclass(frozen=True, slots=True)
class Bad:
    """One way in which a source is bad, and what its office is told."""

    said: str
    breaks: Callable[[College], None]
    code: str
    place: str
    steward: str
    message: str
    cure: str


def in_register(said: str, code: str, change: Callable[[bytes], bytes], *words: str) -> Bad:
    """Describe damage to the register's file, which is the roster."""

    def breaks(college: College) -> None:
        college.rewrite(college.students, change)

    return Bad(
        f"the register's file {said}", breaks, code, "register.students", "registrar", *words
    )


def in_library(said: str, code: str, change: Callable[[bytes], bytes], *words: str) -> Bad:
    """Describe damage to the library's file, whose records are found by `cardnumber`."""

    def breaks(college: College) -> None:
        college.rewrite(college.patrons, change)

    return Bad(f"the library's file {said}", breaks, code, "library.patrons", "library", *words)


def instead(old: bytes, new: bytes) -> Callable[[bytes], bytes]:
    """Replace some bytes wherever they stand."""

    def change(content: bytes) -> bytes:
        assert old in content
        return content.replace(old, new)

    return change


def _header_only(content: bytes) -> bytes:
    return content[: content.index(b"\n") + 1]


def _half(content: bytes) -> bytes:
    lines = content.splitlines(keepends=True)
    return b"".join(lines[: len(lines) // 2 + 1])


def _first_row_twice(content: bytes) -> bytes:
    return content + content.splitlines(keepends=True)[1]


def _without_zeros(content: bytes) -> bytes:
    return content.replace(b"\n000", b"\n").replace(b"\n0", b"\n")


def _renumbered(content: bytes) -> bytes:
    header, *rows = content.splitlines(keepends=True)
    return b"".join([header, *(b"2027/" + row for row in rows)])


AGAIN = "export made again"
SPREADSHEET = "spreadsheet"
BAD_FILES = (
    in_register("is empty", "M421", lambda _: b"", "students.csv is empty", AGAIN),
    in_register(
        "has a header and nothing else", "M422", _header_only, "a header and no record", AGAIN
    ),
    in_register(
        "is cut in the middle of a line", "M423", lambda content: content[:-25],
        "students.csv is cut off in line 17", AGAIN,
    ),
    in_register(
        "is cut at the last letter", "M423", lambda content: content[:-1],
        "does not end with a line end", AGAIN,
    ),
    in_register(
        "is cut in the middle of a character", "M423",
        lambda content: content[: content.index(b"\xc3") + 1],
        "in the middle of a character", AGAIN,
    ),
    in_register(
        "comes in UTF-16", "M424", lambda content: content.decode().encode("utf-16"),
        "it begins with the mark of UTF-16", "`encoding: utf-16`",
    ),
    in_register(
        "comes in Latin-1 with accents", "M424",
        lambda content: content.decode().replace("ı", "i").encode("latin-1"),
        "line 3 holds bytes that are no such text", "`encoding: cp1252`",
    ),
    in_register(
        "comes apart at semicolons", "M425", instead(b",", b";"),
        "at a semicolon, not at ','", "`delimiter: ';'`",
    ),
    in_register(
        "calls its key column something else", "M426", instead(b"student_no,", b"StudentNo,"),
        "no key column student_no; the nearest is StudentNo", "call it student_no again",
    ),
    in_register(
        "has lost a column", "M403", instead(b",status,", b",state,"),
        "has no field status", "Put the field back in the source",
    ),
    in_register(
        "has a row too short", "M428", instead(b",2026-09-05,", b","),
        "line 6 has 5 values, the header has 6 columns", "Correct that row at the source",
    ),
    in_register(
        "names a student twice", "M431", _first_row_twice,
        "1 value(s) of student_no stand on more than one record, first on",
        "send each record once",
    ),
    in_register(
        "names a student without a number", "M432", instead(b"\n00007,", b"\n,"),
        "1 of 16 records have no student_no", "fill the key of every record",
    ),
    in_register(
        "gives everybody a new number", "M407", _renumbered,
        "16 of 16 known identifiers are gone and 16 unknown ones came",
        "Restore the identifiers at the source",
    ),
    in_register(
        "has lost its leading zeros", "M408", _without_zeros,
        "14 known identifier(s) came back without their leading zeros", SPREADSHEET,
    ),
    in_register(
        "has lost the leading zeros of one student", "M408", instead(b"\n00007,", b"\n7,"),
        "1 known identifier(s) came back without their leading zeros", SPREADSHEET,
    ),
    in_register(
        "has 10-20 as 20-Oct", "M433", instead(b"\n10-20,", b"\n20-Oct,"),
        "1 value(s) of student_no from record 15 on do not have the agreed form", SPREADSHEET,
    ),
    in_register(
        "has 10-20 as 2026-10-20", "M409", instead(b"\n10-20,", b"\n2026-10-20,"),
        "1 identifier(s) look like dates", SPREADSHEET,
    ),
    in_register(
        "has 10-20 as 20/10/2026 00:00", "M409", instead(b"\n10-20,", b"\n20/10/2026 00:00,"),
        "1 identifier(s) look like dates", SPREADSHEET,
    ),
    in_register(
        "holds NUL bytes", "M424", instead(b"Chidi", b"Chi\0di"),
        "line 4 holds a NUL character", "the right `encoding:`",
    ),
    in_register(
        "leaves a quote open", "M423", instead(b"\n00003,Chidi", b'\n00003,"Chidi'),
        "a quote is opened and never closed", AGAIN,
    ),
    in_library("is empty", "M421", lambda _: b"\n", "patrons.csv is empty", AGAIN),
    in_library(
        "has a header and nothing else", "M430", _header_only,
        "control total of patrons.csv is 16 records, and it holds 0", AGAIN,
    ),
    in_library(
        "is cut cleanly at half", "M430", _half,
        "control total of patrons.csv is 16 records, and it holds 8", AGAIN,
    ),
    in_library(
        "calls its key column something else", "M426", instead(b"cardnumber", b"borrower"),
        "no key column cardnumber", "call it cardnumber again",
    ),
    in_library(
        "has lost its leading zeros", "M408", _without_zeros,
        "14 known identifier(s) came back without their leading zeros", SPREADSHEET,
    ),
    in_library(
        "has 10-20 as 20-Oct", "M433", instead(b"\n10-20,", b"\n20-Oct,"),
        "1 value(s) of cardnumber from record 15 on do not have the agreed form", SPREADSHEET,
    ),
    in_library(
        "has 11-03 as 2026-11-03", "M409", instead(b"\n11-03,", b"\n2026-11-03,"),
        "1 identifier(s) look like dates", SPREADSHEET,
    ),
    in_library(
        "gives everybody a new number", "M407", _renumbered,
        "16 of 16 known identifiers are gone", "Restore the identifiers at the source",
    ),
)  # fmt: skip


def assert_told_once(college: College, bad: Bad) -> None:
    """Assert that exactly one office has exactly one thing to see to, in words it can use."""
    told = [(i["code"], i["place"], i["key"], i["steward"]) for i in college.incidents()]
    assert told == [(bad.code, bad.place, "", bad.steward)]
    (incident,) = college.incidents()
    assert bad.message in incident["message"]
    assert bad.cure in incident["cure"]
    assert incident["due_at"] > incident["opened_at"]


def assert_whole_again(college: College) -> None:
    """Assert that the next pass delivers what changed meanwhile and leaves nothing to do."""
    college.rewrite(college.students, instead(b"Chidi Eze,s00003", b"Chidi Obi,s00003"))
    said = college.run("sync", "--flow", "lms-accounts", "--flow", "directory-people")

    assert said.code == 0, said.out + said.err
    assert college.incidents() == []
    assert college.in_lms("SELECT fullname FROM users WHERE idnumber = '00003'") == [
        ("Chidi Obi",)
    ]


def assert_fines_arrive_again(college: College) -> None:
    """Assert the same of the library's file, which one flow reads."""
    college.rewrite(college.patrons, instead(b"\n00003,2.50", b"\n00003,9.99"))
    said = college.run("sync", "--flow", "warehouse-students")
    explained = college.run("explain", "student", "00003", "--in", "warehouse", "--json").json

    assert said.code == 0, said.out + said.err
    assert college.incidents() == []
    assert {c["field"]: c["value"] for c in explained["copies"]}["fines"] == "9.99"


@pytest.mark.parametrize("bad", BAD_FILES, ids=lambda bad: bad.said)
def test_nothing_moves_and_one_office_is_told_while(college: College, bad: Bad):
    before, whole = (
        college.targets(),
        (college.students.read_bytes(), college.patrons.read_bytes()),
    )
    bad.breaks(college)

    said = college.run("sync")

    assert said.code == 1
    assert "Traceback" not in said.out + said.err
    assert college.targets() == before
    assert_told_once(college, bad)

    college.students.write_bytes(whole[0])
    college.patrons.write_bytes(whole[1])
    if bad.steward == "library":
        assert_fines_arrive_again(college)
    else:
        assert_whole_again(college)


def test_a_missing_file_is_a_fault_of_the_delivery_and_not_news_that_everybody_left(college):
    before, whole = college.targets(), college.students.read_bytes()
    college.students.unlink()

    said = college.run("sync")

    assert said.code == 1
    assert college.targets() == before
    assert_told_once(
        college,
        Bad(
            "", lambda _: None, "M420", "register.students", "registrar",
            "students.csv is not there", "Have the file delivered",
        ),
    )  # fmt: skip
    college.students.write_bytes(whole)
    assert_whole_again(college)


def test_a_file_that_is_not_the_one_its_digest_was_made_of_is_not_taken(college):
    before, whole = college.targets(), college.patrons.read_bytes()
    total = college.patrons.with_name("patrons.csv.total")
    digest = hashlib.sha256(whole).hexdigest()
    total.write_text(f"rows=16\nsha256={digest}\n", encoding="ascii")
    college.rewrite(college.patrons, instead(b"00003,2.50", b"00003,2.51"))

    said = college.run("sync")

    assert said.code == 1
    assert college.targets() == before
    assert [(i["code"], i["steward"]) for i in college.incidents()] == [("M430", "library")]
    assert "SHA-256" in college.incidents()[0]["message"]
    college.patrons.write_bytes(whole)
    assert college.run("sync").code == 0
    assert college.incidents() == []


def test_a_file_cut_cleanly_at_half_is_held_by_the_guard_as_one_thing(college):
    before, whole = college.targets(), college.students.read_bytes()
    college.rewrite(college.students, _half)

    said = college.run("sync")

    assert said.code == 1
    assert college.targets() == before
    (incident,) = college.incidents()
    assert (incident["code"], incident["place"], incident["steward"]) == (
        "M501", "register.students", "registrar",
    )  # fmt: skip
    for flow in ("lms-accounts", "lms-enrolments", "directory-people", "warehouse-students"):
        assert flow in incident["message"]
    assert "8 exits of 16 copies" in incident["message"]
    assert "raise the guard" in incident["cure"]
    college.students.write_bytes(whole)
    college.run("sync", "--flow", "lms-accounts")
    # Three of the four flows were not looked at, so nobody may say that it is over.
    assert [i["place"] for i in college.incidents()] == ["register.students"]
    assert college.run("sync").code == 0
    assert college.incidents() == []

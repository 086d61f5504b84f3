"""Copies edited in the wrong place: in a SQL database by hand, and in a real SCIM server.

Each flow does with an edit what the charter says: restore, report or adopt. The owner's,
the delivered and the found value are named; another spelling of the same value is no edit.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from tests.counterparts.scim_server import shared_server
from tests.scenarios.college import (
    College,
    add_identity_provider,
    add_to_charter,
    build,
)
from tests.scenarios.test_bad_files import instead

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_BOOKS = """
  books:
    connector: sql
    steward: library
    settings:
      url: "sqlite:///PLACE/targets/books.db"
      resources:
        readers: {table: readers, key: [no], external_id: no}
        borrowers: {table: borrowers, key: [no], external_id: no}
"""
_FLOWS = """
  book-readers:
    purpose: The library knows its readers.
    basis: contract with the student
    from: student
    to: books.readers
    match: {no: student_no}
    fields:
      no: {is: student_no, because: the stable key}
      joined_on: {is: joined_on, because: cards are valid from it}
      fines: {is: fines, because: debts are shown}
      half: {is: "cast(credits as decimal(9,1)) / 4", because: progress is shown}
      is_active: {is: "status = 'active'", because: only active students borrow}
      credits: {is: credits, because: progress is shown}
    cadence: {on_change: true}
    on_exit: leave
    on_drift: restore
    if_unavailable: {queue: true}
    errors_to: library
  book-borrowers:
    purpose: The library proposes names.
    basis: contract with the student
    from: student
    to: books.borrowers
    match: {no: student_no}
    fields:
      no: {is: student_no, because: the stable key}
      called: {is: name, because: people are called by it}
    cadence: {on_change: true}
    on_exit: leave
    on_drift: adopt
    if_unavailable: {queue: true}
    errors_to: library
"""
# A lax database: every column holds whatever is put into it.
_TABLES = """
CREATE TABLE readers (no TEXT PRIMARY KEY, joined_on, fines, half, is_active, credits);
CREATE TABLE borrowers (no TEXT PRIMARY KEY, called TEXT);
"""


class Edited(College):
    """The college with an identity provider and a library database besides."""

    __slots__ = ()

    def books(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        """Speak to the library's database itself."""
        with closing(sqlite3.connect(self.folder / "targets" / "books.db")) as database, database:
            return database.execute(statement, values).fetchall()

    def user(self, number: str) -> dict[str, Any]:
        """Ask the identity provider itself."""
        found = self.scim("GET", f'/Users?filter=externalId eq "{number}"')["Resources"]
        (user,) = found
        return dict(user)

    def scim(self, method: str, path: str, content: object = None) -> dict[str, Any]:
        """Speak to the identity provider itself."""
        base = (self.folder / "scim.url").read_text(encoding="utf-8")
        token = {"Authorization": f"Bearer {shared_server().token}"}
        answer = httpx2.request(method, base + path, json=content, headers=token, timeout=30)
        assert answer.is_success, answer.text
        return dict(answer.json()) if answer.content else {}

    def patch(self, number: str, path: str, value: object) -> None:
        """Edit an account as its administrator would."""
        operation = {"op": "replace", "path": path, "value": value}
        schema = "urn:ietf:params:scim:api:messages:2.0:PatchOp"
        body = {"schemas": [schema], "Operations": [operation]}
        self.scim("PATCH", f"/Users/{self.user(number)['id']}", body)

    def drift(self) -> list[tuple[Any, ...]]:
        """List what `matricula drift` says, in short."""
        told = self.run("drift", "--json").json
        return [
            (d["flow"], d["key"], d["field"], d["owner"], d["delivered"], d["found"]) for d in told
        ]


@pytest.fixture(scope="module")
def make_college() -> Callable[[Path], Edited]:
    def make(folder: Path) -> Edited:
        college = build(folder, numbers=[f"{n:05d}" for n in range(1, 13)])
        server = shared_server()
        server.secret("COLLEGE_TOKEN")
        (folder / "scim.url").write_text(server.tenant(), encoding="utf-8")
        add_identity_provider(college, (folder / "scim.url").read_text(encoding="utf-8"))
        add_to_charter(college, systems=_BOOKS, flows=_FLOWS)
        with closing(sqlite3.connect(folder / "targets" / "books.db")) as database, database:
            database.executescript(_TABLES)
        return Edited(folder)

    return make


def _with_account(college: Edited, number: str) -> None:
    """Register somebody, whose account is then made; every test edits an account of its own."""
    row = f"{number},Chidi Eze,s{number}@example.org,active,2026-09-01,10\n"
    college.rewrite(college.students, lambda content: content + row.encode())
    assert college.run("sync", "--flow", "idp-accounts").code == 0


def test_an_account_edited_in_the_identity_provider_is_named_and_put_back(college: Edited):
    _with_account(college, "00021")
    college.patch("00021", "displayName", "Somebody Else")

    planned = college.run("plan", "--json", "--flow", "idp-accounts").json
    drift, printed = college.drift(), " ".join(college.run("drift").out.split())
    applied = college.run("apply", planned["digest"])

    assert planned["flows"][0]["restore"] == 1
    assert drift == [
        ("idp-accounts", "00021", "displayName", "register.students.name", "Chidi Eze",
         "Somebody Else"),
    ]  # fmt: skip
    assert "1 edited value(s)" in printed
    assert applied.code == 0
    assert college.user("00021")["displayName"] == "Chidi Eze"


def test_an_account_put_to_sleep_by_hand_is_woken(college: Edited):
    _with_account(college, "00022")
    college.patch("00022", "active", value=False)

    said = college.run("sync", "--flow", "idp-accounts")

    assert said.code == 0
    assert college.user("00022")["active"] is True


def test_an_account_woken_by_hand_goes_back_to_sleep(college: Edited):
    _with_account(college, "00023")
    withdraw = instead(b"00023@example.org,active", b"00023@example.org,withdrawn")
    college.rewrite(college.students, withdraw)
    college.run("sync", "--flow", "idp-accounts")
    asleep = college.user("00023")["active"]
    college.patch("00023", "active", value=True)

    college.run("sync", "--flow", "idp-accounts")

    assert asleep is False
    assert college.user("00023")["active"] is False


def test_an_account_deleted_by_hand_is_made_again_once(college: Edited):
    _with_account(college, "00024")
    gone = college.user("00024")["id"]
    college.scim("DELETE", f"/Users/{gone}")

    said = college.run("sync", "--flow", "idp-accounts")
    (again,) = college.run("plan", "--json", "--flow", "idp-accounts").json["flows"]

    assert said.code == 0
    assert college.user("00024")["displayName"] == "Chidi Eze"
    assert college.user("00024")["id"] != gone
    assert again["create"] == again["restore"] == again["drifted"] == 0


def test_a_login_chosen_in_the_identity_provider_is_its_own(college: Edited):
    _with_account(college, "00025")
    college.patch("00025", "userName", "her.own.choice")

    (flow,) = college.run("plan", "--json", "--flow", "idp-accounts").json["flows"]

    assert (flow["drifted"], flow["restore"]) == (0, 0)
    assert college.user("00025")["userName"] == "her.own.choice"


def test_a_row_suspended_and_a_row_woken_by_hand_in_sql_go_back(college: Edited):
    withdraw = instead(b"00007@example.org,active", b"00007@example.org,withdrawn")
    college.rewrite(college.students, withdraw)
    college.run("sync", "--flow", "lms-accounts")
    college.lms("UPDATE users SET suspended = 1 - suspended WHERE idnumber IN ('00006', '00007')")

    college.run("plan", "--flow", "lms-accounts")
    drift = college.drift()
    college.run("sync", "--flow", "lms-accounts")

    assert [(d[1], d[2], d[4], d[5]) for d in drift] == [
        ("00006", "(state)", "active", "suspended"), ("00007", "(state)", "suspended", "active"),
    ]  # fmt: skip
    states = "SELECT idnumber, suspended FROM users WHERE idnumber IN ('00006', '00007')"
    assert college.in_lms(states) == [("00006", 0), ("00007", 1)]


def test_an_edit_that_is_edited_back_is_no_longer_told(college: Edited):
    college.books("UPDATE borrowers SET called = 'Else' WHERE no = '00001'")
    college.run("plan", "--flow", "book-borrowers")
    told = college.drift()
    college.books("UPDATE borrowers SET called = 'Amara Okafor' WHERE no = '00001'")

    college.run("plan", "--flow", "book-borrowers")

    assert len(told) == 1
    assert college.drift() == []
    assert college.incidents() == []


def test_an_adopting_flow_proposes_the_edit_to_the_owner_and_leaves_it(college: Edited):
    college.books("UPDATE borrowers SET called = 'Amara Hughes' WHERE no = '00001'")

    said = college.run("sync", "--flow", "book-borrowers")
    told = college.run("drift", "--json").json

    assert said.code == 0
    assert [(d["key"], d["delivered"], d["found"], d["next"]) for d in told] == [
        (
            "00001",
            "Amara Okafor",
            "Amara Hughes",
            "proposed to Registrar's Office, who may take it over",
        )
    ]
    assert college.books("SELECT called FROM borrowers WHERE no = '00001'") == [("Amara Hughes",)]
    incidents = [(i["code"], i["place"], i["steward"]) for i in college.incidents()]
    assert incidents == [("M660", "book-borrowers", "registrar")]


def test_a_reporting_flow_leaves_a_deleted_copy_and_says_so(college: Edited):
    people = college.folder / "targets" / "directory" / "people.csv"
    college.rewrite(
        people, lambda b: b"".join(x for x in b.splitlines(keepends=True) if b"00008" not in x)
    )

    college.run("sync", "--flow", "directory-people")

    assert b"00008" not in people.read_bytes()
    assert [d[:3] for d in college.drift()] == [("directory-people", "00008", "")]
    assert [(i["code"], i["steward"]) for i in college.incidents()] == [("M660", "it")]


# For one student after the other: what stands in the library's own column.
SAME = {
    "fines": ("'0.5'", "1.5", "'2.500'", "' 3.50 '"),
    "joined_on": ("'2026-09-01T00:00:00'", "'2026-09-02 00:00:00'", "'2026-09-03 00:00:00.000'"),
    "credits": ("0", "'10'", "20.0", "'30.0'"),
    "half": ("0", "'2.50'", "5.0", "7.5"),
    "is_active": ("1", "'1'", "'true'", "'TRUE'", "'t'"),
}
OTHER = {
    "fines": ("'0.51'", "NULL"),
    "joined_on": ("'2026-09-01T00:00:01'", "'2026-09-03'", "'01/09/2026'"),
    "credits": ("'0.5'", "11"),
    "half": ("0.01", "NULL"),
    "is_active": ("0", "'no'", "'maybe'"),
}


def _write_in_books(college: Edited, written: dict[str, tuple[str, ...]]) -> set[tuple[str, str]]:
    """Write values into the library's columns, and say which of whom."""
    places = [(column, n, value) for column in written for n, value in enumerate(written[column])]
    for column, n, value in places:
        college.books(f"UPDATE readers SET {column} = {value} WHERE no = '{n + 1:05d}'")  # noqa: S608 - written out above
    return {(f"{n + 1:05d}", column) for column, n, _ in places}


def test_another_spelling_of_the_same_value_is_no_edit(college: Edited):
    written = _write_in_books(college, SAME)

    college.run("plan", "--flow", "book-readers")

    assert len(written) == 20
    assert college.drift() == []


def test_another_value_is_an_edit_however_small(college: Edited):
    written = _write_in_books(college, OTHER)

    college.run("plan", "--flow", "book-readers")

    assert {(d[1], d[2]) for d in college.drift()} == written

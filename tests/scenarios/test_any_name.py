"""Any name there is, carried to every kind of target and read back with other tools than ours.

A name arrives unharmed or is refused by name: its record then has an incident and the
target has no copy. It is never shortened and never changed.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sqlite3
import zipfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import httpx2
import pytest

from matricula.connectors.kit.hostile import HOSTILE_TEXT
from tests.counterparts.scim_server import shared_server
from tests.scenarios.college import College

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CHARTER = """
institution: Testing College
timezone: Europe/London
stewards:
  registrar: {name: Registrar's Office, notify: registrar@example.org}
systems:
  register:
    connector: sql
    steward: registrar
    settings: {url: "sqlite:///PLACE/register.db", resources: {people: {key: [no]}}}
  lms:
    connector: sql
    steward: registrar
    settings: {url: "sqlite:///PLACE/lms.db", resources: {people: {key: [no]}}}
  drop:
    connector: files
    steward: registrar
    settings:
      folder: drop
      resources:
        people: {file: people.csv, key: [no], missing_ok: true}
        lines: {file: people.jsonl, key: [no], missing_ok: true}
  idp:
    connector: scim
    steward: registrar
    settings: {url: "SCIM", token: "env:NAMES_TOKEN"}
  roster:
    connector: oneroster_csv
    steward: registrar
    settings:
      file: roster.zip
      missing_ok: true
      static: {orgs: [{sourcedId: college, name: College, type: school}]}
  warehouse: {connector: warehouse, steward: registrar, settings: {folder: warehouse}}
entities:
  person:
    key: no
    roster: register.people
    fields:
      no: {owner: register.people, type: text}
      name: {owner: register.people, type: text, class: personal}
flows:
"""
_FLOW = """
  {flow}:
    purpose: People are called by their names.
    basis: contract with the student
    from: person
    to: {target}
    match: {{{key}: no}}
    fields:
      {key}: {{is: no, because: the stable key}}
      {name}: {{is: name, because: people are called by it}}{more}
    cadence: {{on_change: true}}
    on_exit: delete
    on_drift: restore
    if_unavailable: {{queue: true}}
    errors_to: registrar
"""
_LOGIN = "\n      userName: {is: \"'p' || no\", because: a login}"
_USER = """
      enabledUser: {is: "'true'", because: the standard asks for it}
      username: {is: "'p' || no", because: the standard asks for it}
      familyName: {is: "'of the college'", because: the standard asks for it}"""
TARGETS = {
    "sql": ("lms.people", "no", "name", ""),
    "csv": ("drop.people", "no", "name", ""),
    "json": ("drop.lines", "no", "name", ""),
    "scim": ("idp.users", "externalId", "displayName", _LOGIN),
    "oneroster": ("roster.users", "sourcedId", "givenName", _USER),
    "warehouse": ("warehouse.people", "no", "name", ""),
}
ODD = (
    "", " ", "   ", "\t", "\u00a0", "\u3000", "\n", "\u200b", "x" * 10_000, "名" * 10_000,
    "\U0001f393" * 10_000, ("Amara, \"the\" first; 'second'\n" * 350)[:10_000],
)  # fmt: skip


def _naughty() -> list[str]:
    shared = Path(os.environ.get("MATRICULA_SHARED", Path(__file__).parents[3] / "shared"))
    path = shared / "data" / "naughty-strings" / "blns.json"
    if not path.exists():
        pytest.skip(f"the shared data is not at {shared}; set MATRICULA_SHARED")
    found: list[str] = json.loads(path.read_text(encoding="utf-8"))
    return found


@dataclass(frozen=True, slots=True)
class Names(College):
    """A register of people with odd names, and a target of every kind."""

    scim: str

    def settle(self) -> None:
        """Sign and load everything."""
        assert self.run("sign", "--as", "registrar").code == 0
        said = self.run("sync")
        assert "Traceback" not in said.err
        # Some names are refused, and that is told.
        assert said.code == 1

    def names(self) -> dict[str, str]:
        """Ask the register itself."""
        with closing(sqlite3.connect(self.folder / "register.db")) as database:
            return dict(database.execute("SELECT no, name FROM people"))

    def refused(self, flow: str) -> set[str]:
        """List the keys that have an incident in a flow."""
        return {i["key"] for i in self.incidents() if i["place"] == flow and i["key"]}


@pytest.fixture(scope="module")
def make_college() -> Callable[[Path], Names]:
    def make(folder: Path) -> Names:
        names = [*_naughty(), *HOSTILE_TEXT, *ODD]
        for name in ("charter", "drop", "warehouse"):
            (folder / name).mkdir(parents=True)
        server = shared_server()
        server.secret("NAMES_TOKEN")
        scim = server.tenant()
        flows = [
            _FLOW.format(flow=flow, target=target, key=key, name=name, more=more)
            for flow, (target, key, name, more) in TARGETS.items()
        ]
        text = _CHARTER.replace("PLACE", folder.as_posix()).replace("SCIM", scim)
        (folder / "charter" / "charter.yaml").write_text(text + "".join(flows), encoding="utf-8")
        table = "CREATE TABLE people (no TEXT PRIMARY KEY, name TEXT)"
        with closing(sqlite3.connect(folder / "register.db")) as database, database:
            database.execute(table)
            database.executemany(
                "INSERT INTO people VALUES (?, ?)",
                [(f"{n:04d}", name) for n, name in enumerate(names)],
            )
        with closing(sqlite3.connect(folder / "lms.db")) as database, database:
            database.execute(table)
        return Names(folder, scim)

    return make


def _in_sql(college: Names) -> dict[str, str | None]:
    with closing(sqlite3.connect(college.folder / "lms.db")) as database:
        return dict(database.execute("SELECT no, name FROM people"))


def _in_csv(college: Names) -> dict[str, str | None]:
    csv.field_size_limit(1 << 24)
    text = (college.folder / "drop" / "people.csv").read_bytes().decode("utf-8")
    return {row["no"]: row["name"] for row in csv.DictReader(io.StringIO(text, newline=""))}


def _in_json(college: Names) -> dict[str, str | None]:
    text = (college.folder / "drop" / "people.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in text.split("\n") if line]
    return {row["no"]: row["name"] for row in rows}


def _in_scim(college: Names) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    token = {"Authorization": f"Bearer {shared_server().token}"}
    with httpx2.Client(headers=token, timeout=30) as client:
        total = 1
        while len(found) < total:
            asked = {"startIndex": len(found) + 1, "count": 200}
            page = client.get(f"{college.scim}/Users", params=asked).json()
            total = page["totalResults"]
            found |= {u["externalId"]: u.get("displayName") for u in page["Resources"]}
    return found


def _in_oneroster(college: Names) -> dict[str, str | None]:
    with zipfile.ZipFile(college.folder / "roster.zip") as bundle:
        text = bundle.read("users.csv").decode("utf-8")
    rows = csv.DictReader(io.StringIO(text, newline=""))
    return {row["sourcedId"]: row["givenName"] for row in rows}


def _in_warehouse(college: Names) -> dict[str, str | None]:
    (file,) = (college.folder / "warehouse").rglob("*people*.parquet")
    with duckdb.connect() as connection:
        rows = connection.execute("SELECT no, name FROM read_parquet(?)", [str(file)])
        return dict(rows.fetchall())


READ = {
    "sql": _in_sql, "csv": _in_csv, "json": _in_json, "scim": _in_scim,
    "oneroster": _in_oneroster, "warehouse": _in_warehouse,
}  # fmt: skip


# What a target cannot hold without changing it, and so must refuse; nothing else may be.
UNHOLDABLE: Mapping[str, Callable[[str], bool]] = {
    "sql": lambda name: "\0" in name,
    "csv": lambda name: "\0" in name or not name,
    "json": lambda _: False,
    "scim": lambda _: False,
    "oneroster": lambda name: not name.strip() or any(sign in name for sign in "\0\r\n"),
    "warehouse": lambda name: "\0" in name,
}


@pytest.mark.parametrize("target", TARGETS)
def test_every_name_arrives_unharmed_or_is_refused_by_name(college: Names, target: str):
    names = college.names()
    unholdable = {key for key, name in names.items() if UNHOLDABLE[target](name)}

    held, refused = READ[target](college), college.refused(target)

    # In SCIM an empty value and none are one and the same (RFC 7643, 2.5).
    absent = "" if target == "scim" else None
    arrived = {key: absent if name is None else name for key, name in held.items()}
    assert arrived == {key: name for key, name in names.items() if key not in unholdable}
    assert refused == unholdable
    assert len(names) > 550


def test_a_refusal_names_the_record_its_office_and_what_to_do_and_never_the_name(college: Names):
    told = [i for i in college.incidents() if i["key"]]

    assert {i["steward"] for i in told} == {"registrar"}
    assert all(i["key"] in i["message"] and i["cure"] for i in told)
    names = [name for name in college.names().values() if len(name) > 20]
    assert not [i for i in told for name in names if name in i["message"]]


def test_a_second_pass_finds_every_name_as_it_was_delivered(college: Names):
    flows = college.run("plan", "--json").json["flows"]

    assert {f["flow"] for f in flows} == set(TARGETS)
    assert all(f["create"] == f["update"] == f["drifted"] == 0 for f in flows)

"""The Open University's students in the register, and from it in every target.

One module of seven; with MATRICULA_TEST_WHOLE all of them, which takes some minutes.
"""

from __future__ import annotations

import csv
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import httpx2
import pytest

from matricula.connectors.oneroster_csv.importer import import_bundle
from tests.counterparts.scim_server import scim_server
from tests.examples.open_university import WHOLE, Example, part_of, script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

MODULE = "AAA"
pytestmark = [pytest.mark.timeout(900), pytest.mark.any_database]


@pytest.fixture(scope="module")
def data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset, or what it says of one module."""
    return part_of(shared / "data" / "oulad", MODULE, tmp_path_factory.mktemp("oulad"))


@pytest.fixture(scope="module")
def flowed(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The students came into the register, and flowed on to every target."""
    work = tmp_path_factory.mktemp("ou-register") / "work"
    with scim_server() as server:
        scim = server.tenant("ou-register")
        told = ("--data", str(data), "--into", str(work), "--scim", scim, "--register")
        assert script("prepare.py", *told).returncode == 0
        example = Example(
            work,
            {
                "MATRICULA_OU_SCIM_TOKEN": server.token, "MATRICULA_TEST_SCIM": scim,
                "MATRICULA_ACTOR": "ada",
            },
        )  # fmt: skip
        _done(example, "accounts", "found", "ada")
        _done(example, "accounts", "grant", "ada", "registrar", "--why", "brings them in")
        _import(example, data)
        for steward in ("it", "registry", "tutors", "planning"):
            _done(example, "sign", "--as", steward)
        planned = json.loads(example.run("plan", "--json").stdout)
        _done(example, "apply", planned["digest"])
        yield example


def _done(example: Example, *words: str) -> str:
    said = example.run(*words)
    assert said.returncode == 0, said.stdout + said.stderr
    return said.stdout


def _import(example: Example, data: Path) -> dict[str, object]:
    words = ("register", "import", str(data), "--kind", "open-university", "--role", "registrar")
    return json.loads(_done(example, *words, "--json"))


def _registered(data: Path) -> list[dict[str, str]]:
    """What the files say of registrations that happened on some day."""
    with (data / "studentRegistration.csv").open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file) if row["date_registration"]]


def _section(row: dict[str, str]) -> str:
    return f"{row['code_module']}-{row['code_presentation']}"


def test_the_bundle_holds_every_student_and_whoever_is_there(flowed, data):
    imported = import_bundle(flowed.work / "lms" / "bundle.zip", strict=True)

    rows = _registered(data)
    users = imported.tables["users"].to_pylist()
    name = {one["sourcedId"]: one["familyName"] for one in users}
    there = {(_section(row), row["id_student"]) for row in rows if not row["date_unregistration"]}
    enrolled = imported.tables["enrollments"].to_pylist()
    assert {(one["classSourcedId"], name[one["userSourcedId"]]) for one in enrolled} == there
    assert len(enrolled) == len(there)
    assert len(there) == (22515 if WHOLE else 622)
    assert sorted(name.values()) == sorted({row["id_student"] for row in rows})
    assert len(users) == (28755 if WHOLE else 712)


def test_the_support_teams_see_who_is_there_and_who_has_left(flowed, data):
    with closing(sqlite3.connect(flowed.work / "support.db")) as database:
        held = database.execute(
            "SELECT code_module || '-' || code_presentation, id_student, active FROM registrations"
        ).fetchall()

    rows = _registered(data)
    assert sorted(held) == sorted(
        (_section(row), row["id_student"], int(not row["date_unregistration"])) for row in rows
    )
    assert len(held) == (32548 if WHOLE else 748)


def test_the_warehouse_counts_what_became_of_each(flowed, data):
    (file,) = (flowed.work / "warehouse").glob("*.duckdb")
    with duckdb.connect(str(file), read_only=True) as warehouse:
        held = warehouse.execute(
            "SELECT state, count(*) FROM enrolments_current GROUP BY ALL"
        ).fetchall()

    rows = _registered(data)
    left = [row for row in rows if row["date_unregistration"]]
    counted = dict(held)
    assert counted["withdrawn"] + counted["dropped"] == len(left)
    assert counted["dropped"] == sum(int(row["date_unregistration"]) <= 0 for row in left)
    assert sum(counted.values()) == len(rows)


def test_the_identity_provider_has_everybody_once(flowed, data):
    let_in = {"Authorization": f"Bearer {flowed.environment['MATRICULA_OU_SCIM_TOKEN']}"}
    address = f"{flowed.environment['MATRICULA_TEST_SCIM']}/Users"

    students = {row["id_student"] for row in _registered(data)}

    named: list[str] = []
    with httpx2.Client(headers=let_in, trust_env=False, timeout=60) as client:
        while len(named) < len(students):
            told = {"startIndex": len(named) + 1, "count": 2000}
            answer = client.get(address, params=told).raise_for_status().json()
            assert answer["totalResults"] == len(students)
            named += [one["displayName"] for one in answer["Resources"]]

    assert sorted(named) == sorted(f"Student {one}" for one in students)


def test_to_import_again_and_to_plan_again_finds_nothing_to_do(flowed, data):
    again = _import(flowed, data)
    code, plan = flowed.plan()

    assert [one for one in again["tables"] if one["taken"]] == []
    assert code == 0
    assert [flow["flow"] for flow in plan["flows"] if flow["create"] or flow["update"]] == []

"""The Open University's students from its files into every target, and nothing twice.

One module of seven, the one in which every oddity of the data is met; with
MATRICULA_TEST_WHOLE all of them, which takes some minutes.
"""

from __future__ import annotations

import csv
import hashlib
import json
import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import duckdb
import httpx2
import pytest

from matricula.connectors.oneroster_csv.importer import import_bundle
from tests.counterparts.scim_server import scim_server
from tests.examples.open_university import STEWARDS, WHOLE, Example, part_of, script

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path


MODULE = "DDD"
# The little server takes four minutes for everybody; some of one region show the same.
SOME = ("Ireland", "HE Qualification")
pytestmark = pytest.mark.timeout(1500)


def checksum(rows: Iterable[Iterable[object]]) -> str:
    """Digest rows whatever their order."""
    lines = sorted("\x1f".join("" if v is None else str(v) for v in row) for row in rows)
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()


def rows_of(data: Path, name: str, *columns: str) -> list[tuple[str, ...]]:
    with (data / name).open(encoding="utf-8", newline="") as file:
        return [tuple(row[column] for column in columns) for row in csv.DictReader(file)]


@pytest.fixture(scope="module")
def data(shared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The dataset, or what it says of one module."""
    return part_of(shared / "data" / "oulad", MODULE, tmp_path_factory.mktemp("oulad"))


@pytest.fixture(scope="module")
def loaded(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Example]:
    """The whole example, loaded into every target, the identity provider still running."""
    work = tmp_path_factory.mktemp("ou") / "work"
    with scim_server() as server:
        scim = server.tenant("ou")
        said = script("prepare.py", "--data", str(data), "--into", str(work), "--scim", scim)
        assert said.returncode == 0, said.stderr
        example = Example(
            work, {"MATRICULA_OU_SCIM_TOKEN": server.token, "MATRICULA_TEST_SCIM": scim}
        )
        if not WHOLE:
            _keep_to_some(work / "charter" / "flows" / "identity.yaml")
        for steward in STEWARDS:
            assert example.run("sign", "--as", steward).returncode == 0
        planned = json.loads(example.run("plan", "--json").stdout)
        applied = example.run("apply", planned["digest"])
        assert applied.returncode == 0, applied.stdout + applied.stderr
        yield example


def _keep_to_some(flows: Path) -> None:
    text = flows.read_text(encoding="utf-8")
    where = "region = '{}' and highest_education = '{}'".format(*SOME)
    narrowed = text.replace("    fields:", f"    where: {where}\n    fields:", 1)
    flows.write_text(narrowed, encoding="utf-8")


@pytest.fixture(scope="module")
def again(loaded: Example) -> tuple[int, dict[str, object]]:
    """The second plan, with nothing changed in between."""
    return loaded.plan()


def test_a_second_plan_has_no_changes(again):
    code, plan = again

    assert code == 0
    assert {
        flow["flow"]: flow for flow in plan["flows"]
        if any(flow[k] for k in ("create", "update", "suspend", "delete", "restore", "held"))
    } == {}  # fmt: skip


def test_the_known_oddities_of_the_data_come_out_as_findings(again):
    _, plan = again

    found = {f["place"]: int(f["message"].split()[0]) for f in plan["findings"]}

    assert found == {
        "ou.registrations.withdrawn-has-a-day": 93 if WHOLE else 18,
        "ou.registrations.unregistered-is-withdrawn": 9 if WHOLE else 3,
        "assessment.results.submitted-while-registered": 601 if WHOLE else 91,
        "ou.registrations.registered-on-a-day": 45 if WHOLE else 15,
        "assessment.results.scored": 173 if WHOLE else 49,
    }


def test_the_bundle_passes_the_strict_importer_and_holds_everybody(loaded, data):
    imported = import_bundle(loaded.work / "lms" / "bundle.zip", strict=True)

    present = [r for r in rows_of(data, "studentRegistration.csv", "code_module",
               "code_presentation", "id_student", "date_unregistration") if not r[3]]  # fmt: skip
    expected = checksum([(f"{m}-{p}-{s}", f"{m}-{p}", s) for m, p, s, _ in present])
    table = imported.tables["enrollments"]
    columns = [
        table[name].to_pylist() for name in ("sourcedId", "classSourcedId", "userSourcedId")
    ]
    assert table.num_rows == len(present) == (22521 if WHOLE else 4037)
    assert checksum(zip(*columns, strict=True)) == expected
    assert imported.tables["users"].num_rows == (28785 if WHOLE else 5848)


def test_the_identity_provider_lists_every_student_once(loaded, data):
    columns = ("id_student", "region", "highest_education")
    info = rows_of(data, "studentInfo.csv", *columns)
    students = {student for student, *told in info if WHOLE or tuple(told) == SOME}

    listed = list(listing(loaded))

    assert len(listed) == len(students) == (28785 if WHOLE else 30)
    assert checksum((r["externalId"], r["displayName"]) for r in listed) == checksum(
        (s, f"Student {s}") for s in students
    )


def listing(example: Example) -> Iterator[dict[str, str]]:
    let_in = {"Authorization": f"Bearer {example.environment['MATRICULA_OU_SCIM_TOKEN']}"}
    with httpx2.Client(headers=let_in, trust_env=False) as client:
        start = 1
        while True:
            address = f"{example.environment['MATRICULA_TEST_SCIM']}/Users"
            answer = client.get(address, params={"startIndex": start, "count": 2000}, timeout=60)
            page = answer.raise_for_status().json().get("Resources", [])
            if not page:
                return
            yield from page
            start += len(page)


def test_the_support_teams_rows_equal_the_files(loaded, data):
    with closing(sqlite3.connect(loaded.work / "support.db")) as database:
        registrations = database.execute(
            "SELECT code_module, code_presentation, id_student, registered_on_day, left_on_day "
            "FROM registrations"
        ).fetchall()
        results = database.execute(
            "SELECT id_assessment, id_student, day, CAST(score AS INTEGER) FROM results"
        ).fetchall()

    assert checksum(registrations) == checksum(
        rows_of(data, "studentRegistration.csv", "code_module", "code_presentation",
                "id_student", "date_registration", "date_unregistration")
    )  # fmt: skip
    assert len(results) == (173912 if WHOLE else 30864)
    assert checksum(results) == checksum(
        rows_of(data, "studentAssessment.csv", "id_assessment", "id_student", "date_submitted",
                "score")
    )  # fmt: skip


def test_the_warehouse_counts_what_the_files_hold(loaded, data):
    with duckdb.connect(str(loaded.work / "warehouse" / "warehouse.duckdb"), read_only=True) as db:
        found = db.execute(
            "SELECT code_module, code_presentation, id_student, final_result "
            "FROM registrations_current"
        ).fetchall()

    assert checksum(found) == checksum(
        rows_of(data, "studentInfo.csv", "code_module", "code_presentation", "id_student",
                "final_result")
    )  # fmt: skip


def test_the_audit_of_the_whole_load_verifies(loaded, again):
    _, plan = again

    said = loaded.run("audit", "verify", "--json")

    assert said.returncode == 0, said.stderr
    copies = sum(flow["unchanged"] for flow in plan["flows"])
    assert copies > (412_000 if WHOLE else 50_000)
    # The signatures and the run are entries too.
    assert json.loads(said.stdout)["entries"] > copies

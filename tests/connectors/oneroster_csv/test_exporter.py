from __future__ import annotations

import hashlib
import zipfile
from datetime import UTC, datetime

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.oneroster.tables import tables
from matricula.connectors.oneroster_csv.exporter import export_bundle
from matricula.connectors.oneroster_csv.importer import import_bundle
from tests.connectors.oneroster_csv.rosters import AT, ROSTER_1_1, ROSTER_1_2, as_tables

ROSTERS = {"1.1": ROSTER_1_1, "1.2": ROSTER_1_2}


def export(roster, path, *, version="1.2", mode="bulk", at=AT):
    export_bundle(as_tables(roster), path, version=version, mode=mode, at=at)
    return path


def refusal(roster, path, **more):
    with pytest.raises(GiveUp) as caught:
        export(roster, path, **more)
    assert not path.exists()
    return caught.value


@pytest.mark.parametrize("version", ROSTERS)
def test_what_is_exported_is_imported_strictly_and_unchanged(version, tmp_path):
    roster = ROSTERS[version]

    found = import_bundle(export(roster, tmp_path / "a.zip", version=version), strict=True)

    assert found.findings == ()
    for name, rows in roster.items():
        filled = [{k: v for k, v in row.items() if v} for row in found.tables[name].to_pylist()]
        assert sorted(filled, key=str) == sorted(rows, key=str)


def test_the_same_rows_in_any_order_give_the_same_bytes(tmp_path):
    turned = {name: list(reversed(rows)) for name, rows in ROSTER_1_2.items()}

    first = export(ROSTER_1_2, tmp_path / "a.zip")
    second = export(turned, tmp_path / "b.zip", at=datetime(2027, 1, 1, tzinfo=UTC))

    assert first.read_bytes() == second.read_bytes()


def test_the_bundle_holds_the_files_and_bytes_it_always_held(tmp_path):
    path = export(ROSTER_1_2, tmp_path / "a.zip")

    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        text = b"".join(archive.read(name) for name in names)

    assert names == [
        "manifest.csv",
        "academicSessions.csv",
        "classes.csv",
        "courses.csv",
        "enrollments.csv",
        "orgs.csv",
        "roles.csv",
        "users.csv",
    ]
    assert (
        hashlib.sha256(text).hexdigest()
        == "d1bcf592aab5087596933fefa1610341df6e66da8f9315ee1f9caa120a894b73"
    )


def test_the_manifest_states_every_file_of_its_version(tmp_path):
    path = tmp_path / "a.zip"
    found = as_tables(ROSTER_1_1)
    source = ("Matricula, Northfield", "mat-1")

    export_bundle(found, path, version="1.1", mode="bulk", at=AT, source=source)

    with zipfile.ZipFile(path) as archive:
        lines = archive.read("manifest.csv").decode().splitlines()
    assert lines[:4] == [
        "propertyName,value",
        "manifest.version,1.0",
        "oneroster.version,1.1",
        "file.academicSessions,bulk",
    ]
    assert {line.partition(",")[0] for line in lines[3:-2]} == {
        f"file.{name}" for name in tables("1.1")
    }
    assert lines[-2:] == ['source.systemName,"Matricula, Northfield"', "source.systemCode,mat-1"]


def test_a_table_without_rows_is_stated_as_absent_and_has_no_file(tmp_path):
    path = export({**ROSTER_1_2, "enrollments": []}, tmp_path / "a.zip")

    found = import_bundle(path, strict=True)

    assert found.modes["enrollments"] == "absent"


def test_changes_are_dated_by_the_run_where_they_have_no_date(tmp_path):
    path = export({"orgs": ROSTER_1_2["orgs"]}, tmp_path / "a.zip", mode="delta")

    found = import_bundle(path, strict=True)

    (row,) = found.tables["orgs"].to_pylist()
    assert (row["status"], row["dateLastModified"]) == ("active", "2026-09-01T06:00:00.000Z")


def without(table, name):
    return {**ROSTER_1_2, table: [{**row, name: None} for row in ROSTER_1_2[table]]}


def having(table, **values):
    return {**ROSTER_1_2, table: [{**row, **values} for row in ROSTER_1_2[table]]}


REFUSED = {
    "a required value missing": (without("orgs", "name"), "M455", "orgs.name", "northfield"),
    "a line end": (having("orgs", name="North\nfield"), "M455", "orgs.name", "northfield"),
    "a word of no list": (having("orgs", type="moon"), "M455", "orgs.type", "northfield"),
    "a reference to nothing": (
        having("enrollments", userSourcedId="chidi"),
        "M456",
        "enrollments.userSourcedId",
        "amara-bio-1",
    ),
    "a filled status in bulk": (having("orgs", status="active"), "M453", "orgs.status", "north"),
    "two rows of one name": (having("users", sourcedId="amara"), "M431", "users", "amara"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_breaks_the_standard_is_refused_by_column_and_row(what, tmp_path):
    roster, code, place, key = REFUSED[what]

    error = refusal(roster, tmp_path / "a.zip")

    assert error.code == code
    assert place in error.message
    assert key in error.message


def test_a_refused_export_leaves_the_bundle_that_stands(tmp_path):
    path = export(ROSTER_1_2, tmp_path / "a.zip")
    before = path.read_bytes()

    with pytest.raises(GiveUp):
        export(without("orgs", "name"), path)

    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


def test_a_file_or_column_of_another_version_is_refused_by_name(tmp_path):
    older = refusal(ROSTER_1_2, tmp_path / "a.zip", version="1.1")
    foreign = refusal(having("orgs", nces="1"), tmp_path / "a.zip")

    assert (older.code, "roles" in older.message) == ("M602", True)
    assert (foreign.code, "nces" in foreign.message) == ("M603", True)


LETTERS = st.characters(exclude_characters="\r\n\x00", exclude_categories=["Cs"])
TEXT = st.text(LETTERS, min_size=1, max_size=20)
NAMES = st.lists(TEXT.filter(str.strip), min_size=1, max_size=5)
FRESH_EACH_TIME = [HealthCheck.function_scoped_fixture]


@settings(max_examples=60, deadline=None, suppress_health_check=FRESH_EACH_TIME)
@given(names=NAMES, notes=st.lists(TEXT, max_size=5))
def test_any_text_without_a_line_end_survives_the_round_trip(names, notes, tmp_path):
    padded = [*notes, *[None] * len(names)][: len(names)]
    found = pa.table(
        {
            "sourcedId": [f"org-{n}" for n in range(len(names))],
            "name": names,
            "type": ["school"] * len(names),
            "metadata.note": pa.array(padded, pa.string()),
        }
    )
    path = tmp_path / "a.zip"

    export_bundle({"orgs": found}, path, version="1.2", mode="bulk", at=AT)
    again = import_bundle(path, strict=True).tables["orgs"]

    assert again["name"].to_pylist() == names
    assert again["metadata.note"].to_pylist() == padded

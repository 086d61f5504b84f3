"""What is written for others: within the charter's folder, read by whoever may read there."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.files.connector import FilesConnector
from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.places import replacement
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.oneroster_csv.connector import OneRosterCsvConnector
from matricula.connectors.warehouse.connector import WarehouseConnector
from tests.connectors.warehouse.reporting import Reporting, creation, day

if TYPE_CHECKING:
    from pathlib import Path

ORG = {"sourcedId": "o1", "name": "Northfield", "type": "district"}


@pytest.fixture(autouse=True)
def _as_matricula_runs():
    """Everything that is made is its owner's alone, unless somebody says otherwise."""
    before = os.umask(0o077)
    yield
    os.umask(before)


def _mode(path: Path) -> str:
    return f"{path.stat().st_mode & 0o777:o}"


@pytest.mark.parametrize(
    ("folder", "file"),
    [("755", "644"), ("750", "640"), ("700", "600"), ("711", "600"), ("777", "644")],
)
def test_a_first_file_may_be_read_by_whoever_may_read_its_folder(tmp_path, folder, file):
    tmp_path.chmod(int(folder, 8))

    with replacement(tmp_path / "p.csv") as temporary:
        temporary.write_text("id", encoding="utf-8")
        meanwhile = _mode(temporary)

    assert (meanwhile, _mode(tmp_path / "p.csv")) == ("600", file)


def test_a_file_that_was_there_keeps_its_mode(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "p.csv").touch(mode=0o600)

    with replacement(tmp_path / "p.csv") as temporary:
        temporary.write_text("id", encoding="utf-8")

    assert _mode(tmp_path / "p.csv") == "600"


@pytest.mark.parametrize(("folder", "file"), [("755", "644"), ("750", "640"), ("700", "600")])
def test_exports_of_files_and_bundles_can_be_read_by_their_readers(tmp_path, folder, file):
    drop = tmp_path / "drop"
    drop.mkdir()
    drop.chmod(int(folder, 8))
    people = {"people": {"file": "p.csv", "key": ["id"], "missing_ok": True}}
    files = FilesConnector(
        FilesConnector.Settings.model_validate({"folder": "drop", "resources": people}),
        Context("out", tmp_path),
    )
    bundle = OneRosterCsvConnector(
        OneRosterCsvConnector.Settings.model_validate(
            {"file": "drop/vle.zip", "missing_ok": True}
        ),
        Context("vle", tmp_path),
    )

    files.write("people", [Write("1", "create", None, {"id": "1"}, frozenset({"id"}))], at=day(1))
    bundle.write("orgs", [Write("o1", "create", None, ORG, frozenset(ORG))], at=day(1))

    assert (_mode(drop / "p.csv"), _mode(drop / "vle.zip")) == (file, file)


@pytest.mark.parametrize(
    ("above", "folder", "file"),
    [("755", "755", "644"), ("750", "750", "640"), ("700", "700", "600")],
)
def test_a_warehouse_can_be_read_by_whoever_may_read_where_it_stands(
    tmp_path, above, folder, file
):
    tmp_path.chmod(int(above, 8))

    Reporting("folder", "", tmp_path).write(creation("1"), on=1)

    made = tmp_path / "warehouse"
    assert _mode(made) == folder
    assert {one.name: _mode(one) for one in made.iterdir()} == {
        "warehouse.duckdb": file,
        "students_history.parquet": file,
    }


def test_a_warehouse_that_was_closed_to_others_stays_closed(tmp_path):
    tmp_path.chmod(0o755)
    (tmp_path / "warehouse").mkdir()

    Reporting("folder", "", tmp_path).write(creation("1"), on=1)

    assert _mode(tmp_path / "warehouse") == "700"
    assert {_mode(one) for one in (tmp_path / "warehouse").iterdir()} == {"600"}


@pytest.mark.parametrize("stated", ["../x", "inside/../../x", "leads-out"])
def test_a_warehouse_never_leaves_the_charters_folder(tmp_path, stated):
    base = tmp_path / "base"
    base.mkdir()
    (tmp_path / "x").mkdir()
    (base / "leads-out").symlink_to(tmp_path / "x")
    settings = WarehouseConnector.Settings.model_validate({"folder": stated})
    connector = WarehouseConnector(settings, Context("reporting", base))

    with pytest.raises(GiveUp, match="M620"):
        connector.write("students", [creation("1")], at=day(1))
    with pytest.raises(GiveUp, match="M620"), connector.read("students"):
        pass
    health = connector.ping()
    connector.close()

    assert not health.well
    assert list((tmp_path / "x").iterdir()) == []


def test_a_warehouse_may_stand_elsewhere_when_the_charter_says_so_in_full(tmp_path):
    base = tmp_path / "base"
    base.mkdir()
    settings = WarehouseConnector.Settings.model_validate({"folder": str(tmp_path / "x")})
    connector = WarehouseConnector(settings, Context("reporting", base))

    connector.write("students", [creation("1")], at=day(1))
    connector.close()

    assert (tmp_path / "x" / "warehouse.duckdb").is_file()

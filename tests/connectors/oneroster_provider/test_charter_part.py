"""The part of a charter that comes with the connector, beside the starter charter's own."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from matricula.charter import starter
from matricula.charter.check import check
from matricula.charter.compile import compile_charter
from matricula.connectors import oneroster_provider
from matricula.connectors.kit.protocol import Context
from matricula.connectors.oneroster_provider.connector import OneRosterProviderConnector

pytestmark = pytest.mark.any_database
PART = Path(oneroster_provider.__file__).parent / "charter.yaml"


def around(folder: Path, part: str) -> Path:
    shutil.copytree(Path(starter.__file__).parent, folder, dirs_exist_ok=True)
    (folder / "__init__.py").unlink()
    (folder / "roster.yaml").write_text(part, encoding="utf-8")
    return folder


def test_the_part_fits_the_starter_charter_without_a_finding(tmp_path: Path):
    folder = around(tmp_path / "charter", PART.read_text(encoding="utf-8"))

    found = [str(one) for one in check(folder, today=date(2026, 9, 1)).findings]

    assert [one for one in found if "roster.yaml" in one] == []


def test_every_flow_of_the_part_writes_fields_that_are_served(tmp_path: Path):
    folder = around(tmp_path / "charter", PART.read_text(encoding="utf-8"))

    charter = compile_charter(folder, today=date(2026, 9, 1))

    settings = OneRosterProviderConnector.Settings.model_validate(
        charter.systems["roster"].settings
    )
    shapes = {
        s.name: s
        for s in OneRosterProviderConnector(settings, Context("roster", folder)).describe()
    }
    own = [flow for name, flow in charter.flows.items() if name.startswith("roster-")]
    assert len(own) == 9
    for flow in own:
        shape = shapes[flow.target.resource]
        assert set(flow.fields) <= {field.name for field in shape.fields}
        assert {field.name for field in shape.fields if field.required} <= set(flow.fields)

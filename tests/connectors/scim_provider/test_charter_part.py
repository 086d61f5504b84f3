"""The part of a charter that comes with the connector, beside the starter charter's own."""

from __future__ import annotations

import shutil
from datetime import date
from pathlib import Path

import pytest

from matricula.charter import starter
from matricula.charter.check import check
from matricula.charter.compile import compile_charter
from matricula.connectors import scim_provider
from matricula.connectors.kit.protocol import Context
from matricula.connectors.scim_provider.connector import ScimProviderConnector

pytestmark = pytest.mark.any_database
PART = Path(scim_provider.__file__).parent / "charter.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "charter"
    shutil.copytree(Path(starter.__file__).parent, place)
    (place / "__init__.py").unlink()
    (place / "directory.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")
    return place


def test_the_part_fits_the_starter_charter_without_a_finding(folder: Path):
    found = [str(one) for one in check(folder, today=date(2026, 9, 1)).findings]

    assert [one for one in found if "directory.yaml" in one] == []


def test_every_flow_of_the_part_writes_fields_that_are_served(folder: Path):
    charter = compile_charter(folder, today=date(2026, 9, 1))

    settings = ScimProviderConnector.Settings.model_validate(charter.systems["directory"].settings)
    connector = ScimProviderConnector(settings, Context("directory", folder))
    shapes = {shape.name: shape for shape in connector.describe()}
    own = [flow for name, flow in charter.flows.items() if name.startswith("directory-")]
    assert len(own) == 4
    for flow in own:
        shape = shapes[flow.target.resource]
        assert set(flow.fields) <= {field.name for field in shape.fields}
        assert {field.name for field in shape.fields if field.required} <= set(flow.fields)
        assert flow.on_exit in {"leave", *shape.writes}

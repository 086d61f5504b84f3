"""The part of a charter that comes with the connector: its owners are what a provider offers."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from matricula.charter.check import check
from matricula.charter.compile import compile_charter
from matricula.connectors import oneroster
from matricula.connectors.oneroster.settings import OneRosterSettings
from matricula.connectors.oneroster.simulator import provider
from tests.connectors.oneroster.rosters import connected

pytestmark = pytest.mark.any_database
PART = Path(oneroster.__file__).parent / "charter.yaml"
AROUND_IT = """
institution: Northfield University
timezone: Europe/London
stewards:
  registrar: {name: Registry, notify: registrar@northfield.example}
"""


def test_the_part_compiles_and_names_fields_that_a_provider_has(tmp_path: Path):
    (tmp_path / "institution.yaml").write_text(AROUND_IT, encoding="utf-8")
    (tmp_path / "sims.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")

    found = check(tmp_path, today=date(2026, 9, 1)).findings
    charter = compile_charter(tmp_path, today=date(2026, 9, 1))
    with provider() as running, connected(running) as connector:
        offered = {s.name: {f.name for f in s.fields} for s in connector.describe()}

    assert [str(one) for one in found if one.severity != "warning"] == []
    assert OneRosterSettings.model_validate(charter.systems["sims"].settings).version == "1.2"
    fields = [one for entity in charter.entities.values() for one in entity.fields.values()]
    assert len(fields) > 20
    for one in fields:
        assert one.owner_field in offered[one.owner.resource], one.name

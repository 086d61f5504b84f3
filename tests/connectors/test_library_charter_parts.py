"""The part of a charter beside each library's connector compiles, and fits what is described."""

from __future__ import annotations

from datetime import date
from importlib import import_module
from pathlib import Path

import pytest

from matricula.charter.compile import compile_charter
from matricula.connectors.registry import connector_class
from tests.conformance.every import subjects

pytestmark = pytest.mark.any_database

AROUND_IT = """
institution: Northfield University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registry, notify: registrar@northfield.example}
  library: {name: University Library, notify: library@northfield.example}
systems:
  sis: {connector: register, steward: registrar}
entities:
  student:
    key: student_no
    roster: sis.students
    found_by:
      library.clearance: KNOWN_BY
    fields:
      student_no: {owner: sis.students, type: text}
      given_name: {owner: sis.students, type: text, class: personal}
      family_name: {owner: sis.students, type: text, class: personal}
      email: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, withdrawn]}
      library_loans: {owner: library.clearance.loans, type: integer, class: personal}
      overdue_loans: {owner: library.clearance.overdue, type: integer, class: personal}
      library_fines: {owner: library.clearance.owed, type: money, class: personal}
      library_access: {owner: library.clearance.access, type: [open, blocked], class: personal}
"""
# By what a person is known there, and the flow that writes there.
LIBRARIES = {
    "koha": ("cardnumber", "library-patrons"),
    "alma": ("primary_id", "library-users"),
    "folio": ("externalSystemId", "library-users"),
    "sip2": ("cardnumber", "library-asks"),
}


@pytest.mark.parametrize("library", LIBRARIES)
def test_the_part_of_a_charter_beside_the_connector_compiles(library: str, tmp_path: Path):
    known_by, flow = LIBRARIES[library]
    part = Path(str(import_module(f"matricula.connectors.{library}").__file__)).parent
    folder = tmp_path / "charter"
    folder.mkdir()
    (folder / "institution.yaml").write_text(AROUND_IT.replace("KNOWN_BY", known_by))
    (folder / "library.yaml").write_text((part / "charter.yaml").read_text(encoding="utf-8"))

    charter = compile_charter(folder, today=date(2026, 9, 1))

    (subject,) = [one for one, _ in subjects() if one.name == f"{library}-clearance"]
    with subject.make(tmp_path) as connector:
        described = {shape.name: shape for shape in connector.describe()}
    connector_class(library).Settings.model_validate(charter.systems["library"].settings)
    assert set(charter.flows) == {flow, "library-clearance"}
    read = {field.name for field in described["clearance"].fields}
    assert {known_by, "loans", "overdue", "owed", "access"} <= read
    target = charter.flows[flow].target
    if target.system == "library":
        written = {field.name for field in described[target.resource].fields if field.writable}
        assert set(charter.flows[flow].fields) <= written

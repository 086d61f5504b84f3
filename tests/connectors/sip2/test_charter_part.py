"""The part of a charter that lies beside the connector compiles, and fits what is described."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.charter.compile import compile_charter
from matricula.connectors import sip2
from matricula.connectors.sip2.settings import Sip2Settings

if TYPE_CHECKING:
    from tests.connectors.sip2.conftest import Library

PART = Path(sip2.__file__).parent / "charter.yaml"
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
      library.clearance: cardnumber
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


def test_the_part_of_a_charter_beside_the_connector_compiles(tmp_path: Path, library: Library):
    (tmp_path / "institution.yaml").write_text(AROUND_IT, encoding="utf-8")
    (tmp_path / "library.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")

    charter = compile_charter(tmp_path, today=date(2026, 9, 1))

    described = {shape.name: shape for shape in library.connector.describe()}
    Sip2Settings.model_validate(charter.systems["library"].settings)
    assert set(charter.flows) == {"library-asks", "library-clearance"}
    read = {field.name for field in described["clearance"].fields}
    assert {"cardnumber", "loans", "overdue", "owed", "access"} <= read

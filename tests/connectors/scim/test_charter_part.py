"""The part of a charter that lies beside the connector compiles, and fits a real server."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.charter.compile import compile_charter
from matricula.connectors import scim
from matricula.connectors.scim.settings import ScimSettings

if TYPE_CHECKING:
    from tests.connectors.scim.conftest import Idp

PART = Path(scim.__file__).parent / "charter.yaml"
AROUND_IT = """
institution: Northfield University
timezone: Europe/London
stewards:
  registrar: {name: Registry, notify: registrar@northfield.example}
  it: {name: Identity and Access, notify: iam@northfield.example}
systems:
  sis: {connector: register, steward: registrar}
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
      student_no: {owner: sis.students, type: text}
      display_name: {owner: sis.students, type: text, class: personal}
      email: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, withdrawn]}
  section:
    key: section_code
    roster: sis.sections
    fields:
      section_code: {owner: sis.sections, type: text}
"""


def test_the_part_of_a_charter_beside_the_connector_compiles(tmp_path: Path, idp: Idp):
    (tmp_path / "institution.yaml").write_text(AROUND_IT, encoding="utf-8")
    (tmp_path / "idp.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")

    charter = compile_charter(tmp_path, today=date(2026, 9, 1))

    described = {shape.name: shape for shape in idp.connector.describe()}
    assert ScimSettings.model_validate(charter.systems["idp"].settings).page_size == 200
    assert set(charter.flows) == {"idp-accounts", "idp-sections"}
    for flow in charter.flows.values():
        writable = {one.name for one in described[flow.target.resource].fields if one.writable}
        assert set(flow.fields) <= writable

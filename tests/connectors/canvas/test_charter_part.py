"""The part of a charter that lies beside the connector compiles, and fits what Canvas has."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.charter.check import check
from matricula.charter.compile import compile_charter
from matricula.connectors import canvas
from matricula.connectors.canvas.settings import CanvasSettings

if TYPE_CHECKING:
    from tests.connectors.canvas.conftest import Lms

PART = Path(canvas.__file__).parent / "charter.yaml"
AROUND_IT = """
institution: Northfield University
timezone: Europe/London
stewards:
  registrar: {name: Registry, notify: registrar@northfield.example}
  academics: {name: Academic Services, notify: academics@northfield.example}
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
      login: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, withdrawn]}
  module:
    key: module
    roster: sis.modules
    fields:
      module: {owner: sis.modules, type: text}
  section:
    key: section_code
    roster: sis.sections
    fields:
      section_code: {owner: sis.sections, type: text}
      module: {owner: sis.sections, type: ref(module)}
  enrolment:
    key: [student_no, section_code]
    roster: sis.enrolments
    found_by: {lms.grades: [user_id, section_id]}
    fields:
      student_no: {owner: sis.enrolments, type: ref(student)}
      section_code: {owner: sis.enrolments, type: ref(section)}
      coursework_mark: {owner: lms.grades.current_score, type: decimal, class: personal}
flows:
  register-coursework:
    purpose: Exam boards see continuous assessment beside the examination.
    basis: contract with the student
    from: enrolment
    to: sis.imported_marks
    match: {student_no: student_no, section_code: section_code}
    where: coursework_mark is not null
    fields:
      student_no: {is: student_no, because: the stable key}
      section_code: {is: section_code, because: the stable key}
      mark: {is: "round(coursework_mark, 2)", because: boards decide on two decimals}
    cadence: {on_change: true, full: "06:20"}
    on_exit: leave
    on_drift: report
    if_unavailable: {queue: true, alert_after: 4h}
    guard: {exits: {count: 0}, creations: {share: 100%}, changes: {share: 10%, count: 50}}
    errors_to: registrar
"""


def test_the_part_of_a_charter_beside_the_connector_compiles(tmp_path: Path, lms: Lms):
    (tmp_path / "institution.yaml").write_text(AROUND_IT, encoding="utf-8")
    (tmp_path / "lms.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")

    findings = check(tmp_path, today=date(2026, 9, 1)).findings
    charter = compile_charter(tmp_path, today=date(2026, 9, 1))

    assert [str(one) for one in findings] == []
    described = {shape.name: shape for shape in lms.connector.describe()}
    settings = CanvasSettings.model_validate(charter.systems["lms"].settings)
    assert settings.override_sis_stickiness["users"] == ["login_id", "status"]
    flows = [flow for flow in charter.flows.values() if flow.target.system == "lms"]
    assert len(flows) == 4
    for flow in flows:
        shape = described[flow.target.resource]
        assert set(flow.fields) <= {one.name for one in shape.fields if one.writable}
        assert {one.name for one in shape.fields if one.required} <= set(flow.fields)

"""The part of a charter that lies beside the connector compiles, and fits a Moodle."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.charter.compile import compile_charter
from matricula.connectors import moodle
from matricula.connectors.moodle.settings import MoodleSettings

if TYPE_CHECKING:
    from tests.connectors.moodle.campus import Campus

PART = Path(moodle.__file__).parent / "charter.yaml"
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
      student_no: {owner: sis.students, type: text, class: personal}
      given_name: {owner: sis.students, type: text, class: personal}
      family_name: {owner: sis.students, type: text, class: personal}
      email: {owner: sis.students, type: text, class: personal}
      login: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, withdrawn], class: personal}
  section:
    key: code
    roster: sis.sections
    fields:
      code: {owner: sis.sections, type: text}
      title: {owner: sis.sections, type: text}
  enrolment:
    key: [student_no, section_code]
    roster: sis.enrolments
    found_by: {lms.coursework: [user_idnumber, course_idnumber]}
    fields:
      student_no: {owner: sis.enrolments, type: ref(student), class: personal}
      section_code: {owner: sis.enrolments, type: ref(section)}
      state: {owner: sis.enrolments, type: [enrolled, withdrawn], class: personal}
      coursework_mark: {owner: lms.coursework.mark, type: decimal, class: personal}
  staff:
    key: staff_no
    roster: sis.staff
    fields:
      staff_no: {owner: sis.staff, type: text, class: personal}
      given_name: {owner: sis.staff, type: text, class: personal}
      family_name: {owner: sis.staff, type: text, class: personal}
      email: {owner: sis.staff, type: text, class: personal}
  teaching:
    key: [staff_no, section_code]
    roster: sis.teaching
    fields:
      staff_no: {owner: sis.teaching, type: ref(staff), class: personal}
      section_code: {owner: sis.teaching, type: ref(section)}
"""


def test_the_part_of_a_charter_beside_the_connector_compiles(tmp_path: Path, campus: Campus):
    (tmp_path / "institution.yaml").write_text(AROUND_IT, encoding="utf-8")
    (tmp_path / "lms.yaml").write_text(PART.read_text(encoding="utf-8"), encoding="utf-8")

    charter = compile_charter(tmp_path, today=date(2026, 9, 1))

    described = {shape.name: shape for shape in campus.connector.describe()}
    settings = MoodleSettings.model_validate(charter.systems["lms"].settings)
    assert len(charter.flows) == 5
    for flow in charter.flows.values():
        shape = described[flow.target.resource]
        needed = {one.name for one in shape.fields if one.required}
        assert flow.target.resource in settings.resources
        assert needed <= set(flow.fields) <= {one.name for one in shape.fields if one.writable}
        assert flow.on_exit in ("leave", *shape.writes)

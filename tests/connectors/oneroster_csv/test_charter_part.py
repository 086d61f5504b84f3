"""The part of a charter that comes with the connector, inside a small institution's own."""

from __future__ import annotations

from datetime import date
from pathlib import Path

from matricula.charter.check import check
from matricula.connectors import oneroster_csv

PART = Path(oneroster_csv.__file__).parent / "charter.yaml"
REST = """
institution: Northfield University
timezone: Europe/London
stewards:
  registrar: {name: Registrar's Office, notify: registrar@northfield.example}
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
      status: {owner: sis.students, type: [applicant, active, on_leave]}
  enrolment:
    key: [student_no, section_code]
    roster: sis.enrolments
    fields:
      student_no: {owner: sis.enrolments, type: ref(student)}
      section_code: {owner: sis.enrolments, type: text}
"""


def findings(folder, part):
    (folder / "institution.yaml").write_text(REST, encoding="utf-8")
    (folder / "vle.yaml").write_text(part, encoding="utf-8")
    return [str(one) for one in check(folder, today=date(2026, 9, 1)).findings]


def test_the_part_is_a_charter_without_a_finding(tmp_path):
    part = PART.read_text(encoding="utf-8")

    assert findings(tmp_path, part) == []


def test_the_part_is_really_judged(tmp_path):
    part = PART.read_text(encoding="utf-8").replace("lower(login)", "lower(logon)")

    assert any("logon" in one for one in findings(tmp_path, part))

"""A small charter that holds, and ways to write it with one thing changed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from matricula.charter.compile import load

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.charter.compile import Compiled
    from matricula.kernel.findings import Finding

TODAY = date(2026, 11, 1)

# Line numbers matter: the tests name them.
GOOD = """\
institution: Northfield
timezone: Europe/London
currency: GBP
calendar:
  - {name: exam board, from: 2026-12-14, to: 2026-12-18, flows: [enrolments], mode: freeze}
stewards:
  registrar: {name: Registrar's Office, notify: registrar@northfield.example}
  it: {name: Identity and Access, notify: iam@northfield.example}
systems:
  sis: {connector: sql, steward: registrar, settings: {url: "env:SIS_URL"}}
  idp: {connector: scim, steward: it, settings: {url: "http://idp.example", token: "env:TOKEN"}}
  lms: {connector: files, steward: it}
entities:
  student:
    key: student_no
    roster: sis.students
    found_by: {idp.users: externalId}
    fields:
      student_no: {owner: sis.students, type: text}
      full_name: {owner: sis.students, type: text, class: personal}
      status: {owner: sis.students, type: [active, on_leave, gone]}
      points: {owner: sis.students, type: integer}
      born: {owner: sis.students, type: date, class: personal}
      fees: {owner: sis.students, type: money, class: personal}
      programme: {owner: sis.students, type: ref(programme)}
      login: {owner: idp.users.userName, type: text, class: personal}
  programme:
    key: code
    roster: sis.programmes
    fields:
      code: {owner: sis.programmes, type: text}
      title: {owner: sis.programmes, type: text}
  enrolment:
    key: [student_no, section]
    roster: sis.enrolments
    fields:
      student_no: {owner: sis.enrolments, type: ref(student)}
      section: {owner: sis.enrolments, type: text}
flows:
  accounts:
    purpose: Students reach their course spaces.
    basis: contract with the student
    from: student
    to: lms.users
    match: {id: student_no}
    where: status in ('active', 'on_leave') and coalesce(fees, 0) < 100
    fields:
      id: {is: student_no, because: the stable key}
      login: {is: lower(login), because: the same login everywhere}
      name: {is: full_name, because: people are addressed by it}
      adult: {is: "born <= as_of() - interval 18 year", because: some content is for adults}
      level: {is: points + 1, because: the platform counts from one}
      course: {is: programme.title, because: lists are sorted by it}
    cadence: {on_change: true, full: "02:00"}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {queue: true, alert_after: 2h}
    errors_to: it
  enrolments:
    purpose: Students see their sections.
    from: enrolment
    to: lms.enrolments
    match: {id: student_no || '-' || section}
    fields:
      user: {is: "link('accounts', student_no)", because: it says who}
      section: {is: section, because: it says where}
    cadence: {every: 15m}
    on_exit: delete
    on_drift: report
    if_unavailable: {}
    errors_to: it
"""


def write(folder: Path, **files: str) -> Path:
    """Write files `name.yaml` into a charter's folder."""
    charter = folder / "charter"
    charter.mkdir(exist_ok=True)
    for name, text in files.items():
        (charter / f"{name}.yaml").write_text(text, encoding="utf-8")
    return charter


def changed(*edits: tuple[str, str]) -> str:
    """Write the good charter with some of its text replaced."""
    text = GOOD
    for old, new in edits:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the charter"
        text = text.replace(old, new)
    return text


def loaded(folder: Path, *edits: tuple[str, str]) -> Compiled:
    """Load the good charter with some of its text replaced."""
    return load(write(folder, all=changed(*edits)), today=TODAY)


def errors(compiled: Compiled) -> list[Finding]:
    """List what refuses it."""
    return [finding for finding in compiled.findings if finding.severity == "error"]

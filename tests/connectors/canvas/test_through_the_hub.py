"""A term's beginning through the hub: filled, edited by hand, left, and an answer that is late."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from matricula.charter.compile import compile_charter
from matricula.connectors.canvas import connector as kind
from matricula.connectors.canvas.simulator import running_canvas
from matricula.hub import charters, runs
from matricula.hub.desk import Desk
from matricula.hub.models import Effect, Incident
from tests.connectors.canvas.conftest import HASTY, seat_id

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matricula.connectors.canvas.simulator import Simulator
    from matricula.hub.runs import Done

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.any_database]

CHARTER = """
institution: Northfield University
timezone: Europe/London
stewards:
  it: {{name: Identity and Access, notify: it@northfield.example}}
systems:
  sis:
    connector: files
    steward: it
    settings:
      folder: .
      resources:
        students: {{file: students.csv, key: [student_no]}}
        sections: {{file: sections.csv, key: [section_code]}}
        enrolments: {{file: enrolments.csv, key: [student_no, section_code]}}
  lms:
    connector: canvas
    steward: it
    settings:
      url: "{url}"
      token: "env:MATRICULA_TEST_SMALL_CANVAS_TOKEN"
      import_deadline_seconds: {deadline}
      override_sis_stickiness: {{users: [full_name]}}
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
      student_no: {{owner: sis.students, type: text}}
      login: {{owner: sis.students, type: text}}
      title: {{owner: sis.students, type: text}}
  section:
    key: section_code
    roster: sis.sections
    fields:
      section_code: {{owner: sis.sections, type: text}}
      module: {{owner: sis.sections, type: text}}
  enrolment:
    key: [student_no, section_code]
    roster: sis.enrolments
    fields:
      student_no: {{owner: sis.enrolments, type: ref(student)}}
      section_code: {{owner: sis.enrolments, type: ref(section)}}
flows:
"""
FLOW = """
  {name}:
    purpose: A test asks for it.
    from: {entity}
    to: lms.{resource}
    match: {match}
    fields:
{fields}    cadence: {{on_change: true}}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {{queue: true}}
    guard: {{exits: {{share: 60%}}, changes: {{share: 100%}}, creations: {{share: 100%}}}}
    errors_to: it
"""
AT = datetime(2026, 9, 1, 6, tzinfo=UTC)


def _flow(flow: str, entity: str, resource: str, match: str, /, **fields: str) -> str:
    told = "".join(f'      {f}: {{is: "{e}", because: asked}}\n' for f, e in fields.items())
    return FLOW.format(name=flow, entity=entity, resource=resource, match=match, fields=told)


SECTION, USER = "link('lms-sections', section_code)", "link('lms-accounts', student_no)"
FLOWS = (
    _flow("lms-accounts", "student", "users", "{user_id: student_no}",
          user_id="student_no", login_id="login", full_name="title")
    + _flow("lms-courses", "section", "courses", "{course_id: module}", course_id="module",
            short_name="module", long_name="module").replace("on_exit: suspend", "on_exit: leave")
    + _flow("lms-sections", "section", "sections", "{section_id: section_code}",
            section_id="section_code", course_id="link('lms-courses', section_code)",
            name="section_code").replace("on_exit: suspend", "on_exit: leave")
    + _flow("lms-enrolments", "enrolment", "enrollments",
            '{section_id: "' + SECTION + '", user_id: "' + USER + """", role: "'student'"}""",
            section_id=SECTION, user_id=USER, role="'student'")
)  # fmt: skip


class College:
    """A folder of sources, a charter, and the Canvas that it fills."""

    def __init__(self, folder: Path, canvas: Simulator, *, deadline: float) -> None:
        self.folder, self.canvas, self.hours = folder, canvas, 0
        (folder / "charter").mkdir()
        text = CHARTER.format(url=canvas.url, deadline=deadline) + FLOWS
        (folder / "charter" / "charter.yaml").write_text(text, encoding="utf-8")
        self.hold("students", "student_no,login,title", "S001,amara,Amara Ngô", "S002,bela,Bela Ü")
        self.hold("sections", "section_code,module", "LAW101-A,LAW101")
        self.hold("enrolments", "student_no,section_code", "S001,LAW101-A", "S002,LAW101-A")
        charters.sign(self.desk(), steward="it")

    def hold(self, name: str, *lines: str) -> None:
        (self.folder / f"{name}.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")

    def desk(self) -> Desk:
        at = AT + timedelta(hours=self.hours)
        charter = compile_charter(self.folder / "charter", today=at.date())
        return Desk(charter, charter.text, self.folder, self.folder / "home", "test", at)

    def sync(self) -> Done:
        self.hours += 1
        return runs.sync(self.desk())

    def name(self, sis_user_id: str) -> str:
        login = self.canvas.campus.pseudonym(sis_user_id)
        assert login is not None
        return self.canvas.campus.users[login.user_id].name

    def seats(self) -> dict[str, str]:
        campus = self.canvas.campus
        return {
            seat_id(str(campus.pseudonyms[one.pseudonym_id].sis_user_id)): one.workflow_state
            for one in campus.enrollments.values()
        }


@pytest.fixture
def college(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> Iterator[College]:
    with running_canvas() as canvas:
        monkeypatch.setenv("MATRICULA_TEST_SMALL_CANVAS_TOKEN", canvas.token)
        monkeypatch.setattr(
            kind, "Wire", lambda settings, folder, _: _WIRE(settings, folder, HASTY)
        )
        (tmp_path / "home").mkdir()
        yield College(tmp_path, canvas, deadline=getattr(request, "param", 60))


_WIRE = kind.Wire


def test_a_term_is_filled_and_a_second_pass_has_nothing_to_do(college: College):
    first = college.sync()

    assert first.is_whole, first.whole()
    assert college.seats() == {seat_id("S001"): "active", seat_id("S002"): "active"}
    assert college.sync().plan.is_empty


def test_edits_are_restored_or_somebodys_to_see_to_and_one_who_leaves_is_inactive(
    college: College,
):
    college.sync()
    college.canvas.campus.edit_user("S001", name="Ama")
    college.canvas.campus.edit_user("S002", unique_id="bel")
    college.hold("enrolments", "student_no,section_code", "S001,LAW101-A")

    college.sync()

    # The name is the charter's to write; the login is Canvas's to keep.
    assert college.name("S001") == "Amara Ngô"
    login = college.canvas.campus.pseudonym("S002")
    assert login is not None
    assert login.unique_id == "bel"
    assert Incident.objects.filter(code="M745", closed_at=None).exists()
    assert college.seats() == {seat_id("S001"): "active", seat_id("S002"): "inactive"}


@pytest.mark.parametrize("college", [2.5], indirect=True)
def test_an_import_that_is_late_is_looked_up_and_never_sent_again(college: College):
    college.sync()
    college.hold("students", "student_no,login,title", "S001,amara,Amara Eze", "S002,bela,Bela Ü")
    college.canvas.stalled.set()
    college.sync()
    sent = len(college.canvas.batches)
    assert Effect.objects.filter(state="unknown").count() == 1

    college.sync()
    assert len(college.canvas.batches) == sent
    college.canvas.stalled.clear()
    until = time.monotonic() + 30
    while any(
        batch.state in ("created", "importing") for batch in college.canvas.batches.values()
    ):
        assert time.monotonic() < until
    college.sync()

    assert len(college.canvas.batches) == sent
    assert not Effect.objects.filter(state="unknown").exists()
    assert college.name("S001") == "Amara Eze"

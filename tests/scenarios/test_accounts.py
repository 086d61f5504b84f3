"""The starter charter's identity flows, as they are, on a real SCIM server: a life of accounts.

Who makes the account, when access begins, what happens at completion and withdrawal, and how
lecturers get and lose the rights of a section. The student system is a folder of files here.
"""

from __future__ import annotations

from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from matricula.charter import starter
from matricula.cli import main, sitting
from tests.counterparts.scim_server import scim_server
from tests.world import Said

if TYPE_CHECKING:
    from collections.abc import Iterator

_FLOWS = Path(starter.__file__).parent / "flows" / "identity.yaml"
_AROUND_THEM = """
institution: Northfield University
timezone: Europe/London
currency: GBP
stewards:
  registrar: {name: Registry, notify: registrar@northfield.example}
  it: {name: Identity and Access, notify: iam@northfield.example}
systems:
  sis:
    connector: files
    steward: registrar
    settings:
      folder: drop
      resources:
        students: {file: students.csv, key: [student_no]}
        staff: {file: staff.csv, key: [staff_no]}
        sections: {file: sections.csv, key: [code]}
        teaching: {file: teaching.csv, key: [staff_no, section_code, duty], may_be_empty: true}
  idp: {connector: scim, steward: it, settings: {url: "SCIM", token: "env:SCIM_TOKEN"}}
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
      student_no: {owner: sis.students, type: text}
      given_name: {owner: sis.students, type: text, class: personal}
      family_name: {owner: sis.students, type: text, class: personal}
      status:
        owner: sis.students
        type: [admitted, active, on_leave, suspended, withdrawn, completed]
      status_since: {owner: sis.students, type: date}
      affiliation:
        owner: sis.students
        type: [pre-student, student, student-limited, alum, former]
  staff:
    key: staff_no
    roster: sis.staff
    fields:
      staff_no: {owner: sis.staff, type: text}
      given_name: {owner: sis.staff, type: text, class: personal}
      family_name: {owner: sis.staff, type: text, class: personal}
      status: {owner: sis.staff, type: [active, ended]}
  section:
    key: code
    roster: sis.sections
    fields: {code: {owner: sis.sections, type: text}}
  teaching:
    key: [staff_no, section_code, duty]
    roster: sis.teaching
    fields:
      staff_no: {owner: sis.teaching, type: ref(staff)}
      section_code: {owner: sis.teaching, type: ref(section)}
      duty: {owner: sis.teaching, type: text}
"""
# Enough of them that one who leaves is within the guard.
_OTHERS = [f"S{n:03d},Bela,Kovács,active,2026-09-01,student" for n in range(40)]


@dataclass
class Campus:
    """A folder of files as the student system, and a SCIM server."""

    folder: Path
    base: str
    token: str
    day: str = "2026-08-01"

    def write(self, name: str, header: str, *rows: str) -> None:
        path = self.folder / "drop" / f"{name}.csv"
        path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")

    def amara(self, status: str, since: str, affiliation: str) -> None:
        row = f"S900,Amara,Okafor,{status},{since},{affiliation}"
        header = "student_no,given_name,family_name,status,status_since,affiliation"
        self.write("students", header, *_OTHERS, row)

    def run(self, *words: str) -> Said:
        out, err = StringIO(), StringIO()
        moment = datetime.fromisoformat(f"{self.day}T06:00:00").replace(tzinfo=UTC)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(sitting, "now", lambda: moment)
            patch.setenv("SCIM_TOKEN", self.token)
            with redirect_stdout(out), redirect_stderr(err):
                code = main.run(["--charter", str(self.folder / "charter"), *words])
        return Said(code, out.getvalue(), err.getvalue())

    def sync(self, day: str) -> None:
        self.day = day
        said = self.run("sync")
        assert said.code == 0, said.out + said.err

    def resources(self, kind: str) -> dict[str, dict[str, Any]]:
        found = httpx2.get(
            f"{self.base}/{kind}?count=200", headers={"Authorization": f"Bearer {self.token}"}
        ).raise_for_status().json()["Resources"]  # fmt: skip
        return {one["externalId"]: one for one in found}

    def account(self, number: str) -> tuple[str, bool]:
        one = self.resources("Users")[number]
        return one["userType"], one.get("active", True)

    def teaching_in(self, code: str) -> set[str]:
        names = {one["id"]: number for number, one in self.resources("Users").items()}
        members = self.resources("Groups")[code].get("members") or []
        return {names[one["value"]] for one in members}


@pytest.fixture
def campus(db: None, tmp_path: Path, settings: Any) -> Iterator[Campus]:
    settings.HOME = tmp_path / "home"
    with scim_server() as server:
        base = server.tenant()
        for name in ("charter", "drop"):
            (tmp_path / name).mkdir()
        text = _AROUND_THEM.replace('SCIM"', f'{base}"')
        (tmp_path / "charter" / "around.yaml").write_text(text, encoding="utf-8")
        (tmp_path / "charter" / "identity.yaml").write_bytes(_FLOWS.read_bytes())
        campus = Campus(tmp_path, base, server.token)
        campus.amara("admitted", "2026-08-01", "pre-student")
        campus.write("staff", "staff_no,given_name,family_name,status", *(
            f"E{n:03d},Lew,Archer,active" for n in range(20)))  # fmt: skip
        campus.write("sections", "code", "LAW1")
        campus.write("teaching", "staff_no,section_code,duty", "E001,LAW1,lead")
        for steward in ("registrar", "it"):
            assert campus.run("sign", "--as", steward).code == 0
        yield campus


def test_an_account_begins_with_admission_and_access_with_the_first_day(campus: Campus):
    campus.sync("2026-08-01")
    admitted = campus.account("S900")
    campus.amara("active", "2026-09-01", "student")
    campus.sync("2026-09-01")

    assert admitted == ("pre-student", True)
    assert campus.account("S900") == ("student", True)


@pytest.mark.parametrize(
    ("status", "affiliation", "last", "after"),
    [
        ("completed", "alum", "2027-12-27", "2027-12-28"),
        ("withdrawn", "former", "2027-09-28", "2027-09-29"),
    ],
)
def test_whoever_ends_keeps_the_account_for_days_of_grace_and_it_is_never_deleted(
    campus: Campus, status: str, affiliation: str, last: str, after: str
):
    campus.amara("active", "2026-09-01", "student")
    campus.sync("2027-06-30")
    number = campus.resources("Users")["S900"]["id"]

    campus.amara(status, "2027-07-01", affiliation)
    campus.sync("2027-07-01")
    at_the_end = campus.account("S900")
    campus.sync(last)
    on_the_last_day = campus.account("S900")
    campus.sync(after)

    assert at_the_end == on_the_last_day == (affiliation, True)
    assert campus.account("S900")[1] is False
    assert campus.resources("Users")["S900"]["id"] == number


def test_a_lecturer_has_the_rights_of_a_section_for_as_long_as_the_assignment(campus: Campus):
    campus.sync("2026-09-01")
    before = campus.teaching_in("LAW1")
    campus.write("teaching", "staff_no,section_code,duty", "E002,LAW1,lead")
    campus.sync("2026-10-01")

    assert before == {"E001"}
    assert campus.teaching_in("LAW1") == {"E002"}
    assert campus.account("E001") == ("employee", True)


def test_the_checklist_reads_it_out_to_the_offices(campus: Campus):
    said = campus.run("checklist").out

    for words in (
        "makes every student's one account at admission",
        "access begins and ends with it",
        "status_since + interval 180 day",
        "status_since + interval 90 day",
        "Its copy is suspended, not deleted.",
        "from the day of the assignment to its end",
    ):
        assert words in said

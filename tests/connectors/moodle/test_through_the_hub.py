"""The charter part beside the connector at work: a folder of files, the hub, and a Moodle."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors import moodle as package
from matricula.connectors.moodle.simulator import Fault, Moodle, serve
from tests.connectors.moodle.test_charter_part import AROUND_IT
from tests.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

FILES = """
  sis:
    connector: files
    steward: registrar
    settings:
      folder: drop
      resources:
        students: {file: students.csv, key: [student_no]}
        sections: {file: sections.csv, key: [code]}
        enrolments: {file: enrolments.csv, key: [student_no, section_code]}
        staff: {file: staff.csv, key: [staff_no]}
        teaching: {file: teaching.csv, key: [staff_no, section_code]}
"""
DROP = {
    "students": """student_no,given_name,family_name,email,login,status
S1,Amara,Okafor,amara@n.example,Amara.O,active
S2,Bela,Kovács,bela@n.example,bela,active
S3,Chidi,Eze & Eze,chidi@n.example,chidi,on_leave
""",
    "sections": "code,title\nLAW1,Contract & Tort\nART1,Ink\n",
    "enrolments": """student_no,section_code,state
S1,LAW1,enrolled
S1,ART1,enrolled
S2,LAW1,enrolled
S3,LAW1,withdrawn
""",
    "staff": "staff_no,given_name,family_name,email\nL1,Dewi,Lestari,dewi@n.example\n",
    "teaching": "staff_no,section_code\nL1,LAW1\n",
}


class Northfield(World):
    """A folder of files on one side and a Moodle on the other."""

    def write(self, name: str, old: str = "", new: str = "") -> None:
        path = self.folder / "drop" / f"{name}.csv"
        before = path.read_text(encoding="utf-8") if path.exists() else DROP[name]
        assert old in before
        path.write_text(before.replace(old, new) if old else before, encoding="utf-8")

    def sync(self) -> None:
        said = self.run("sync")
        assert said.code == 0, said.out + said.err


@pytest.fixture
def moodle() -> Iterator[Moodle]:
    with serve() as running:
        yield running


@pytest.fixture
def northfield(
    moodle: Moodle,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    settings: Any,
) -> Northfield:
    monkeypatch.setenv("MOODLE_TOKEN", moodle.token)
    settings.HOME = tmp_path / "home"
    for name in ("charter", "drop"):
        (tmp_path / name).mkdir()
    around = AROUND_IT.replace("  sis: {connector: register, steward: registrar}\n", FILES)
    part = (Path(package.__file__).parent / "charter.yaml").read_text(encoding="utf-8")
    part = part.replace("https://moodle.campus.example", moodle.url)
    (tmp_path / "charter" / "around.yaml").write_text(around, encoding="utf-8")
    (tmp_path / "charter" / "lms.yaml").write_text(part, encoding="utf-8")
    made = Northfield(tmp_path, capsys)
    for name in DROP:
        made.write(name)
    for steward in ("registrar", "academics"):
        assert made.run("sign", "--as", steward).code == 0
    return made


def _places(moodle: Moodle) -> dict[tuple[str, str], bool]:
    """Who is in which course, and whether they get in."""
    site = moodle.site
    return {
        (site.users.get(one["userid"])["username"], site.courses.get(one["courseid"])["idnumber"]):
        one["is_active"]
        for one in site.enrolments.all()
    }  # fmt: skip


def test_everybody_reaches_their_courses_and_then_nothing_is_left_to_do(
    northfield: Northfield, moodle: Moodle
):
    live = northfield.run("check", "--live")
    northfield.sync()

    again = northfield.run("plan")

    assert live.code == 0, live.out + live.err
    assert _places(moodle) == {
        ("amara.o", "LAW1"): True,
        ("amara.o", "ART1"): True,
        ("bela", "LAW1"): True,
        ("chidi", "LAW1"): False,
        ("dewi@n.example", "LAW1"): True,
    }
    assert [one["idnumber"] for one in moodle.site.users.all() if one["suspended"]] == ["S3"]
    assert again.code == 0, again.out


def test_a_student_who_leaves_is_suspended_and_keeps_the_marks(
    northfield: Northfield, moodle: Moodle
):
    northfield.sync()
    (bela,) = moodle.site.users.by("idnumber", "S2")
    moodle.site.grades.insert({"pair": f"1|{bela['id']}", "graderaw": 61.0})
    northfield.write("students", "bela,active", "bela,withdrawn")
    northfield.write("enrolments", "S2,LAW1,enrolled", "S2,LAW1,withdrawn")

    northfield.sync()

    (bela,) = moodle.site.users.by("idnumber", "S2")
    assert bela["suspended"] is True
    assert _places(moodle)["bela", "LAW1"] is False
    assert len(moodle.site.grades) == 1


def test_what_somebody_edits_in_moodle_is_put_back(northfield: Northfield, moodle: Moodle):
    northfield.sync()
    (amara,) = moodle.site.users.by("idnumber", "S1")
    moodle.site.users.change(amara["id"], {"lastname": "Edited", "suspended": True})

    northfield.sync()

    (amara,) = moodle.site.users.by("idnumber", "S1")
    assert (amara["lastname"], amara["suspended"]) == ("Okafor", False)


def test_accounts_whose_answer_was_lost_are_found_and_not_made_a_second_time(
    northfield: Northfield, moodle: Moodle
):
    moodle.faults.append(Fault("core_user_create_users", is_done=True, drops=True, times=2))
    northfield.run("sync")

    northfield.sync()

    people = [one["idnumber"] for one in moodle.site.users.all() if one["idnumber"]]
    assert sorted(people) == ["L1", "S1", "S2", "S3"]
    assert len(_places(moodle)) == 5

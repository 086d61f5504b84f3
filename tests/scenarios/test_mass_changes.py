"""The mass-change matrix: every broken source, on every route by which a change can go out.

Whatever the route: no byte of a target changes, one incident is open, one office has it. The
same sources against two workers at once are in `tests/hub/test_mass_changes_at_once.py`.
"""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection

from matricula.cli import sitting
from matricula.hub.models import FlowState
from matricula.hub.worker import Worker
from tests.scenarios.broken import MATRIX, NUMBERS, departments
from tests.scenarios.college import FLOWS, copy_of, return_to, student

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.scenarios.college import College


@pytest.fixture(scope="module")
def make_college() -> Callable[[Path], College]:
    return departments


@pytest.fixture(scope="module")
def undone(_settled: tuple[College, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the college is kept as it stands after a day that was undone: its flows are held."""
    college, kept = _settled
    college.campus("UPDATE advisers SET adviser = 'Nobody' WHERE student_no = ?", NUMBERS[0])
    college.run("sync")
    run = json.loads(college.run("runs", "--json").out)[0]["run"]
    college.campus("UPDATE advisers SET adviser = 'Dr Who'")
    digest = json.loads(college.run("undo", run, "--why", "a mistake", "--json").out)["digest"]
    college.run("apply", digest)
    place = tmp_path_factory.mktemp("undone") / "kept"
    connection.close()
    copy_of(college, place)
    return_to(college, kept)
    return place


def _in_full(college: College) -> None:
    college.run("sync")


def _by_its_changes(college: College) -> None:
    college.run("sync", "--changed")


def _of_everybody_again(college: College) -> None:
    college.run("mark", "student", *NUMBERS)
    college.run("sync", "--changed")


def _by_hand(college: College) -> None:
    digest = json.loads(college.run("plan", "--json").out)["digest"]
    college.run("apply", digest)


def _worker(college: College) -> None:
    said: list[object] = []
    place = college.folder / "charter"
    Worker(lambda: sitting.sit_down(place), said.append, look_every=timedelta(0)).work(rounds=1)
    assert said != []


def _by_the_clock(college: College) -> None:
    FlowState.objects.update(last_full_at="2026-01-01T00:00:00Z")
    _worker(college)


ROUTES = {
    "a full pass": _in_full,
    "its changes": _by_its_changes,
    "a day that is gone over again": _of_everybody_again,
    "a plan that is applied by hand": _by_hand,
    "a worker": _worker,
    "a worker at the hour of the full pass": _by_the_clock,
}


def _told(college: College) -> list[tuple[str, str, str]]:
    return [(i["code"], i["place"], i["steward"]) for i in college.incidents()]


@pytest.mark.parametrize("said", MATRIX)
@pytest.mark.parametrize("route", ROUTES)
def test_nothing_moves_and_one_office_is_told_once_when_a_source(
    college: College, said: str, route: str
):
    before, broken = college.targets(), MATRIX[said]
    broken.breaks(college)

    ROUTES[route](college)

    assert college.targets() == before
    assert _told(college) == [(broken.code, broken.place, broken.steward)]


@pytest.mark.parametrize("said", MATRIX)
def test_nothing_moves_once_an_undone_day_s_flows_go_on_when_a_source(
    college: College, undone: Path, said: str
):
    return_to(college, undone)
    before, broken = college.targets(), MATRIX[said]
    whole = college.students.read_bytes(), (college.folder / "campus.db").read_bytes()
    broken.breaks(college)
    for flow in FLOWS:
        college.run("release", flow, "--why", "it is corrected")

    college.run("sync", "--changed")

    assert college.targets() == before
    assert _told(college) == [(broken.code, broken.place, broken.steward)]
    college.students.write_bytes(whole[0])
    (college.folder / "campus.db").write_bytes(whole[1])
    assert college.run("sync", "--changed").code == 0
    assert (college.targets(), _told(college)) == (before, [])


def test_a_new_year_that_is_right_goes_out_whole_once_its_offices_raised_the_guard(
    college: College, monkeypatch: pytest.MonkeyPatch
):
    old, new = NUMBERS[:12], [f"NEW-{n:03d}" for n in range(12)]
    college.write_students(
        student(number, n) for n, number in enumerate([*NUMBERS[12:], *new], 12)
    )
    college.campus("DELETE FROM enrolments WHERE student_no < 'BI'")
    digest = json.loads(college.run("plan", "--json").out)["digest"]
    held = college.run("apply", digest)
    before = _told(college)
    monkeypatch.setenv("MATRICULA_ACTOR", "wanjiru")

    for office in ("it", "planning"):
        why = "the year has ended"
        assert college.run("plan", "approve", digest, "--as", office, "--why", why).code == 0
    said = college.run("apply", digest)

    assert held.code == 1
    assert before == [("M501", "register.students", "registrar")]
    assert said.code == 0, said.out + said.err
    awake = {row[0] for row in college.in_lms("SELECT idnumber FROM users WHERE suspended = 0")}
    people = (college.folder / "targets" / "directory" / "people.csv").read_text(encoding="utf-8")
    assert awake == {*NUMBERS[12:], *new}
    assert [number for number in old if number in people] == []
    assert [number for number in new if number not in people] == []
    assert college.run("sync").code == 0
    assert _told(college) == []

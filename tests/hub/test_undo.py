"""What a run did can be put back, and is not done again before its cause is mended."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb
import pytest
from django.db.models import Count

from matricula.audit.queries import acts_on
from matricula.hub.models import Effect, Incident, Run
from tests.scenarios.college import FLOWS, student
from tests.scenarios.college import build as build_college

if TYPE_CHECKING:
    from tests.scenarios.college import College

pytestmark = pytest.mark.django_db
_LOOSE = "guard: {exits: {share: 100%}, creations: {share: 100%}, changes: {share: 100%}}"


def _loosen(world, name="flows.yaml") -> None:
    path = world.folder / "charter" / name
    text = path.read_text()
    for line in {part for part in text.splitlines() if part.strip().startswith("guard:")}:
        text = text.replace(line.strip(), _LOOSE)
    path.write_text(text)


def _wrong_run(world) -> str:
    """Change, remove and add in three targets, all of it by mistake."""
    world.sis("UPDATE students SET name = 'X ' || name")
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no < '00004'")
    world.sis("UPDATE sections SET title = upper(title)")
    world.sis("DELETE FROM enrolments WHERE code = 'LAW1' AND student_no > '00035'")
    said = world.run("sync", "--json")
    assert said.code == 0, said.out + said.err
    return said.json["run"]


def _whole(college: College) -> dict[str, list[tuple[object, ...]]]:
    """All that the three targets hold, as they tell it themselves; when it was is not compared."""
    place = college.folder / "targets"
    with duckdb.connect(str(place / "warehouse" / "warehouse.duckdb"), read_only=True) as store:
        counted = store.execute(
            "SELECT key, student_no, status, joined_on, fines FROM students_current ORDER BY key"
        ).fetchall()
    return {
        "users": college.in_lms("SELECT * FROM users ORDER BY id"),
        "enrolments": college.in_lms("SELECT * FROM enrolments ORDER BY 1, 2"),
        "directory": sorted(
            (row,) for row in (place / "directory" / "people.csv").read_text("utf-8").split("\n")
        ),
        "warehouse": counted,
    }


def test_undoing_a_run_restores_all_five_hundred_copies_it_changed_in_three_targets(
    tmp_path, settings
):
    settings.HOME = tmp_path / "home"
    numbers = [f"{n:05d}" for n in range(1, 181)]
    college = build_college(tmp_path / "college", numbers=numbers)
    _loosen(college, "charter.yaml")
    college.settle()
    before = _whole(college)
    # Everybody under a wrong name and a wrong day; some are gone, some withdrawn, one is new.
    college.write_students(
        student(
            number, place, name="X Y", joined_on="2001-01-01",
            status="withdrawn" if place % 30 == 7 else "active",
        )
        for place, number in enumerate([*numbers[4:], "90001"])
    )  # fmt: skip
    wrong = json.loads(college.run("sync", "--json").out)["run"]
    changed = _whole(college)

    planned = json.loads(college.run("undo", wrong, "--why", "a bad import", "--json").out)
    untouched = _whole(college)
    applied = college.run("apply", planned["digest"])

    targets = Effect.objects.filter(run=wrong).values("flow").annotate(n=Count("pk"))
    assert {row["flow"] for row in targets} == set(FLOWS)
    assert sum(row["n"] for row in targets) > 500
    assert changed == untouched
    assert all(changed[name] != before[name] for name in ("users", "directory", "warehouse"))
    assert applied.code == 0, applied.out + applied.err
    # Whoever the wrong run brought in is put to sleep, not forgotten.
    [added] = [row for row in _whole(college)["users"] if row[1] == "90001"]
    assert added[-1] == 1
    assert {**_whole(college), "users": _whole(college)["users"][:-1]} == before
    assert [a.why for a in acts_on("flow", "hold", ["lms-accounts"])] == ["a bad import"]


def test_an_undone_flow_is_held_until_it_is_released_and_then_looks_at_everybody(world):
    _loosen(world)
    world.settle()
    before = world.everything_in_lms()
    run = _wrong_run(world)
    world.run("apply", world.run("undo", run, "--why", "a bad import", "--json").json["digest"])

    held = world.run("sync", "--changed")
    still = world.everything_in_lms()
    names = [i.place for i in Incident.objects.filter(closed_at=None, code="M525")]
    for flow in names:
        assert world.run("release", flow, "--why", "the import was right").code == 0
    again = world.run("sync")

    assert held.code == 1
    assert "M525" in held.out
    assert still == before
    assert again.code == 0, again.out
    assert world.in_lms("SELECT count(*) FROM users WHERE fullname LIKE 'X %'") == [(37,)]
    assert not Incident.objects.filter(closed_at=None, code="M525").exists()


@pytest.mark.any_database
def test_what_was_touched_after_the_run_is_left_and_named(world):
    _loosen(world)
    world.settle()
    run = _wrong_run(world)
    world.sis("UPDATE students SET name = 'Later Truth' WHERE student_no = '00009'")
    world.run("sync")

    planned = world.run("undo", run, "--why", "a bad import", "--json").json
    world.run("apply", planned["digest"])

    parts = {part["flow"]: part for part in planned["flows"]}
    assert parts["lms-accounts"]["update"] == 36
    names = dict(world.in_lms("SELECT idnumber, fullname FROM users"))
    assert names["00009"] == "Later Truth"
    assert names["00010"] == "Elif Yılmaz"


def test_what_undoes_a_run_passes_the_guards_as_well(world):
    flows = world.folder / "charter" / "flows.yaml"
    before, there, enrolments = flows.read_text().partition("  lms-enrolments:")
    loose = "exits: {share: 100%, each: {per: code, share: 10%}}"
    flows.write_text(before + there + enrolments.replace("exits: {share: 10%}", loose, 1))
    world.settle()
    run = Run.objects.get(kind="sync").pk

    planned = world.run("undo", run, "--why", "all of it was wrong", "--json")
    applied = world.run("apply", planned.json["digest"])

    parts = {part["flow"]: part for part in planned.json["flows"]}
    assert "M501" in parts["lms-courses"]["reasons"][0]
    assert [reason.partition(" Look")[0] for reason in parts["lms-enrolments"]["reasons"]] == [
        "M501: 40 exits of 40 copies of ART1; the guard allows 4. So is it in 1 other group(s)."
    ]
    assert applied.code == 1
    assert len(world.everything_in_lms()[1]) == 3


@pytest.mark.any_database
def test_a_run_that_is_not_known_is_refused_and_nothing_is_held(world):
    world.settle()

    said = world.run("undo", "run-nobody", "--why", "a bad import")

    assert (said.code, "M524" in said.err) == (1, True)
    assert world.run("sync").code == 0


def test_a_run_is_reported_with_what_it_wrote_and_who_acts(world):
    world.settle()
    world.sis("UPDATE students SET name = ? WHERE student_no = '00001'", "N" * 90)
    run = world.run("sync", "--json").json["run"]

    told = world.run("runs", "show", run, "--json").json
    page = world.run("runs", "show", run).out

    assert told["flows"]["lms-accounts"] == [{"kind": "update", "state": "refused", "count": 1}]
    assert [i["steward"] for i in told["incidents"]] == ["it"]
    assert "1 update: refused" in page
    assert world.run("runs", "--json").json[0]["run"] == run

"""What lies in the home: leftovers go, what is kept on purpose stays, damage is named."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.engine import damage
from matricula.hub.models import Run, Snapshot, StoredPlan

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def _home(world) -> Path:
    return world.folder / "home"


def _write(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"half")
    return path


def test_what_a_killed_run_left_is_gone_after_the_next_one(world):
    world.plan()
    home = _home(world)
    Run.objects.filter(kind="plan").update(state="running")
    dead = "run-00000000001deadbeef"
    left = [
        _write(home / "snapshots" / "sis.students" / f"{dead}.parquet"),
        _write(home / "snapshots" / "lms.users" / f".{dead}.parquet.a1b2c3.tmp"),
        _write(home / "runs" / dead / "bench" / "spill.tmp"),
        _write(home / "runs" / dead / "changes.parquet"),
        _write(home / "indexes" / "student.sis.students.new"),
    ]

    world.plan()

    assert [path for path in left if path.exists()] == []
    assert not (home / "runs" / dead).exists()
    assert Run.objects.filter(state="died").count() == 1


def test_kept_snapshots_and_the_plan_that_was_shown_survive_the_sweep(world):
    world.sign_all()
    digest = world.run("plan", "--json").json["digest"]
    shown = StoredPlan.objects.get(digest=digest).run_id
    (_home(world) / "runs" / shown / "bench").mkdir()

    world.run("plan", "--flow", "lms-courses")

    assert all((_home(world) / kept.path).exists() for kept in Snapshot.objects.all())
    assert (_home(world) / "runs" / shown / "changes.parquet").exists()
    assert not (_home(world) / "runs" / shown / "bench").exists()
    assert world.run("apply", digest).code == 0


def test_files_that_no_run_wrote_are_left_alone_and_stop_nobody(world):
    home = _home(world)
    strays = [
        _write(home / "runs" / "notes.txt"),
        _write(home / "runs" / ".DS_Store"),
        _write(home / "runs" / "run-by-hand.sh"),
        _write(home / "snapshots" / "sis.students" / "copy.parquet"),
    ]

    codes = [world.run("plan").code for _ in range(2)]

    assert codes == [2, 2]
    assert all(path.exists() for path in strays)


def test_only_the_last_runs_keep_their_folders(world):
    for number in range(25):
        (_home(world) / "runs" / f"run-0000000{number:04d}aaaaaaaa").mkdir(parents=True)
    Run.objects.bulk_create(
        Run(id=f"run-0000000{number:04d}aaaaaaaa", started_at="2026-01-01T00:00Z")
        for number in range(25)
    )
    StoredPlan.objects.bulk_create(
        StoredPlan(digest=f"{n}", run=run, full=True, made_at="2026-01-01T00:00Z")
        for n, run in enumerate(Run.objects.all())
    )

    world.plan()

    assert len(list((_home(world) / "runs").iterdir())) == 20


@pytest.mark.parametrize("damage", [b"", b"PAR1 no more", b"cut"])
def test_a_damaged_index_only_makes_the_next_pass_full(world, damage):
    world.settle()
    for index in (_home(world) / "indexes").glob("*/*.parquet"):
        index.write_bytes(index.read_bytes()[:-9] if damage == b"cut" else damage)
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    said = world.run("sync", "--changed", "--json")

    assert said.code == 0, said.err
    assert said.json["delivered"]["lms-accounts"]["answered"] == 1


@pytest.mark.parametrize("place", ["the end", "the middle"])
def test_a_damaged_snapshot_is_refused_by_name_until_it_is_removed(world, place):
    world.settle()
    kept = _home(world) / Snapshot.objects.filter(resource="sis.students").latest("id").path
    good = kept.read_bytes()
    kept.write_bytes(good[:-20] if place == "the end" else good[:4] + b"x" * 300 + good[304:])

    refused = world.run("sync")
    kept.unlink()
    again = world.run("sync")

    assert refused.code == 1
    assert "M490" in refused.err
    assert kept.name in refused.err
    assert again.code == 0


def test_a_plan_whose_kept_rows_are_damaged_is_refused_all_the_same(world):
    world.sign_all()
    digest = world.run("plan", "--json").json["digest"]
    run = StoredPlan.objects.get(digest=digest).run_id
    (_home(world) / "runs" / run / "changes.parquet").write_bytes(b"no more")
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    said = world.run("apply", digest)

    assert said.code == 1
    assert "M511" in said.err
    assert "damaged" in said.err


def test_a_plan_named_by_what_several_begin_with_is_refused_with_their_names(world):
    world.sign_all()
    world.plan()
    made = StoredPlan.objects.get()
    twins = [f"{made.digest[:4]}{letter * 60}" for letter in "xy"]
    StoredPlan.objects.bulk_create(
        StoredPlan(digest=twin, run=made.run, full=True, made_at=made.made_at) for twin in twins
    )

    said = world.run("apply", made.digest[:4])

    assert said.code == 1
    assert "M519" in said.err
    assert all(digest[:16] in said.err for digest in [made.digest, *twins])
    assert world.everything_in_lms() == [[], [], []]
    assert world.run("apply", made.digest[:12]).code == 0


def test_planning_makes_no_file_and_no_folder_in_any_target(world):
    (world.folder / "warehouse").rmdir()
    world.sign_all()
    before = {path for path in world.folder.rglob("*") if "home" not in path.parts}

    said = world.run("plan")
    checked = world.run("check", "--live")

    assert said.code == 2
    assert "warehouse-students" in checked.out + said.out
    assert {path for path in world.folder.rglob("*") if "home" not in path.parts} == before


def test_a_source_that_says_the_same_to_the_byte_is_not_compared_with_itself(world, monkeypatch):
    world.settle()
    judged: list[str] = []

    def judge(_bench, resource, *_, **__):
        judged.append(resource)
        return (), ()

    monkeypatch.setattr(damage, "judge", judge)
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")

    said = world.run("sync")

    assert said.code == 0, said.err
    assert judged == ["sis.students"]

"""A mark says where to look: at once, for every flow that reads the record, also through a ref."""

from __future__ import annotations

from datetime import timedelta

import pytest

from matricula.cli import sitting
from matricula.hub import marks
from matricula.hub.models import DirtyKey
from matricula.hub.worker import Worker, what_is_due

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)


def _worker(world) -> Worker:
    return Worker(
        lambda: sitting.sit_down(world.folder / "charter"), lambda _: None, look_every=HOUR
    )


@pytest.mark.any_database
def test_a_marked_record_is_looked_at_before_the_next_look_is_due(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    _worker(world).work(rounds=1)
    before = world.in_lms("SELECT fullname FROM users WHERE idnumber = '00001'")

    said = world.run("mark", "student", "00001")
    _worker(world).work(rounds=1)

    assert before == [("Amara Okafor",)]
    assert said.code == 0, said.err
    assert world.in_lms("SELECT fullname FROM users WHERE idnumber = '00001'") == [("Ada Byron",)]
    assert not DirtyKey.objects.exists()


def test_a_mark_reaches_the_flows_that_read_the_record_through_a_ref(world):
    world.settle()
    desk = sitting.sit_down(world.folder / "charter")

    flows = marks.mark(desk.charter, "student", ["00001"], why="a test", at=desk.at)

    assert flows == ["lms-accounts", "warehouse-students", "lms-enrolments"]
    later = sitting.sit_down(world.folder / "charter")
    assert set(what_is_due(later, look_every=HOUR).changed) == set(flows)


def test_a_mark_that_one_flow_followed_still_waits_for_the_others(world):
    world.settle()
    world.run("mark", "student", "00001", "00002")

    world.run("sync", "--changed", "--flow", "lms-accounts")

    left = set(DirtyKey.objects.values_list("flow", "key"))
    assert left == {
        (flow, key) for flow in ("warehouse-students", "lms-enrolments")
        for key in ("00001", "00002")
    }  # fmt: skip


@pytest.mark.any_database
def test_a_mark_says_nothing_of_what_is_there(world):
    world.settle()
    world.run("mark", "student", "00001", "99999")

    said = world.run("sync", "--changed", "--json").json

    assert said["delivered"] == {}
    assert not DirtyKey.objects.exists()


def test_an_entity_that_the_charter_does_not_know_is_refused(world):
    said = world.run("mark", "pupil", "00001")

    assert (said.code, "M517" in said.err) == (1, True)
    assert not DirtyKey.objects.exists()

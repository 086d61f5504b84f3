from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matricula.cli import sitting
from matricula.hub.models import FlowState, Link, Run
from matricula.hub.worker import Worker, what_is_due

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def test_a_flow_that_is_held_is_not_tried_in_full_every_second(world):
    world.settle()
    world.edit_charter("is: name,", "is: upper(name),")
    long_ago = datetime.now(UTC) - timedelta(days=2)
    FlowState.objects.update(last_full_at=long_ago, last_run_at=long_ago)
    before = Run.objects.count()
    worker = Worker(lambda: sitting.sit_down(world.folder / "charter"), lambda _: None)
    worker.stopped.wait = lambda _: False

    worker.work(rounds=4)

    # One in full; one more over what changed, for the flow whose full pass is held.
    assert Run.objects.count() - before <= 2


def test_looking_at_what_changed_does_not_put_a_full_pass_off(world):
    world.settle()
    desk = sitting.sit_down(world.folder / "charter")
    FlowState.objects.update(
        last_full_at=desk.at - timedelta(days=2), last_run_at=desk.at, tried_at=None
    )

    assert "lms-accounts" in what_is_due(desk, look_every=MINUTE).full


@pytest.mark.any_database
def test_a_refusal_does_not_make_forget_when_the_copy_was_confirmed(world):
    world.settle()
    confirmed = Link.objects.get(flow="lms-accounts", key="00001").confirmed_at
    world.sis("UPDATE students SET name = ? WHERE student_no = '00001'", "N" * 90)

    world.run("sync")

    link = Link.objects.get(flow="lms-accounts", key="00001")
    assert link.refused
    assert link.confirmed_at == confirmed


def test_a_plan_alone_is_no_full_pass(world):
    world.sign_all()

    world.run("plan")

    assert not FlowState.objects.exclude(last_full_at=None).exists()

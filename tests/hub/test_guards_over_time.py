"""Guards look back a day; an office may let one plan beyond them, and never its maker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matricula.audit.queries import acts_on
from matricula.hub.models import Effect, FlowState

pytestmark = pytest.mark.django_db


def _suspended(world) -> int:
    return world.in_lms("SELECT count(*) FROM users WHERE suspended = 1")[0][0]


def _leave(world, *numbers: str) -> None:
    for number in numbers:
        world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = ?", number)


@pytest.mark.parametrize("route", [["sync"], ["sync", "--changed"]], ids=["full", "changed"])
def test_a_source_that_bleeds_slowly_is_held_like_one_that_bleeds_at_once(world, route):
    world.settle()

    for number in range(1, 6):
        _leave(world, f"{number:05d}")
        world.run(*route)

    # 10 % of forty, whichever way they leave.
    assert _suspended(world) == 4
    said = world.run(*route, "--json").json
    [reasons] = [part["reasons"] for part in said["flows"] if part["flow"] == "lms-accounts"]
    assert "1 exits beside 4 of the last day of 40 copies; the guard allows 4." in reasons[0]


def test_what_left_more_than_a_day_ago_is_not_counted(world):
    world.settle()
    _leave(world, "00001", "00002", "00003", "00004")
    world.run("sync")
    long_ago = datetime.now(UTC) - timedelta(hours=25)
    FlowState.objects.update(first_full_at=long_ago - timedelta(days=9))
    Effect.objects.update(settled_at=long_ago)
    _leave(world, "00005")

    said = world.run("sync")

    assert said.code == 0, said.out
    assert _suspended(world) == 5


def _held_plan(world) -> str:
    world.settle()
    _leave(world, *[f"{number:05d}" for number in range(1, 9)])
    return world.run("plan", "--json").json["digest"]


def test_a_plan_beyond_the_guard_goes_out_once_somebody_else_approved_it(world, monkeypatch):
    digest = _held_plan(world)
    monkeypatch.setenv("MATRICULA_ACTOR", "wanjiru")

    said = world.run("plan", "approve", digest, "--as", "it", "--why", "the term has ended")
    applied = world.run("apply", digest)

    assert (said.code, applied.code) == (0, 0), said.err + applied.out
    assert _suspended(world) == 8
    approved = {entry.flow: entry for entry in acts_on("plan", "approve", [digest])}
    entry = approved["lms-accounts"]
    assert (entry.actor, entry.why) == ("wanjiru", "the term has ended")
    shown = world.run("plan", "show", digest, "--json").json
    assert {a["actor"] for a in shown["approved"]} == {"wanjiru"}
    assert shown["applied_by"] == "wanjiru"


@pytest.mark.any_database
def test_an_approval_raises_the_guard_for_that_plan_alone(world, monkeypatch):
    digest = _held_plan(world)
    monkeypatch.setenv("MATRICULA_ACTOR", "wanjiru")
    world.run("plan", "approve", digest, "--as", "it", "--why", "the term has ended")
    world.run("apply", digest)
    _leave(world, *[f"{number:05d}" for number in range(11, 16)])

    another = world.run("sync")

    assert another.code == 1
    assert "M501" in another.out
    assert _suspended(world) == 8


@pytest.mark.any_database
def test_whoever_made_a_plan_cannot_approve_it(world):
    digest = _held_plan(world)

    said = world.run("plan", "approve", digest, "--as", "it", "--why", "I am sure")

    assert said.code == 1
    assert "M522" in said.err
    assert world.run("apply", digest).code == 1
    assert _suspended(world) == 0


@pytest.mark.any_database
@pytest.mark.parametrize(("words", "code"), [
    (["--as", "library", "--why", "please"], "M523"),
    (["--as", "it", "--why", " "], "it is blank"),
], ids=["another office", "no ground"])  # fmt: skip
def test_an_approval_is_an_offices_own_and_has_a_ground(world, monkeypatch, words, code):
    digest = _held_plan(world)
    monkeypatch.setenv("MATRICULA_ACTOR", "wanjiru")

    said = world.run("plan", "approve", digest, *words)

    assert said.code == 1
    assert code in said.err
    assert _suspended(world) == 0


@pytest.mark.any_database
def test_an_approved_plan_whose_basis_moved_is_refused_all_the_same(world, monkeypatch):
    digest = _held_plan(world)
    monkeypatch.setenv("MATRICULA_ACTOR", "wanjiru")
    world.run("plan", "approve", digest, "--as", "it", "--why", "the term has ended")
    _leave(world, "00009")

    said = world.run("apply", digest)

    assert "M511" in said.err
    assert "lms-accounts 00009" in said.err
    assert _suspended(world) == 0

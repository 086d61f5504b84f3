from __future__ import annotations

import pytest

pytestmark = pytest.mark.django_db


def _next(world) -> dict[str, str]:
    return {f["flow"]: f["next"] for f in world.run("status", "--json").json["flows"]}


@pytest.mark.any_database
def test_a_flow_that_was_never_delivered_in_full_sends_an_engineer_to_plan(world):
    world.sign_all()

    assert set(_next(world).values()) == {"an engineer: plan, then apply"}


@pytest.mark.any_database
def test_a_plan_that_waits_is_named_until_it_is_applied(world):
    world.sign_all()
    digest = world.run("plan", "--json").json["digest"]
    waiting = _next(world)
    world.run("apply")

    applied = _next(world)

    assert set(waiting.values()) == {f"an engineer: apply plan {digest[:12]}"}
    assert set(applied.values()) == {"nobody"}


def test_a_plan_waits_only_for_the_flows_that_it_changes(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")
    digest = world.run("plan", "--json").json["digest"]

    waiting = _next(world)

    assert waiting.pop("lms-accounts") == f"an engineer: apply plan {digest[:12]}"
    assert set(waiting.values()) == {"nobody"}


@pytest.mark.any_database
def test_a_plan_whose_charter_changed_is_not_what_an_engineer_is_sent_to(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")
    world.run("plan")
    world.edit_charter("institution: Testing University", "institution: Other", "charter.yaml")

    assert _next(world)["lms-accounts"] == "an engineer: plan, then apply"


@pytest.mark.any_database
def test_a_flow_in_a_calendar_window_sends_nobody_and_says_which_window(world):
    world.settle()
    path = world.folder / "charter" / "calendar.yaml"
    path.write_text(
        "calendar:\n  - {name: freeze, from: 2020-01-01, to: 2099-12-31, "
        "flows: [lms-accounts], mode: freeze}\n",
        encoding="utf-8",
    )
    world.sign_all()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")
    world.run("plan")

    assert _next(world)["lms-accounts"] == (
        "nobody: freeze (2020-01-01 to 2099-12-31) freezes the flow."
    )


def test_a_source_that_is_away_names_its_office_before_there_is_an_incident(world):
    world.settle()
    sis = world.folder / "sis.db"
    sis.rename(world.folder / "sis.gone")
    world.run("plan", "--changed")

    told = _next(world)["lms-accounts"]

    assert told.startswith("Registrar's Office: ")

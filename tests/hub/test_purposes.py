"""A purpose that has run out is somebody's: a review that is due, copies of a withdrawn flow."""

from __future__ import annotations

import pytest

from matricula.hub.models import Incident

pytestmark = pytest.mark.django_db
FLOW = "lms-accounts"
DUE = "on_exit: suspend\n    on_drift: restore"


def incidents(world, code):
    return [i for i in world.run("incidents", "--json").json if i["code"] == code]


def withdraw(world, *names):
    """Take flows out of the charter, and give their text."""
    path = world.folder / "charter" / "flows.yaml"
    head, *parts = path.read_text(encoding="utf-8").split("\n  ")
    blocks: list[str] = []
    for part in parts:
        if part.startswith(" "):
            blocks[-1] += f"\n  {part}"
        else:
            blocks.append(part)
    taken = [block for block in blocks if block.split(":")[0] in names]
    kept = [block for block in blocks if block not in taken]
    path.write_text("\n  ".join([head, *kept]), encoding="utf-8")
    return "\n  ".join(["flows:", *taken])


@pytest.mark.any_database
def test_a_review_whose_day_has_passed_is_an_incident_until_the_date_is_moved(world):
    world.settle()
    world.edit_charter(DUE, f"review_on: 2020-01-31\n    {DUE}")
    world.sign_all()

    world.run("sync")
    told = incidents(world, "M251")
    waits = {f["flow"]: f["next"] for f in world.run("status", "--json").json["flows"]}
    world.edit_charter("review_on: 2020-01-31", "review_on: 2099-01-31")
    world.sign_all()
    world.run("sync")

    assert [(i["place"], i["steward"]) for i in told] == [(FLOW, "it")]
    assert "2020-01-31" in told[0]["message"]
    assert told[0]["due_at"]
    assert waits[FLOW] == "Identity and Access: review the purpose"
    assert incidents(world, "M251") == []


@pytest.mark.any_database
def test_a_review_that_is_due_holds_nothing(world):
    world.edit_charter(DUE, f"review_on: 2020-01-31\n    {DUE}")
    world.settle()

    assert len(world.everything_in_lms()[0]) == 40
    assert len(incidents(world, "M251")) == 1


@pytest.mark.any_database
def test_copies_of_a_withdrawn_flow_stay_and_are_named_until_they_have_left(world):
    world.settle()
    withdraw(world, "warehouse-students")

    world.run("sync")
    told = incidents(world, "M661")
    checked = world.run("check", "--json").json
    status = world.run("status")

    assert [(i["place"], i["steward"]) for i in told] == [("warehouse-students", "planning")]
    assert "40 of its copies are still in warehouse.students" in told[0]["message"]
    assert [(f["code"], f["severity"]) for f in checked["findings"] if f["code"] == "M661"] == [
        ("M661", "warning")
    ]
    assert checked["ok"] is True
    assert "warehouse-students" in status.out
    assert "Planning Office: see incidents" in status.out


def test_what_the_incident_says_makes_the_copies_leave_and_closes_it(world):
    world.settle()
    text = withdraw(world, "lms-enrolments", "lms-courses")
    world.run("sync")
    told = incidents(world, "M661")
    back = text.replace("where: student_no.status in ('active', 'on_leave')", "where: 'false'")
    back = back.replace("match: {code: code}", "match: {code: code}\n    where: 'false'")
    path = world.folder / "charter" / "leaving.yaml"
    path.write_text(back.replace("exits: {share: 10%}", "exits: {share: 100%}"), encoding="utf-8")
    world.sign_all()

    left = world.run("sync")
    path.unlink()
    world.run("sync")

    assert len(told) == 2
    assert all("where: 'false'" in i["cure"] for i in told)
    assert left.code == 0, left.out + left.err
    users, courses, enrolments = world.everything_in_lms()
    assert (len(users), courses, enrolments) == (40, [], [])
    assert incidents(world, "M661") == []
    assert Incident.objects.filter(code="M661", closed_at=None).count() == 0


@pytest.mark.any_database
def test_a_flow_put_back_with_the_usual_guard_empties_nothing(world):
    world.settle()
    text = withdraw(world, "lms-enrolments", "lms-courses")
    world.run("sync")
    back = text.replace("match: {code: code}", "match: {code: code}\n    where: 'false'")
    (world.folder / "charter" / "leaving.yaml").write_text(back, encoding="utf-8")
    world.sign_all()

    said = world.run("sync")

    assert said.code == 1
    assert "M501" in said.out
    assert len(world.everything_in_lms()[1]) == 3


def test_a_check_makes_no_database_where_there_is_none(world, settings, tmp_path):
    from django.db import connection

    from matricula.hub import purposes

    before = connection.settings_dict["NAME"]
    connection.settings_dict["NAME"] = str(tmp_path / "none.sqlite3")
    try:
        found = purposes.findings(None) if connection.vendor == "sqlite" else []
    finally:
        connection.settings_dict["NAME"] = before

    assert found == []
    assert not (tmp_path / "none.sqlite3").exists()

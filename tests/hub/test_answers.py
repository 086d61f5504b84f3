from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from matricula.audit.models import Act
from matricula.cli import sitting
from matricula.hub import escalation
from matricula.hub.models import Incident, Link

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

REFUSES = """
CREATE TRIGGER refuses BEFORE UPDATE ON users WHEN new.idnumber = '00001'
BEGIN SELECT RAISE(ABORT, 'locked by the office'); END
"""


def open_incidents(world):
    return world.run("incidents", "--json").json


def of_lms(world, word="failed"):
    flows = world.run("status", "--json").json["flows"]
    return next(f[word] for f in flows if f["flow"] == "lms-accounts")


def name_in_lms(world, number="00001"):
    return dict(world.in_lms("SELECT idnumber, fullname FROM users"))[number]


def refuse(world):
    """Have the target refuse the new name of Amara, and give the incident's number."""
    world.settle()
    world.lms(REFUSES)
    world.sis("UPDATE students SET name = 'Amara Obi' WHERE student_no = '00001'")
    world.sis("UPDATE students SET name = 'Bela Barta' WHERE student_no = '00002'")
    world.run("sync", "--changed")
    (incident,) = open_incidents(world)
    return str(incident["id"])


def answer(world, *words):
    return world.run("incidents", *words, "--as", "it")


def last_entry():
    return Act.objects.order_by("-pk").values_list("action", "entity", "why")[0]


def the_time_has_come():
    earlier = datetime.now(UTC) - timedelta(seconds=1)
    Link.objects.exclude(refused="").update(next_attempt_at=earlier)


def test_a_refused_record_waits_alone_and_says_what_the_target_said(world):
    refuse(world)

    (incident,) = open_incidents(world)
    # A database's own words may hold a value; the kind of its refusal does not.
    assert "SQLITE_CONSTRAINT_TRIGGER" in incident["message"]
    assert (incident["key"], incident["steward"]) == ("00001", "it")
    assert incident["cure"]
    assert incident["escalated"] is False
    assert name_in_lms(world, "00002") == "Bela Barta"


def test_a_refused_record_is_tried_at_once_when_its_owner_changes_it(world):
    refuse(world)
    world.lms("DROP TRIGGER refuses")
    world.sis("UPDATE students SET name = 'Amara Eze' WHERE student_no = '00001'")

    world.run("sync", "--changed")

    assert name_in_lms(world) == "Amara Eze"
    assert open_incidents(world) == []


@pytest.mark.parametrize("words", [(), ("--changed",)])
def test_a_refused_record_is_tried_at_once_when_the_flow_changes(world, words):
    refuse(world)
    world.lms("DROP TRIGGER refuses")
    world.edit_charter("Students reach their course spaces.", "Students reach their courses.")
    world.sign_all()

    world.run("sync", *words)

    assert name_in_lms(world) == "Amara Obi"
    assert open_incidents(world) == []


@pytest.mark.parametrize("words", [(), ("--changed",)])
def test_a_target_that_was_mended_is_tried_when_the_time_has_come(world, words):
    refuse(world)
    world.lms("DROP TRIGGER refuses")
    world.run("sync", *words)
    before = name_in_lms(world)
    the_time_has_come()

    world.run("sync", *words)

    assert before == "Amara Okafor"
    assert name_in_lms(world) == "Amara Obi"
    assert open_incidents(world) == []


def test_an_office_need_not_wait_for_the_next_attempt(world):
    number = refuse(world)
    world.lms("DROP TRIGGER refuses")

    answer(world, "retry", number)
    world.run("sync", "--changed")

    assert name_in_lms(world) == "Amara Obi"
    assert open_incidents(world) == []


def test_a_copy_that_is_left_as_it_is_counts_as_no_failure_and_is_not_asked_for_again(world):
    number = refuse(world)

    said = answer(world, "accept", number, "--why", "ticket 7")
    accepted = last_entry()
    world.lms("DROP TRIGGER refuses")
    world.run("sync")

    assert said.code == 0, said.err
    assert accepted == ("accept", "incident", "ticket 7")
    assert name_in_lms(world) == "Amara Okafor"
    assert open_incidents(world) == []
    assert (of_lms(world), of_lms(world, "held"), of_lms(world, "next")) == (0, 0, "nobody")
    assert "set aside" not in world.run("plan").out


@pytest.mark.parametrize("change", ["record", "flow"])
def test_what_was_accepted_is_tried_again_when_the_record_or_the_flow_changes(world, change):
    number = refuse(world)
    answer(world, "accept", number, "--why", "ticket 7")
    if change == "record":
        world.sis("UPDATE students SET name = 'Amara Eze' WHERE student_no = '00001'")
    else:
        world.edit_charter("Students reach their course spaces.", "Students reach courses.")
        world.sign_all()

    world.run("sync", "--changed")

    (incident,) = open_incidents(world)
    assert str(incident["id"]) != number
    assert of_lms(world) == 1


def test_what_was_accepted_until_a_day_is_tried_again_after_it(world):
    number = refuse(world)
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    answer(world, "accept", number, "--why", "ticket 7", "--until", str(tomorrow))
    until = Link.objects.exclude(refused="").get().next_attempt_at
    the_time_has_come()

    world.run("sync", "--changed")

    assert timedelta(hours=20) < until - datetime.now(UTC) < timedelta(hours=50)
    assert len(open_incidents(world)) == 1
    assert of_lms(world) == 1


def test_an_incident_can_be_put_off_to_a_day_to_come_and_to_no_other(world):
    number = refuse(world)
    day = datetime.now(UTC).date() + timedelta(days=9)

    late = answer(world, "postpone", number, "--until", "2020-01-31", "--why", "vacation")
    said = answer(world, "postpone", number, "--until", str(day), "--why", "vacation")

    (incident,) = open_incidents(world)
    assert "M542" in late.err
    assert said.code == 0
    assert incident["due_at"][:10] in {str(day), str(day + timedelta(days=1))}
    assert last_entry() == ("postpone", "incident", "vacation")


def test_only_the_office_whose_it_is_answers_an_open_incident(world):
    number = refuse(world)

    stranger = world.run("incidents", "accept", number, "--as", "library", "--why", "no")
    groundless = answer(world, "accept", number, "--why", " ")
    nothing = answer(world, "retry", "999999")
    answer(world, "accept", number, "--why", "ticket 7")
    closed = answer(world, "retry", number)

    assert "M541" in stranger.err
    assert "it do it" in stranger.err
    assert "it is blank" in groundless.err
    assert "M540" in nothing.err
    assert "M540" in closed.err


def test_only_a_refused_record_can_be_left_as_it_is(world):
    world.settle()
    world.lms("UPDATE courses SET title = 'Laws' WHERE code = 'LAW1'")
    world.run("sync")
    (incident,) = open_incidents(world)

    said = answer(world, "accept", str(incident["id"]), "--why", "ticket 7")

    assert incident["code"] == "M660"
    assert "M543" in said.err
    assert len(open_incidents(world)) == 1


def overdue(world):
    number = refuse(world)
    Incident.objects.update(due_at=datetime.now(UTC) - timedelta(hours=1))
    return number


def test_what_is_overdue_is_heard_of_by_the_rosters_office(world, monkeypatch):
    overdue(world)
    monkeypatch.setenv("COLUMNS", "240")

    world.run("sync")

    (incident,) = open_incidents(world)
    assert (incident["escalated"], incident["escalated_to"]) == (True, "registrar")
    told = world.run("incidents").out
    assert "escalated to Registrar's Office" in told
    assert "1 overdue" in told


def test_what_is_overdue_is_heard_of_by_the_office_that_the_charter_names(world):
    number = overdue(world)
    world.edit_charter(
        "notify: it@example.org}", "notify: it@example.org, escalate_to: planning}", "charter.yaml"
    )

    marked = [escalation.escalate(sitting.sit_down(world.folder / "charter")) for _ in range(2)]
    said = world.run("incidents", "retry", number, "--as", "planning")

    assert marked == [1, 0]
    assert open_incidents(world)[0]["escalated_to"] == "planning"
    assert said.code == 0


def test_putting_an_incident_off_takes_the_escalation_back(world):
    number = overdue(world)
    world.run("sync")
    day = datetime.now(UTC).date() + timedelta(days=9)

    answer(world, "postpone", number, "--until", str(day), "--why", "vacation")
    world.run("sync")

    (incident,) = open_incidents(world)
    assert (incident["escalated"], incident["escalated_to"]) == (False, "")


def test_what_is_overdue_is_listed_first(world):
    number = refuse(world)
    soon = datetime.now(UTC) - timedelta(hours=1)
    world.lms("UPDATE courses SET title = 'Laws' WHERE code = 'LAW1'")
    world.run("sync")
    Incident.objects.exclude(pk=number).update(due_at=soon)

    listed = open_incidents(world)

    assert [str(i["id"]) == number for i in listed] == [False, True]

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

TOO_LONG = "A" * 61


def counts(world, flow="lms-accounts"):
    told = {f["flow"]: f for f in world.run("status", "--json").json["flows"]}[flow]
    return {word: told[word] for word in ("confirmed", "failed", "waiting", "next")}


def incidents(world):
    return [(i["code"], i["key"]) for i in world.run("incidents", "--json").json]


def rename(world, name):
    world.sis("UPDATE students SET name = ? WHERE student_no = '00001'", name)


@pytest.mark.parametrize("words", [(), ("--changed",)])
def test_a_refused_update_is_over_when_its_owner_goes_back(world, words):
    world.settle()
    rename(world, TOO_LONG)
    world.run("sync", "--changed")
    world.run("sync", "--changed")
    refused = counts(world), incidents(world)
    rename(world, "Amara Okafor")

    world.run("sync", *words)

    assert refused[0]["failed"] == 1
    assert refused[1] == [("M604", "00001")]
    assert counts(world) == {"confirmed": 40, "failed": 0, "waiting": 0, "next": "nobody"}
    assert incidents(world) == []
    assert world.in_lms("SELECT fullname FROM users WHERE idnumber = '00001'") == [
        ("Amara Okafor",)
    ]


def test_a_refused_update_is_not_over_while_its_owner_stays_with_it(world):
    world.settle()
    rename(world, TOO_LONG)
    world.run("sync")

    world.run("sync")

    assert counts(world)["failed"] == 1
    assert incidents(world) == [("M604", "00001")]


@pytest.mark.parametrize("words", [(), ("--changed",)])
def test_a_refused_creation_is_over_when_nobody_desires_the_copy_any_more(world, words):
    rename(world, TOO_LONG)
    world.sign_all()
    world.run("sync")
    refused = counts(world), incidents(world)
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00001'")

    world.run("sync", *words)

    assert refused[0]["failed"] == 1
    assert refused[1] == [("M604", "00001")]
    assert counts(world) == {"confirmed": 39, "failed": 0, "waiting": 0, "next": "nobody"}
    assert incidents(world) == []
    assert len(world.in_lms("SELECT id FROM users")) == 39


@pytest.mark.parametrize("words", [(), ("--changed",)])
def test_a_copy_waits_no_longer_than_its_record_is_there(world, words):
    rename(world, TOO_LONG)
    world.sign_all()
    world.run("sync")
    waited = counts(world, "lms-enrolments")
    world.sis("DELETE FROM enrolments WHERE student_no = '00001'")

    world.run("sync", *words)

    assert waited["waiting"] == 2
    assert counts(world, "lms-enrolments") == {
        "confirmed": 78, "failed": 0, "waiting": 0, "next": "nobody",
    }  # fmt: skip
    assert len(world.in_lms("SELECT userid FROM enrolments")) == 78


def test_whoever_returns_after_a_refused_creation_is_created_once(world):
    rename(world, TOO_LONG)
    world.sign_all()
    world.run("sync")
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00001'")
    world.run("sync")
    world.sis("UPDATE students SET status = 'active', name = 'Amara' WHERE student_no = '00001'")

    world.run("sync")

    assert world.in_lms("SELECT fullname FROM users WHERE idnumber = '00001'") == [("Amara",)]
    assert len(world.in_lms("SELECT userid FROM enrolments")) == 80
    assert counts(world)["failed"] == 0


def test_a_deletion_that_is_not_ours_is_over_when_the_target_deletes_the_copy(world):
    world.lms("INSERT INTO courses (id, code, title) VALUES (7, 'LAW1', 'Law')")
    world.settle()
    world.sis("DELETE FROM enrolments WHERE code = 'LAW1'")
    world.sis("DELETE FROM sections WHERE code = 'LAW1'")
    world.edit_charter("exits: {share: 10%}", "exits: {share: 100%}")
    world.sign_all()
    world.run("sync")
    refused = counts(world, "lms-courses"), incidents(world)
    world.lms("DELETE FROM courses WHERE code = 'LAW1'")

    world.run("sync")

    assert refused[0]["failed"] == 1
    assert refused[1] == [("M655", "LAW1")]
    assert counts(world, "lms-courses")["failed"] == 0
    assert ("M655", "LAW1") not in incidents(world)


def test_a_plan_alone_says_that_a_refusal_is_over(world):
    world.settle()
    rename(world, TOO_LONG)
    world.run("sync")
    rename(world, "Amara Okafor")

    world.run("plan")

    assert counts(world)["failed"] == 0
    assert incidents(world) == []

"""What commands say last is true: whether anybody was asked, and who has to act."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def test_a_live_check_that_refuses_says_that_the_systems_were_asked(world):
    world.edit_charter("students: {table: students,", "students: {table: pupils,", "charter.yaml")

    here = world.run("check")
    live = world.run("check", "--live")

    assert here.code == 0
    assert live.code == 1
    assert "Every system was asked, and none was written to." in live.out
    assert "Nothing was connected" not in live.out


def test_a_check_that_refuses_settings_connected_nothing_even_when_asked_to(world):
    world.edit_charter("connector: files", "connector: filing", "charter.yaml")

    said = world.run("check", "--live")

    assert said.code == 1
    assert "Nothing was connected." in said.out


def test_offices_that_have_not_signed_are_named_where_there_is_no_incident(world):
    for office in ("registrar", "library"):
        world.run("sign", "--as", office)

    said = world.run("sync")

    assert said.code == 1
    assert "still to be signed with `matricula sign --as it`, `matricula sign --as planning`" in (
        said.out
    )
    assert "matricula incidents" not in said.out
    assert world.run("incidents", "--json").json == []


def test_incidents_are_pointed_to_where_there_are_some_and_no_signature_is_missing(world):
    world.settle()
    world.write_patrons("cardnumber,fines\n")

    said = world.run("sync")

    assert said.code == 1
    assert "Not everything went out: `matricula incidents` says who is to act." in said.out
    assert "matricula sign" not in said.out
    assert world.run("incidents", "--json").json != []


def test_an_incident_of_another_flow_is_not_pointed_to(world):
    world.settle()
    world.write_patrons("cardnumber,fines\n")
    world.run("sync")
    world.edit_charter("Sections have course spaces.", "Courses have spaces.")

    said = world.run("sync", "--flow", "lms-courses")

    assert said.code == 1
    assert "matricula incidents" not in said.out
    assert "matricula sign --as it" in said.out

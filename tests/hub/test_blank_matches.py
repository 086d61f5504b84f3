"""What cannot be looked up is not made; its office hears of it."""

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


@pytest.mark.parametrize("blank", [None, ""])
def test_a_record_that_nothing_would_find_in_the_target_gets_no_copy(world, blank):
    world.edit_charter("match: {idnumber: student_no}", "match: {email: email}")
    world.sis("UPDATE students SET email = ? WHERE student_no = '00001'", blank)
    world.sign_all()

    said = world.run("sync", "--json")

    assert said.json["delivered"]["lms-accounts"]["answered"] == 39
    assert world.in_lms("SELECT COUNT(*) FROM users WHERE idnumber = '00001'") == [(0,)]
    [told] = [i for i in world.run("incidents", "--json").json if i["code"] == "M508"]
    assert (told["place"], told["steward"]) == ("lms-accounts", "it")
    assert "1 record(s) of student, first 00001" in told["message"]


def test_once_the_value_is_there_the_copy_is_made_and_the_incident_ends(world):
    world.edit_charter("match: {idnumber: student_no}", "match: {email: email}")
    world.sis("UPDATE students SET email = NULL WHERE student_no = '00001'")
    world.sign_all()
    world.run("sync")
    world.sis("UPDATE students SET email = 'a@example.org' WHERE student_no = '00001'")

    world.run("sync")

    assert world.in_lms("SELECT email FROM users WHERE idnumber = '00001'") == [("a@example.org",)]
    assert world.run("incidents", "--json").json == []

from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]

# A length of 93 is the first for which this is more than a whole number can be.
LARGE = "length(email) * 100000000000000000"
LONG = "x" * 93


def number_for(world, student_no):
    rows = world.in_lms("SELECT idnumber, email, suspended FROM users")
    return {row[0]: row[1:] for row in rows}[student_no]


def test_a_number_too_large_leaves_the_copy_as_it_is_and_the_office_hears(world):
    world.edit_charter("email: {is: email,", f'email: {{is: "cast({LARGE} as text)",')
    world.settle()
    world.sis("UPDATE students SET email = ? WHERE student_no = '00001'", LONG)
    world.sis("UPDATE students SET email = 'bela@example.org' WHERE student_no = '00002'")

    said = world.run("sync", "--json")

    assert said.json["delivered"]["lms-accounts"]["answered"] == 1
    assert number_for(world, "00001") == ("1800000000000000000", 0)
    assert number_for(world, "00002") == ("1600000000000000000", 0)
    (told,) = world.run("incidents", "--json").json
    assert (told["code"], told["steward"], told["place"]) == ("M507", "it", "lms-accounts")
    assert "1 record(s), first 00001" in told["message"]
    (flow,) = [f for f in world.run("status", "--json").json["flows"] if f["held"]]
    assert flow["next"] == "Identity and Access: see incidents"


def test_the_incident_ends_when_the_value_can_be_computed_again(world):
    world.edit_charter("email: {is: email,", f'email: {{is: "cast({LARGE} as text)",')
    world.settle()
    world.sis("UPDATE students SET email = ? WHERE student_no = '00001'", LONG)
    world.run("sync")
    world.sis("UPDATE students SET email = 'a@example.org' WHERE student_no = '00001'")

    world.run("sync")

    assert number_for(world, "00001") == ("1300000000000000000", 0)
    assert world.run("incidents", "--json").json == []


def test_a_condition_that_cannot_be_computed_lets_nobody_leave(world):
    world.edit_charter(
        "    where: status in ('active', 'on_leave')\n",
        f"    where: status in ('active', 'on_leave') and abs({LARGE}) > 0\n",
    )
    world.settle()
    world.sis("UPDATE students SET email = ? WHERE student_no = '00001'", LONG)

    said = world.run("sync", "--changed", "--json")

    assert said.code == 0
    assert number_for(world, "00001") == ("s00001@example.org", 0)
    assert [i["code"] for i in world.run("incidents", "--json").json] == ["M507"]


def test_an_expectation_that_cannot_be_computed_is_a_breach_and_holds_nothing(world):
    world.edit_charter(
        "      fines: {owner: library.patrons, type: money, class: personal}\n",
        "      fines: {owner: library.patrons, type: money, class: personal}\n"
        f"    expects:\n      short-email: {{that: abs({LARGE}) > 0, because: it is printed}}\n",
        "charter.yaml",
    )  # fmt: skip
    world.sis("UPDATE students SET email = ? WHERE student_no = '00001'", LONG)
    world.sis("UPDATE students SET email = NULL WHERE student_no = '00002'")
    world.sign_all()

    said = world.run("sync", "--json")

    assert said.code == 0
    assert [(f["place"], f["keys"]) for f in said.json["findings"]] == [
        ("sis.students.short-email", 1)
    ]
    assert number_for(world, "00001") == (LONG, 0)


def test_what_would_only_be_proposed_is_not_computed_for_a_copy_that_is_as_it_should_be(world):
    # Of `active` this is a whole number, of `on_leave` it is more than one can be.
    large = "cast(length(status) * 120000000000000000 * 10 as text)"
    world.edit_charter("username: {initially: lower(email),", f'username: {{initially: "{large}",')
    world.settle()
    world.sis("UPDATE students SET status = 'on_leave' WHERE student_no = '00001'")

    world.run("sync", "--changed")
    world.run("sync")

    assert world.run("incidents", "--json").json == []

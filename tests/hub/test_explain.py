from __future__ import annotations

import pytest

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]


def _behind(world, *words: str) -> dict[str, dict[str, object]]:
    said = world.run("explain", *words, "--json")
    assert said.out, said.err
    return {one["flow"]: one for one in said.json["behind"]}


def test_a_copy_that_is_as_its_owner_says_is_behind_in_nothing(world):
    world.settle()

    said = world.run("explain", "student", "00001", "--json").json

    assert said["behind"] == []
    assert not any(copy["is_behind"] for copy in said["copies"])


def test_a_copy_that_a_guard_holds_back_says_what_it_should_be_and_why_and_who_is_next(world):
    world.settle()
    world.sis("UPDATE students SET name = name || ' X'")
    world.run("sync")

    said = world.run("explain", "student", "00001", "--in", "lms")

    assert "lms.users.fullname = Amara Okafor\n  should be   Amara Okafor X" in said.out
    assert "lms-accounts: lms.users is behind in fullname." in said.out
    assert "why         M503: 40 changes of 40 copies; the guard allows 30." in said.out
    assert "next        " in said.out
    assert "see incidents" in said.out


def test_a_copy_that_waits_to_be_applied_names_the_plan(world):
    world.settle()
    world.sis("UPDATE students SET name = 'Amara Hughes' WHERE student_no = '00001'")
    digest = world.run("plan", "--json").json["digest"]

    told = _behind(world, "student", "00001")["lms-accounts"]

    assert told["what"] == "is behind in fullname"
    assert told["next"] == f"an engineer: apply plan {digest[:12]}"


def test_a_record_that_the_target_refused_says_what_the_target_said(world):
    world.settle()
    world.sis("UPDATE students SET email = 's00002@example.org' WHERE student_no = '00001'")
    world.lms("CREATE UNIQUE INDEX one_email ON users (email)")
    world.run("sync")

    told = _behind(world, "student", "00001")["lms-accounts"]

    assert told["what"] == "is behind in email"
    assert any("The target refused it" in why for why in told["why"])


def test_a_record_that_left_says_that_its_copy_should_leave(world):
    world.settle()
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00001'")
    world.run("plan")

    told = _behind(world, "student", "00001")["lms-accounts"]

    assert told["what"] == "should no longer hold an active copy"


def test_a_source_that_cannot_be_read_is_said_of_every_copy_made_from_it(world):
    world.settle()
    world.write_patrons("cardnumber\n")
    world.run("sync")

    told = _behind(world, "student", "00001")

    assert [*told] == ["warehouse-students"]
    assert any("M514" in why for why in told["warehouse-students"]["why"])


def test_a_record_that_no_flow_carries_is_said_to_have_no_copy_due(world):
    world.sis("UPDATE students SET status = 'withdrawn' WHERE student_no = '00001'")
    world.settle()

    said = world.run("explain", "student", "00001", "--in", "lms")

    assert "lms-accounts: lms.users holds no copy, and none is due." in said.out


@pytest.mark.parametrize(
    ("words", "cure"),
    [
        (("studnt", "00001"), "Did you mean student?"),
        (("student", "00001", "--in", "lsm"), "Did you mean lms?"),
        (("student", "00001", "--field", "fulname"), "Did you mean fullname?"),
    ],
)
def test_a_name_that_the_charter_does_not_know_is_refused_with_the_nearest(world, words, cure):
    said = world.run("explain", *words)

    assert said.code == 1
    assert "M517" in said.err
    assert cure in said.err


def test_a_key_that_nobody_has_shows_how_keys_look(world):
    world.settle()

    one = world.run("explain", "student", "7")
    other = world.run("explain", "enrolment", "00001")

    assert "A key of student is its student_no, such as '00001'." in one.out
    assert "A key of enrolment is its student_no|code, such as '00001|ART1'." in other.out
    assert (one.code, other.code) == (1, 1)


def test_before_anything_was_read_explain_says_so_and_what_to_do(world):
    said = world.run("explain", "student", "00001")

    assert said.code == 1
    assert "No trusted reading of sis.students, library.patrons is kept; plan first." in said.out

"""Enrolments: one for a person in a course, with roles; suspended, never taken away."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, SkipRow
from matricula.connectors.kit.protocol import Write
from matricula.connectors.moodle.simulator.taking_part import enrolled_by
from tests.connectors.moodle.campus import change, create, enrol

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.moodle.campus import Campus

ENROL = "enrol_manual_enrol_users"
ALWAYS = {"is_active": True, "timestart": 0, "timeend": 0}


def test_an_enrolment_that_is_there_is_taken_over_without_a_call(campus: Campus):
    course, (amara,) = campus.taught("amara")
    row = {"roleid": 5, "userid": amara, "courseid": course}
    campus.wire.write(ENROL, enrolments=[row])

    (outcome,) = campus.write("enrolments", enrol(course, amara))

    assert outcome.external_id == f"{course}|{amara}|student"
    assert outcome.adopted
    assert campus.moodle.count(ENROL) == 1


def test_a_suspended_enrolment_that_is_adopted_sleeps_on_unless_the_flow_says_otherwise(
    campus: Campus,
):
    course, (amara,) = campus.taught("amara")
    row = {"roleid": 5, "userid": amara, "courseid": course, "suspend": 1}
    campus.wire.write(ENROL, enrolments=[row])

    (place,) = campus.make("enrolments", enrol(course, amara))
    asleep = campus.fields("enrolments", place)["suspended"]
    campus.make("enrolments", enrol(course, amara, suspended=False))

    assert asleep is True
    assert campus.fields("enrolments", place)["suspended"] is False


def test_a_suspension_of_one_of_two_roles_is_a_case_for_a_person(campus: Campus):
    course, (dewi,) = campus.taught("dewi")
    places = campus.make("enrolments", enrol(course, dewi), enrol(course, dewi, "teacher"))

    (outcome,) = campus.write("enrolments", change(places[0], "suspend"))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M734"
    assert campus.fields("enrolments", places[1])["suspended"] is False


def test_whoever_is_still_let_in_by_another_method_is_named(campus: Campus):
    course, (amara,) = campus.taught("amara")
    (place,) = campus.make("enrolments", enrol(course, amara))
    enrolled_by(campus.site, int(course), int(amara), "self", ALWAYS)

    (outcome,) = campus.write("enrolments", change(place, "suspend"))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M733"


def test_a_course_without_manual_enrolment_is_named_and_holds_up_no_other(campus: Campus):
    course, (amara,) = campus.taught("amara")
    (closed,) = campus.make("courses", create("c", campus.course("closed")))
    campus.site.courses.change(int(closed), {"has_manual": False})

    refused, done = campus.write("enrolments", enrol(closed, amara), enrol(course, amara))

    assert refused.error.code == "M732"
    assert done.error is None


def test_an_enrolment_is_never_taken_away(campus: Campus):
    course, (amara,) = campus.taught("amara")
    (place,) = campus.make("enrolments", enrol(course, amara))

    with pytest.raises(GiveUp, match="delete") as caught:
        campus.write("enrolments", Write("x", "delete", place, {}))

    assert "suspend" in caught.value.cure


def test_a_role_of_an_enrolment_cannot_change(campus: Campus):
    course, (amara,) = campus.taught("amara")
    (place,) = campus.make("enrolments", enrol(course, amara))

    (outcome,) = campus.write("enrolments", change(place, role="teacher"))

    assert isinstance(outcome.error, SkipRow)
    assert "role" in outcome.error.message


def test_whoever_was_unenrolled_by_hand_is_not_enrolled_anew_by_a_change(campus: Campus):
    course, (amara,) = campus.taught("amara")
    (place,) = campus.make("enrolments", enrol(course, amara))
    row = {"userid": amara, "courseid": course}
    campus.wire.write("enrol_manual_unenrol_users", enrolments=[row])
    campus.connector.describe()

    (outcome,) = campus.write("enrolments", change(place, "resume"))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M605"
    assert campus.find("enrolments", courseid=course) == []


def test_a_role_that_the_settings_do_not_know_is_refused_by_name(campus: Campus):
    course, (amara,) = campus.taught("amara")

    (outcome,) = campus.write("enrolments", enrol(course, amara, "dean"))

    assert isinstance(outcome.error, SkipRow)
    assert outcome.error.code == "M604"


def test_roles_have_the_numbers_that_the_settings_give_them(make_campus: Callable[..., Campus]):
    campus = make_campus(roles={"student": 5, "lecturer": 3})
    course, (dewi,) = campus.taught("dewi")

    campus.make("enrolments", enrol(course, dewi, "lecturer"))

    assert [row["role"] for row in campus.rows("enrolments")] == ["lecturer"]


def test_a_course_is_read_once_in_a_run_however_many_batches_there_are(campus: Campus):
    course, people = campus.taught("amara", "bela", "chidi")

    for one in people:
        campus.make("enrolments", enrol(course, one))

    # Nobody was there, so nobody is asked for who is suspended.
    assert campus.moodle.count("core_enrol_get_enrolled_users") == 1


def test_everything_read_has_each_person_once_for_each_role(campus: Campus):
    course, (amara, dewi) = campus.taught("amara", "dewi")
    campus.make(
        "enrolments",
        enrol(course, amara, suspended=True),
        enrol(course, dewi, "teacher"),
        enrol(course, dewi, "editingteacher"),
    )

    rows = {(row["userid"], row["role"]): row["_suspended"] for row in campus.rows("enrolments")}

    assert rows == {
        (amara, "student"): True,
        (dewi, "teacher"): False,
        (dewi, "editingteacher"): False,
    }

"""A lecturer leaves in the middle of a term: S12, from the day on which it is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.accounts import actions as accounts
from matricula.accounts import queries as held
from matricula.accounts.rules import Facts, may
from matricula.kernel.errors import Refused
from matricula.sis.people import queries as people
from matricula.sis.record.actions import refresh
from matricula.sis.record.models import TeachingRecord
from matricula.sis.teaching import access, actions, queries
from tests.sis.conftest import AT, TODAY, acting, doing
from tests.sis.teaching.conftest import MARKS_DUE, SEPTEMBER, granted, scheduler
from tests.sis.teaching.test_duties import assign

YESTERDAY = TODAY - timedelta(days=1)
UNTIL = date(2026, 10, 30)


def _leaves(staff, last_day=YESTERDAY, **told):
    with doing() as act:
        return actions.lecturer_leaves(act, staff, last_day, **told), act


def _who(section, on=TODAY):
    found = queries.of_sections([section], on=on)
    return {(one.held.staff_no, one.held.duty) for one in found}


def test_the_duty_and_every_section_end_with_the_last_day(dewi, efua):
    assign(dewi, "lead")
    assign(dewi, section="BIO101-B")

    left, act = _leaves(dewi, hand_over_to=efua)

    assert len(left.ended) == len(left.taken_over) == 2
    assert _who("BIO101-A") == {(efua, "lead")}
    assert _who("BIO101-B") == {(efua, "lecturer")}
    assert granted("dewi", TODAY) == set()
    assert people.duties([dewi], on=TODAY)[dewi] == ()
    assert act.left == []


def test_whoever_has_left_sees_no_roster_and_may_hand_in_marks_until_a_day(dewi):
    assign(dewi, "lead")

    left, _ = _leaves(dewi, submit_until=UNTIL)

    assert left.submitting == ("BIO101-A",)
    assert granted("dewi", TODAY) == granted("dewi", UNTIL) == {("marker", "BIO101-A")}
    assert granted("dewi", UNTIL + timedelta(days=1)) == set()
    marker = held.acting("dewi", role="marker", at=AT, today=TODAY)
    section = Facts(sections=frozenset({"BIO101-A"}))
    assert not any(may(marker, allowed, section) for allowed in access.ALLOWED.values())


def test_other_systems_drop_the_teaching_though_marks_may_be_handed_in(dewi, efua):
    assign(dewi, "lead")
    _, act = _leaves(dewi, hand_over_to=efua, submit_until=UNTIL)

    refresh(act.touched, on=TODAY)

    assert act.touched["teaching"] == {dewi, efua}
    assert list(TeachingRecord.objects.values_list("staff_no", "duty")) == [(efua, "lead")]


def test_a_moderator_who_leaves_has_no_marks_to_hand_in(dewi):
    assign(dewi, "moderator")

    left, _ = _leaves(dewi, submit_until=UNTIL)

    assert left.submitting == ()


def test_what_a_colleague_cannot_take_over_and_what_has_no_lead_is_left_to_a_person(dewi, efua):
    assign(dewi, "lead")
    assign(dewi, section="BIO101-B")
    assign(efua, "moderator")

    left, act = _leaves(dewi, hand_over_to=efua)

    assert len(left.taken_over) == 1
    assert any("was not taken over" in one for one in act.left)
    assert f"BIO101-A has no lead from {TODAY} on" in act.left[-1]


def test_without_a_colleague_every_section_that_was_led_is_named(dewi):
    assign(dewi, "lead")
    assign(dewi, "lead", "BIO101-B")

    _, act = _leaves(dewi)

    assert [one.partition(" ")[0] for one in act.left] == ["BIO101-A", "BIO101-B"]


def test_who_is_a_student_as_well_keeps_a_students_access(dewi):
    person = people.staff_member(dewi).person_id
    own = accounts.Wanted("student", "own", "", SEPTEMBER)
    accounts.grant(acting("operator"), "dewi", own)
    assign(dewi)

    _leaves(dewi)

    assert granted("dewi", TODAY) == {("student", "")}
    student = held.acting("dewi", role="", at=AT, today=TODAY)
    assert may(student, access.ALLOWED["read the timetable of a student"],
               Facts(persons=frozenset({person})))  # fmt: skip


def test_a_last_day_to_come_leaves_everything_as_it_is_until_then(dewi, efua):
    assign(dewi, "lead")
    friday = date(2026, 10, 16)

    _leaves(dewi, friday, hand_over_to=efua)

    assert granted("dewi", friday) == {("lecturer", "BIO101-A")}
    assert granted("efua", friday) == set()
    assert granted("efua", friday + timedelta(days=1)) == {("lecturer", "BIO101-A")}


def test_whose_duty_was_ended_already_still_loses_the_sections(dewi):
    assign(dewi, "marker")
    from matricula.sis.people import actions as employing

    with doing() as act:
        employing.end_duty(act, dewi, "lecturer", YESTERDAY)

    left, _ = _leaves(dewi)

    assert len(left.ended) == 1
    assert granted("dewi", TODAY) == set()


def test_to_leave_again_changes_nothing(dewi, efua):
    assign(dewi, "lead")
    _leaves(dewi, hand_over_to=efua, submit_until=UNTIL)

    left, act = _leaves(dewi, hand_over_to=efua, submit_until=UNTIL)

    assert (left.ended, left.taken_over, left.submitting) == ((), (), ())
    assert act.touched == {}
    assert granted("dewi", UNTIL) == {("marker", "BIO101-A")}


def test_a_time_to_hand_in_marks_is_ended_early_by_its_number(dewi):
    assign(dewi, "lead")
    _leaves(dewi, submit_until=UNTIL)
    (late,) = [one for one in queries.of_staff([dewi]) if one.held.duty == "submission"]

    with doing(scheduler()) as act:
        actions.end(act, late.number, last_day=YESTERDAY)

    assert granted("dewi", TODAY) == set()


def test_a_marking_that_goes_on_longer_ends_with_the_last_day(dewi):
    assign(dewi, "marker", ends_on=MARKS_DUE)

    _leaves(dewi)

    assert granted("dewi", MARKS_DUE) == set()


@pytest.mark.parametrize(
    ("told", "code"),
    [
        ({"hand_over_to": "S999999"}, "M931"),
        ({"submit_until": YESTERDAY}, "M972"),
        ({"hand_over_to": "S000001"}, "M972"),
    ],
)
def test_what_makes_no_sense_is_refused_and_nobody_has_left(dewi, told, code):
    assign(dewi)

    with pytest.raises(Refused) as refused:
        _leaves(dewi, **told)

    assert refused.value.code == code
    assert granted("dewi", TODAY) == {("lecturer", "BIO101-A")}

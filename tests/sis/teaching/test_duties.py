"""Duties in sections: who may have them, and what an account is granted for them and loses."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.accounts import actions as accounts
from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.record.actions import refresh
from matricula.sis.record.models import TeachingRecord
from matricula.sis.record.queries import touched_on
from matricula.sis.teaching import actions, queries
from matricula.sis.teaching.actions import Wanted
from tests.sis.conftest import AT, TODAY, acting, doing
from tests.sis.teaching.conftest import (
    BOARD,
    DECEMBER,
    MARKS_DUE,
    SEPTEMBER,
    granted,
    hire,
    scheduler,
)

YESTERDAY, TOMORROW = TODAY - timedelta(days=1), TODAY + timedelta(days=1)
LATER = AT + timedelta(hours=1)


def assign(staff, duty="lecturer", section="BIO101-A", starts_on=SEPTEMBER, ends_on=None, **told):
    with doing(scheduler(**told)) as act:
        return actions.assign(act, Wanted(section, staff, duty, starts_on, ends_on)), act


def _teaches(section="BIO101-A", on=TODAY, known_at=None):
    found = queries.of_sections([section], on=on, known_at=known_at)
    return {(one.held.staff_no, one.held.duty) for one in found}


@pytest.mark.parametrize(
    ("duty", "role", "until"),
    [
        ("lead", "lecturer", MARKS_DUE),
        ("lecturer", "lecturer", MARKS_DUE),
        ("marker", "marker", MARKS_DUE),
        ("moderator", "moderator", BOARD),
    ],
)
def test_with_a_duty_its_role_is_granted_in_the_section_for_the_same_days(dewi, duty, role, until):
    assign(dewi, duty)

    assert granted("dewi", SEPTEMBER - timedelta(days=1)) == set()
    assert granted("dewi", SEPTEMBER) == granted("dewi", until) == {(role, "BIO101-A")}
    assert granted("dewi", until + timedelta(days=1)) == set()


def test_ending_a_duty_ends_what_was_granted_for_it_and_nothing_else(dewi):
    ending, _ = assign(dewi)
    assign(dewi, section="BIO101-B")

    with doing(scheduler()) as act:
        actions.end(act, ending.number, last_day=YESTERDAY)

    assert granted("dewi", TODAY) == {("lecturer", "BIO101-B")}
    assert _teaches() == set()
    assert _teaches(on=YESTERDAY) == {(dewi, "lecturer")}


def test_a_duty_that_ends_before_it_began_was_never_held(dewi):
    made, _ = assign(dewi, starts_on=TOMORROW)

    with doing(scheduler()) as act:
        left = actions.end(act, made.number, last_day=TODAY)

    assert left is None
    assert granted("dewi", TOMORROW) == set()
    assert _teaches(on=TOMORROW) == set()


def test_what_was_known_before_a_duty_was_ended_is_known_still(dewi):
    made, _ = assign(dewi)

    with doing(scheduler(at=LATER)) as act:
        actions.end(act, made.number, last_day=YESTERDAY)

    assert _teaches(known_at=AT) == {(dewi, "lecturer")}
    assert _teaches(known_at=LATER) == set()


def test_whoever_has_no_account_is_granted_nothing_until_there_is_one(taught):
    staff = hire("Femi", account=False)
    made, act = assign(staff)
    person = made.person

    accounts.open_account(acting("operator"), "femi", person=person)
    with doing(scheduler()) as later:
        count = actions.give_access(later, staff)

    assert "has no account" in act.left[0]
    assert count == 1
    assert granted("femi", TODAY) == {("lecturer", "BIO101-A")}


@pytest.mark.parametrize(
    ("before", "wanted", "says"),
    [
        ([("lecturer", "BIO101-A")], ("lecturer", "BIO101-A"), "already"),
        ([("lead", "BIO101-A")], ("moderator", "BIO101-A"), "lead of BIO101-A"),
        ([("moderator", "BIO101-A")], ("marker", "BIO101-A"), "moderator of BIO101-A"),
        ([("lecturer", "BIO101-A")], ("lecturer", "BIO102-A"), "at the same time"),
    ],
)
def test_what_cannot_go_together_is_refused_and_nothing_is_granted(dewi, before, wanted, says):
    for duty, section in before:
        assign(dewi, duty, section)
    had = granted("dewi", TODAY)

    with pytest.raises(Refused, match=says) as refused:
        assign(dewi, *wanted)

    assert refused.value.code == "M972"
    assert granted("dewi", TODAY) == had


def test_a_lead_of_two_sections_at_the_same_time_is_told_to_a_person(dewi):
    assign(dewi, "lead")

    _, act = assign(dewi, "lead", "BIO102-A")

    assert "at the same time" in act.left[0]


def test_sections_that_do_not_meet_at_the_same_time_are_taught_by_one(dewi):
    assign(dewi)
    assign(dewi, section="BIO101-B")

    assert _teaches("BIO101-B") == {(dewi, "lecturer")}


def test_whoever_is_no_lecturer_on_every_day_of_it_is_not_given_a_duty(taught):
    staff = hire("Gwen", until=DECEMBER)

    with pytest.raises(Refused, match="no lecturer here"):
        assign(staff)
    assign(staff, ends_on=DECEMBER)

    assert _teaches() == {(staff, "lecturer")}


def test_a_colleague_takes_over_to_the_end_and_it_is_known_from_whom(dewi, efua):
    made, _ = assign(dewi, "lead")

    with doing(scheduler()) as act:
        taken = actions.hand_over(act, made.number, to=efua, on=TOMORROW)

    assert (taken.takes_over, taken.starts_on, taken.ends_on) == (
        made.number, TOMORROW, MARKS_DUE)  # fmt: skip
    assert _teaches() == {(dewi, "lead")}
    assert _teaches(on=TOMORROW) == {(efua, "lead")}
    assert (granted("dewi", TOMORROW), act.left) == (set(), [])


def test_a_duty_that_nobody_may_take_over_stays_where_it_is(dewi, efua):
    made, _ = assign(dewi, "lead")
    assign(efua, "moderator")

    with pytest.raises(Refused, match="moderator"), doing(scheduler()) as act:
        actions.hand_over(act, made.number, to=efua, on=TOMORROW)

    assert (dewi, "lead") in _teaches(on=TOMORROW)


def test_a_section_that_loses_its_only_lead_is_told_of(dewi):
    made, _ = assign(dewi, "lead")

    with doing(scheduler()) as act:
        actions.end(act, made.number, last_day=YESTERDAY)

    assert act.left[0].startswith(f"BIO101-A has no lead from {TODAY} on")


@pytest.mark.parametrize("number", ["S000001/9", "nobody"])
def test_an_assignment_that_is_none_cannot_be_ended(dewi, number):
    with pytest.raises(Refused) as refused, doing(scheduler()) as act:
        actions.end(act, number, last_day=TODAY)

    assert refused.value.code == "M971"


def test_a_duty_that_has_ended_by_then_is_not_ended_again(dewi):
    made, _ = assign(dewi, ends_on=YESTERDAY)

    with pytest.raises(Refused) as refused, doing(scheduler()) as act:
        actions.end(act, made.number, last_day=TODAY)

    assert refused.value.code == "M972"


def test_other_systems_are_told_who_teaches_today_and_hear_when_it_begins_and_ends(dewi):
    assign(dewi, "marker", starts_on=TODAY, ends_on=TOMORROW)
    _, act = assign(dewi, starts_on=TOMORROW)

    refresh(act.touched, on=TODAY)
    today = set(TeachingRecord.objects.values_list("section_code", "duty"))
    refresh(touched_on(TODAY, TOMORROW), on=TOMORROW)
    tomorrow = set(TeachingRecord.objects.values_list("section_code", "duty"))

    assert act.touched["teaching"] == {dewi}
    assert today == {("BIO101-A", "marker")}
    assert tomorrow == {("BIO101-A", "marker"), ("BIO101-A", "lecturer")}
    after = date(2026, 10, 16)
    assert touched_on(TOMORROW, after)["teaching"] == {dewi}


def test_the_audit_says_who_was_given_what_and_what_was_granted(dewi):
    assign(dewi)

    assert "assign" in {entry.action for entry in audited("section", "BIO101-A")}
    assert "grant" in {entry.action for entry in audited("account", "dewi")}

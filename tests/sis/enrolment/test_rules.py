"""What statuses mean, what is looked at before a place is given, and how one leaves."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, time
from decimal import Decimal

import pytest

from matricula.kernel.checks import in_the_way
from matricula.sis.curriculum.rules import MeetingTime, Taught
from matricula.sis.enrolment import rules
from tests.sis.enrolment.conftest import AUTUMN, CHOOSING, DROPPING, LATE


def section(code="BIO101-1", weekday=1, **told):
    """A section that is open and meets once a week."""
    when = MeetingTime(weekday, time(9), time(11), AUTUMN.starts_on, AUTUMN.ends_on)
    made = Taught(
        code, code.partition("-")[0], "Title", Decimal(20), 1, "2026-1", "MAIN", "SCI", 30,
        "open", meetings=(when,), timezone="Europe/London",
    )  # fmt: skip
    return replace(made, **told)


def taken(code, status=rules.ENROLLED, grade="", term="2026-1", credits_=20):
    """An enrolment that the student has."""
    return rules.Taken(code, code.partition("-")[0], term, Decimal(credits_), status, grade)


def wish(**told):
    """A wish that nothing is in the way of."""
    made = rules.Wish("00000001", section(), AUTUMN, CHOOSING, rules.REGISTERED, "full", "uk")
    return replace(made, **told)


def wrong(asked):
    """What is in the way, by its names."""
    return [one.name for one in in_the_way(rules.checks(asked))]


def test_what_nothing_is_in_the_way_of_passes_every_check():
    found = rules.checks(wish())

    assert [one.outcome for one in found] == ["passed"] * 8


@pytest.mark.parametrize(
    ("told", "names"),
    [
        ({"state": ""}, ["registration"]),
        ({"state": rules.HELD}, ["registration"]),
        ({"state": rules.ON_LEAVE}, ["registration"]),
        ({"section": section(state="closed")}, ["section"]),
        ({"section": section(state="planned")}, ["section"]),
        ({"on": date(2026, 7, 31)}, ["window"]),
        ({"on": date(2026, 9, 15)}, ["window"]),
        ({"on": date(2026, 9, 14)}, []),
        ({"taken": (taken("BIO101-2"),)}, ["module"]),
        ({"taken": (taken("BIO101-2", rules.WAITLISTED),)}, ["module"]),
        ({"taken": (taken("BIO101-2", rules.DROPPED),)}, []),
        ({"taken": (taken("BIO101-9", rules.GRADED, "B", "2025-1"),)}, ["repeat"]),
        ({"taken": (taken("BIO101-9", rules.GRADED, "F", "2025-1"),)}, []),
        ({"taken": (taken("BIO101-9", rules.WITHDRAWN, "", "2025-1"),)}, []),
        ({"taken": (taken("X-1", credits_=60),)}, []),
        ({"taken": (taken("X-1", credits_=61),)}, ["load"]),
        ({"taken": (taken("X-1", credits_=61),), "policy": "open"}, []),
        ({"taken": (taken("X-1", credits_=61, term="2025-1"),)}, []),
        ({"taken": (taken("X-1", rules.DROPPED, credits_=61),)}, []),
        ({"taken": (taken("X-1", credits_=30),), "load": "part"}, ["load"]),
        ({"beside": (section("CHE101-1"),)}, ["clash"]),
        ({"beside": (section("CHE101-1", weekday=2),)}, []),
    ],
)
def test_each_check_says_no_for_what_it_is_there_for_and_for_nothing_else(told, names):
    assert wrong(wish(**told)) == names


@pytest.mark.parametrize(
    ("requisites", "held", "names"),
    [
        ("passed(CHE101)", (), ["requisites"]),
        ("passed(CHE101)", (taken("CHE101-9", rules.GRADED, "A", "2025-1"),), []),
        ("passed(CHE101, 60)", (taken("CHE101-9", rules.GRADED, "55", "2025-1"),), ["requisites"]),
        ("passed(CHE101, 60)", (taken("CHE101-9", rules.GRADED, "65", "2025-1"),), []),
        ("enrolled(CHE101)", (taken("CHE101-1"),), []),
        ("enrolled(CHE101)", (taken("CHE101-1", rules.WAITLISTED),), ["requisites"]),
        ("not passed(CHE101)", (taken("CHE101-9", rules.GRADED, "A", "2025-1"),), ["requisites"]),
    ],
)
def test_requisites_are_weighed_with_what_was_passed_and_what_is_taken_now(
    requisites, held, names
):
    assert wrong(wish(section=section(requisites=requisites), taken=held)) == names


def test_permission_is_what_is_awaited_only_where_nothing_else_is_missing():
    alone = wish(section=section(requisites="permission"))
    more = wish(section=section(requisites="permission and passed(CHE101)"))
    given = replace(alone, waived=frozenset({rules.PERMISSION}))

    assert [rules.awaits_permission(one) for one in (alone, more, wish())] == [True, False, False]
    assert wrong(given) == []


def test_what_a_registrar_lets_pass_stays_written_and_what_nobody_may_let_pass_stays_in_the_way():
    asked = wish(
        on=LATE, state="", waived=frozenset({"window", "registration"}),
        beside=(section("CHE101-1"),),
    )  # fmt: skip

    found = {one.name: one for one in rules.checks(asked)}

    assert wrong(asked) == ["registration", "clash"]
    assert found["window"].outcome == "warned"
    assert "until 2026-09-14" in found["window"].what


def test_every_no_names_an_office_what_clears_it_and_how_to_object():
    asked = wish(
        on=LATE, state="", section=section(state="closed", requisites="passed(CHE101)"),
        taken=(taken("BIO101-2"), taken("X-1", credits_=99),
               taken("BIO101-9", rules.GRADED, "B", "2025-1")),
        beside=(section("CHE101-1"),),
    )  # fmt: skip

    found = in_the_way(rules.checks(asked))

    assert len(found) == 8
    for one in found:
        assert all((one.what, one.office, one.clears, one.appeal)), one


def test_who_has_a_seat_is_charged_counted_told_and_let_in_and_who_waits_is_none_of_it():
    here = {"enrolled", "incomplete", "graded"}

    for name, status in rules.STATUSES.items():
        flags = (
            status.occupies_seat, status.counts_for_fees, status.counts_for_headcount,
            status.on_transcript, status.has_lms_access,
        )  # fmt: skip
        if name == rules.WITHDRAWN:
            assert flags == (False, True, True, True, False)
        else:
            assert flags == (name in here,) * 5, name
    assert here == rules.SEATED


def test_what_can_be_graded_and_what_the_transcript_says_of_itself():
    gradable = {name for name, status in rules.STATUSES.items() if status.gradable}
    automatic = {n: s.automatic_grade for n, s in rules.STATUSES.items() if s.automatic_grade}

    assert gradable == {"enrolled", "incomplete"}
    assert automatic == {"withdrawn": "W", "incomplete": "I"}
    assert set(rules.TOLD_AS) == set(rules.STATUSES)


@pytest.mark.parametrize(
    ("grade", "is_pass"),
    [("A", True), ("F", False), ("40", True), ("39.9", False), ("AB", False), ("", False)],
)
def test_a_grade_is_a_pass_or_none(grade, is_pass):
    assert rules.is_passed(grade) is is_pass


def test_a_newcomer_overtakes_nobody_and_an_offered_seat_is_not_free():
    assert rules.Seats(taken=1).has_room(2)
    assert not rules.Seats(taken=1, offered=1).has_room(2)
    assert not rules.Seats(taken=1, waiting=1).has_room(2)
    assert rules.Seats(taken=1, waiting=1).free(2) == 1
    assert rules.Seats(taken=3).free(2) == 0


@pytest.mark.parametrize(
    ("status", "day", "how", "ends"),
    [
        ("enrolled", AUTUMN.census_on, "withdraw", "drop"),
        ("enrolled", date(2026, 10, 2), "withdraw", "withdraw"),
        ("enrolled", date(2026, 10, 2), "leave", "withdraw"),
        ("enrolled", date(2026, 10, 2), "drop", "drop"),
        ("waitlisted", date(2026, 10, 2), "withdraw", "drop"),
        ("incomplete", date(2026, 9, 2), "withdraw", "withdraw"),
    ],
)
def test_up_to_the_census_it_is_dropped_and_later_withdrawn_from(status, day, how, ends):
    assert rules.how_to_leave(AUTUMN, status, on=day, how=how) == ends


@pytest.mark.parametrize(
    ("action", "day", "today", "is_own", "says"),
    [
        ("drop", DROPPING, DROPPING, True, ""),
        ("drop", date(2026, 9, 29), date(2026, 9, 29), True, "are dropped until 2026-09-28"),
        ("drop", date(2026, 9, 29), date(2026, 9, 29), False, ""),
        ("drop", LATE, LATE, False, "The census of 2026-1 was on 2026-10-01"),
        ("drop", CHOOSING, DROPPING, True, "leaves a section from today"),
        ("drop", CHOOSING, DROPPING, False, ""),
        ("drop", DROPPING, CHOOSING, False, "is still to come"),
        ("withdraw", LATE, LATE, True, ""),
        ("withdraw", DROPPING, DROPPING, True, "a section is dropped"),
        ("withdraw", date(2026, 12, 1), date(2026, 12, 1), True, "until 2026-11-20"),
        ("withdraw", date(2026, 12, 1), date(2026, 12, 1), False, ""),
    ],
)
def test_a_student_is_bound_to_the_windows_and_an_office_to_the_census(
    action, day, today, is_own, says
):
    found = rules.leaving_checks(AUTUMN, action, on=day, today=today, is_own=is_own)

    assert [one.what for one in found if says in one.what] == [one.what for one in found]
    assert bool(found) is bool(says)

"""Duties and attendance as values: what is refused says why, and marks add up one way only."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from matricula.kernel.checks import in_the_way
from matricula.sis.curriculum.rules import MeetingTime, Taught
from matricula.sis.teaching import rules
from matricula.sis.teaching.rules import Around, Held, Mark

SEPTEMBER, OCTOBER = date(2026, 9, 1), date(2026, 10, 1)
DECEMBER = date(2026, 12, 14)
EMPLOYED = ((date(2020, 1, 1), None),)
NOON = datetime(2026, 10, 14, 12, tzinfo=UTC)
WANTED = Held("BIO101-A", "S1", "lecturer", SEPTEMBER, DECEMBER)


def _told(wanted=WANTED, *, beside=(), employed=EMPLOYED, clashes=()):
    return in_the_way(rules.checks(wanted, Around(beside, employed, clashes)))


def _mark(number, category, *, on=OCTOBER, student="00000001", amends=None, section="BIO101-A"):
    recorded = NOON + timedelta(minutes=number)
    return Mark(
        number, student, section, on, time(9), category, recorded,
        "mistaken" if amends else "", amends,
    )  # fmt: skip


def test_a_duty_within_employment_and_beside_nothing_else_is_given():
    assert _told() == []


def test_the_same_duty_is_not_given_twice_for_a_day_and_is_for_the_day_after():
    held = replace(WANTED, ends_on=date(2026, 9, 30))

    (refused,) = _told(beside=[held])

    assert "already" in refused.what
    assert _told(replace(WANTED, starts_on=OCTOBER), beside=[held]) == []


@pytest.mark.parametrize("judging", ["lead", "marker"])
def test_whoever_judges_work_does_not_moderate_it_whichever_came_first(judging):
    judge = replace(WANTED, duty=judging, ends_on=date(2026, 9, 30))
    moderator = replace(WANTED, duty="moderator", starts_on=OCTOBER)

    (one,) = _told(moderator, beside=[judge])
    (other,) = _told(judge, beside=[moderator])

    assert {one.name, other.name} == {"moderation"}


def test_a_lecturer_who_only_teaches_may_moderate():
    assert _told(replace(WANTED, duty="moderator"), beside=[WANTED]) == []


@pytest.mark.parametrize(
    ("employed", "is_covered"),
    [
        ([], False),
        ([(SEPTEMBER, None)], True),
        ([(SEPTEMBER, DECEMBER)], True),
        ([(date(2026, 9, 2), None)], False),
        ([(SEPTEMBER, date(2026, 12, 13))], False),
        ([(OCTOBER, None), (SEPTEMBER, date(2026, 9, 30))], True),
        ([(date(2026, 10, 2), None), (SEPTEMBER, date(2026, 9, 30))], False),
    ],
)
def test_a_duty_in_a_section_asks_for_the_duty_of_a_lecturer_on_each_of_its_days(
    employed, is_covered
):
    assert (_told(employed=employed) == []) is is_covered


def test_a_duty_without_an_end_asks_for_employment_without_one():
    endless = replace(WANTED, ends_on=None)

    assert _told(endless) == []
    assert [one.name for one in _told(endless, employed=[(SEPTEMBER, DECEMBER)])] == ["employment"]


def test_who_teaches_is_in_one_room_at_a_time_and_who_leads_is_warned():
    (lecturer,) = _told(clashes=["BIO102-A on Mondays"])
    lead = replace(WANTED, duty="lead")
    (warned,) = rules.checks(lead, Around((), EMPLOYED, ["BIO102-A on Mondays"]))

    assert lecturer.name == "clash"
    assert warned.outcome == "warned"
    assert _told(replace(WANTED, duty="marker"), clashes=["BIO102-A on Mondays"]) == []


def test_days_in_the_wrong_order_and_unknown_duties_are_refused():
    (order,) = _told(replace(WANTED, ends_on=date(2026, 8, 1)))
    (unknown,) = _told(replace(WANTED, duty="janitor"))

    assert order.name == "days"
    assert "janitor" in unknown.what


days = some.dates(SEPTEMBER, SEPTEMBER + timedelta(days=6))
duties = some.builds(
    lambda duty, start, length: replace(
        WANTED, duty=duty, starts_on=start,
        ends_on=None if length > 4 else start + timedelta(days=length),
    ),
    some.sampled_from(rules.DUTIES), days, some.integers(0, 5),
)  # fmt: skip


@given(some.lists(duties, max_size=12))
@settings(max_examples=100, deadline=None, derandomize=True)
def test_whatever_is_asked_for_no_duty_is_held_twice_on_a_day_and_nobody_moderates_themselves(
    asked,
):
    held = []
    for wanted in asked:
        told = _told(wanted, beside=held)
        if not told:
            held.append(wanted)
        assert all(one.what and one.office and one.clears and one.appeal for one in told)

    for day in (SEPTEMBER + timedelta(days=offset) for offset in range(15)):
        today = [one.duty for one in held if one.on(day)]
        assert len(today) == len(set(today))
    ever = {one.duty for one in held}
    assert "moderator" not in ever or not ever & rules.JUDGING


def test_the_last_of_a_chain_of_amendments_counts_and_what_was_known_before_is_known_still():
    marks = [_mark(1, "unexcused"), _mark(2, "present", amends=1), _mark(3, "partial", amends=2)]

    (now,) = rules.standing(marks)
    (then,) = rules.standing(marks, known_at=NOON + timedelta(minutes=1))

    assert (now.category, then.category) == ("partial", "unexcused")


def test_a_summary_counts_what_stands_and_nothing_after_the_last_day():
    marks = rules.standing(
        [
            _mark(1, "unexcused"), _mark(2, "present", amends=1),
            _mark(3, "excused", on=date(2026, 10, 2)), _mark(4, "unexcused", on=date(2026, 10, 5)),
            _mark(5, "present", on=date(2026, 10, 9)),
        ]
    )  # fmt: skip

    found = rules.summary("00000001", "BIO101-A", marks, last_attended_on=date(2026, 10, 8))

    assert found.counts == {"present": 1, "partial": 0, "excused": 1, "unexcused": 1}
    assert found.after_leaving == 1
    assert found.attended_percent == 50


def test_of_no_meeting_there_is_no_share():
    assert rules.summary("00000001", "BIO101-A", []).attended_percent is None


def _taught(code="BIO101-A", *, weekday=3, starts=9, zone="Europe/London", state="open"):
    meeting = MeetingTime(weekday, time(starts), time(starts + 2), SEPTEMBER, DECEMBER, "R1")
    return Taught(
        code, "BIO101", "Cells", Decimal(10), 1, "2026-1", "MAIN", "SCI", 30, state, "",
        (meeting,), zone,
    )  # fmt: skip


def test_a_meeting_begins_by_the_clock_of_its_campus():
    week = rules.week_of(date(2026, 10, 14))

    (lesson,) = rules.lessons([_taught(zone="Asia/Tokyo")], week)

    assert lesson.on == date(2026, 10, 14)
    assert lesson.begins == datetime(2026, 10, 14, 0, tzinfo=UTC)


def test_lessons_of_several_campuses_come_in_the_order_of_instants_and_cancelled_ones_do_not():
    sections = [
        _taught("A"), _taught("B", zone="Asia/Tokyo"), _taught("C", starts=8),
        _taught("D", state="cancelled"),
    ]  # fmt: skip

    found = rules.lessons(sections, [date(2026, 10, 14)])

    assert [one.section for one in found] == ["B", "C", "A"]


def test_two_sections_at_the_same_time_clash_only_while_both_are_had():
    taught = {code: _taught(code) for code in ("BIO101-A", "BIO102-A")}
    other = replace(WANTED, section="BIO102-A", ends_on=date(2026, 9, 30))

    clashing = rules.at_the_same_time(WANTED, [other], taught)
    later = rules.at_the_same_time(replace(WANTED, starts_on=OCTOBER), [other], taught)
    marking = rules.at_the_same_time(WANTED, [replace(other, duty="marker")], taught)

    assert len(clashing) == 1
    assert "BIO102-A" in clashing[0]
    assert (later, marking) == ([], [])


def test_nobody_is_given_a_duty_in_a_section_that_is_cancelled():
    (refused,) = in_the_way(rules.checks(WANTED, Around((), EMPLOYED, is_cancelled=True)))

    assert refused.name == "section"


@pytest.mark.parametrize(
    ("wanted", "says"),
    [
        ({"00000001": "present"}, None),
        ({"00000001": "asleep"}, "no category asleep"),
        ({"00000009": "present"}, "was not enrolled"),
        ({"00000002": "present"}, "had left by"),
    ],
)
def test_attendance_is_taken_of_who_was_enrolled_and_had_not_left(wanted, says):
    told = rules.taking_checks(wanted, {"00000001": True, "00000002": False}, on=OCTOBER)

    assert [says in one.what for one in told] == ([] if says is None else [True])


def test_an_amendment_needs_a_reason_from_the_list():
    assert rules.amending_checks([], "") == []
    assert rules.amending_checks([_mark(1, "present")], "evidence") == []
    assert "is no reason" in rules.amending_checks([_mark(1, "present")], "flu")[0].what


def test_a_week_begins_on_monday():
    week = rules.week_of(date(2026, 10, 18))

    assert (week[0], week[-1]) == (date(2026, 10, 12), date(2026, 10, 18))

"""Clashes: two sections meet at the same time, at one clock or at two. No database."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.sis.curriculum.rules import CANCELLED, clashes, days_in_common, days_met
from tests.sis.curriculum.conftest import meeting, taught

AZORES = "Atlantic/Azores"


def test_two_that_meet_at_the_same_time_clash_on_the_days_that_both_have():
    biology = taught("BIO101-1", meeting(1, "09:00", "11:00"))
    chemistry = taught(
        "CHE101-1", meeting(1, "10:00", "12:00", first=date(2026, 9, 15), last=date(2026, 10, 6))
    )

    (clash,) = clashes([chemistry, biology])

    assert (clash.first, clash.second) == ("BIO101-1", "CHE101-1")
    assert (clash.from_on, clash.to_on) == (date(2026, 9, 21), date(2026, 10, 5))
    assert str(clash) == (
        "BIO101-1 meets on Monday 09:00 to 11:00, when CHE101-1 meets as well, from 2026-09-21 "
        "to 2026-10-05."
    )


@pytest.mark.parametrize(
    "other",
    [
        meeting(2, "09:00", "11:00"),
        meeting(1, "11:00", "12:00"),
        meeting(1, "08:00", "09:00"),
        meeting(1, first=date(2026, 9, 29), last=date(2026, 10, 4)),
    ],
)
def test_another_weekday_the_next_hour_and_days_without_that_weekday_do_not_clash(other):
    biology = taught("BIO101-1", meeting(1, first=date(2026, 9, 1), last=date(2026, 10, 4)))

    assert clashes([biology, taught("CHE101-1", other)]) == []


def test_a_section_that_meets_in_two_rooms_at_once_does_not_clash_with_itself():
    assert clashes([taught("BIO101-1", meeting(room="LAB1"), meeting(room="HALL"))]) == []


def test_what_is_cancelled_clashes_with_nothing():
    gone = taught("CHE101-1", meeting(), state=CANCELLED)

    assert clashes([taught("BIO101-1", meeting()), gone]) == []


def test_every_pair_of_three_is_named_once():
    found = clashes([taught(code, meeting()) for code in ("C-1", "A-1", "B-1")])

    assert [(one.first, one.second) for one in found] == [
        ("A-1", "B-1"), ("A-1", "C-1"), ("B-1", "C-1"),
    ]  # fmt: skip


def test_between_two_clocks_the_instants_decide():
    mainland = taught("BIO101-1", meeting(1, "10:00", "11:00"))
    same_words = taught("CHE101-1", meeting(1, "10:00", "11:00"), timezone=AZORES)
    same_instant = taught("PHY101-1", meeting(1, "09:00", "10:00"), timezone=AZORES)

    found = clashes([mainland, same_words, same_instant])

    assert [(one.first, one.second) for one in found] == [("BIO101-1", "PHY101-1")]


def test_clocks_that_move_apart_clash_only_while_they_are_together():
    # New York leaves summer time a week after London.
    london = meeting(3, "14:00", "15:00")
    new_york = meeting(3, "10:00", "11:00")

    days = days_in_common(london, "Europe/London", new_york, "America/New_York")

    assert days == (date(2026, 10, 28), date(2026, 10, 28))


def test_a_meeting_late_on_one_day_clashes_with_one_early_on_the_next_far_away():
    lagos = meeting(1, "22:00", "23:30")
    auckland = meeting(2, "09:30", "10:30")

    assert days_in_common(lagos, "Africa/Lagos", auckland, "Pacific/Auckland") is not None


_TIMES = st.integers(0, 22).flatmap(
    lambda begins: st.tuples(st.just(begins), st.integers(begins + 1, 23))
)
_MEETINGS = st.builds(
    lambda weekday, hours, first, days: meeting(
        weekday, f"{hours[0]:02}:00", f"{hours[1]:02}:00",
        first=date(2026, 10, 12) + timedelta(days=first),
        last=date(2026, 10, 12) + timedelta(days=first + days),
    ),
    st.integers(1, 7), _TIMES, st.integers(0, 20), st.integers(0, 20),
)  # fmt: skip
_ZONES = st.sampled_from(["Europe/London", AZORES, "America/New_York", "Pacific/Auckland"])


@settings(max_examples=50, deadline=None, derandomize=True)
@given(one=_MEETINGS, other=_MEETINGS, clock=_ZONES, other_clock=_ZONES)
def test_two_meetings_overlap_when_some_minute_belongs_to_both(one, other, clock, other_clock):
    def stretches(when, zone):
        for day in days_met(when.weekday, when.valid_from, when.valid_to):
            yield (
                day,
                [
                    datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)
                    for at in (when.starts_at, when.ends_at)
                ],
            )

    theirs = list(stretches(other, other_clock))
    together = [
        day
        for day, (begins, ends) in stretches(one, clock)
        if any(begins < last and first < ends for _, (first, last) in theirs)
    ]

    found = days_in_common(one, clock, other, other_clock)

    assert found == ((together[0], together[-1]) if together else None)


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    st.lists(
        st.tuples(st.sampled_from("ABCD"), st.lists(_MEETINGS, max_size=3), _ZONES), max_size=4,
        unique_by=lambda one: one[0],
    )
)  # fmt: skip
def test_the_pairs_that_clash_are_those_of_which_two_meetings_overlap(told):
    held = [replace(taught(f"{code}-1", *when), timezone=zone) for code, when, zone in told]

    expected = {
        (one.code, other.code)
        for one in held
        for other in held
        if one.code < other.code
        and any(
            days_in_common(mine, one.timezone, theirs, other.timezone)
            for mine in one.meetings
            for theirs in other.meetings
        )
    }
    assert {(one.first, one.second) for one in clashes(held)} == expected

"""When and where sections meet: a room holds one at a time, and what was met stays on record."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import actions, queries
from tests.sis.conftest import TODAY, doing
from tests.sis.curriculum.conftest import meeting, move, plan, schedule


@pytest.fixture
def sections(timetable):
    """Two sections of thirty seats."""
    plan("BIO101-1")
    plan("CHE101-1", module="CHE101")
    return timetable


def _assert_refused(action, *arguments, match, code="M927"):
    with pytest.raises(Refused, match=match) as refused, doing() as act:
        action(act, *arguments)
    assert refused.value.code == code


def test_a_meeting_lasts_as_long_as_the_term_unless_it_says_otherwise(sections):
    schedule("BIO101-1", meeting(3, room="LAB1"))

    assert queries.section("BIO101-1").meetings == (meeting(3, room="LAB1"),)


def test_a_room_holds_one_section_at_a_time(sections):
    schedule("BIO101-1", meeting(1, "09:00", "11:00", room="LAB1"))

    _assert_refused(
        actions.schedule_meeting, "CHE101-1", meeting(1, "10:59", "12:00", room="LAB1"),
        match="LAB1 holds BIO101-1 on Monday 09:00 to 11:00, from 2026-09-07 to 2026-12-14",
    )  # fmt: skip

    assert queries.section("CHE101-1").meetings == ()


@pytest.mark.parametrize(
    "when",
    [
        meeting(1, "11:00", "12:00", room="LAB1"),
        meeting(2, "09:00", "11:00", room="LAB1"),
        meeting(1, "09:00", "11:00", room="HALL"),
        meeting(1, "09:00", "11:00"),
        meeting(1, "09:00", "11:00", room="LAB1", first=date(2026, 10, 6)),
    ],
)
def test_the_next_hour_another_day_another_room_and_later_weeks_are_free(sections, when):
    schedule("BIO101-1", meeting(1, last=date(2026, 10, 5), room="LAB1"))

    schedule("CHE101-1", when)

    assert queries.section("CHE101-1").meetings == (when,)


def test_a_section_takes_no_room_twice(sections):
    schedule("BIO101-1", meeting(room="LAB1"))

    _assert_refused(
        actions.schedule_meeting, "BIO101-1", meeting(room="LAB1"), match="LAB1 holds BIO101-1"
    )


@pytest.mark.parametrize(
    ("when", "said"),
    [
        (meeting(0), "0 is no weekday"),
        (meeting(1, "11:00", "11:00"), "end at 11:00, not after 11:00"),
        (meeting(last=date(2026, 12, 15)), "not within the term 2026-1"),
        (meeting(first=date(2026, 8, 31)), "not within the term 2026-1"),
        (meeting(first=date(2026, 10, 5), last=date(2026, 9, 7)), "before its first"),
        (meeting(5, first=date(2026, 9, 7), last=date(2026, 9, 10)), "No Friday lies between"),
        (meeting(room="HUT"), "HUT is not on the campus of BIO101-1"),
    ],
)
def test_a_meeting_that_cannot_be_is_refused(sections, when, said):
    _assert_refused(actions.schedule_meeting, "BIO101-1", when, match=said)


def test_a_room_with_too_few_seats_and_one_that_is_not_there_are_refused(sections):
    plan("BIO101-9", seats=31)

    _assert_refused(
        actions.schedule_meeting, "BIO101-9", meeting(room="LAB1"), match="the room LAB1 has 30"
    )
    _assert_refused(
        actions.schedule_meeting, "BIO101-9", meeting(room="LAB2"), code="M921", match="LAB1"
    )


def test_a_cancelled_section_meets_no_more(sections):
    move("BIO101-1", "cancel", reason="too few")

    _assert_refused(
        actions.schedule_meeting, "BIO101-1", meeting(), code="M926", match="BIO101-1 is cancelled"
    )


def test_a_meeting_that_moves_stays_where_it_was_until_then(sections):
    number = schedule("BIO101-1", meeting(1, room="LAB1"))

    with doing() as act:
        actions.move_meeting(act, number, meeting(2, "14:00", "16:00", first=TODAY, room="HALL"))

    assert queries.section("BIO101-1").meetings == (
        meeting(1, last=date(2026, 10, 13), room="LAB1"),
        meeting(2, "14:00", "16:00", first=TODAY, room="HALL"),
    )
    schedule("CHE101-1", meeting(1, first=TODAY, room="LAB1"))


def test_a_meeting_that_moves_within_its_own_hour_is_not_in_its_own_way(sections):
    number = schedule("BIO101-1", meeting(1, "09:00", "11:00", room="LAB1"))

    with doing() as act:
        actions.move_meeting(act, number, meeting(1, "10:00", "12:00", first=TODAY, room="LAB1"))

    assert len(queries.section("BIO101-1").meetings) == 2


def test_a_meeting_ends_with_a_day_and_one_that_never_was_is_gone(sections):
    number = schedule("BIO101-1", meeting(1))
    later = schedule("BIO101-1", meeting(2, first=date(2026, 11, 3)))

    with doing() as act:
        actions.end_meeting(act, number, date(2026, 11, 2))
        actions.end_meeting(act, later, date(2026, 11, 2))

    assert queries.section("BIO101-1").meetings == (meeting(1, last=date(2026, 11, 2)),)
    _assert_refused(actions.end_meeting, number, TODAY, code="M921", match="or it was withdrawn")


def test_what_was_met_is_neither_moved_nor_ended(sections):
    number = schedule("BIO101-1", meeting(1))
    yesterday = TODAY - timedelta(days=1)

    _assert_refused(actions.end_meeting, number, yesterday - timedelta(days=1), match="is past")
    _assert_refused(actions.move_meeting, number, meeting(2, first=yesterday), match="is past")
    _assert_refused(
        actions.end_meeting, number, date(2026, 12, 14), match="ends on 2026-12-14 anyway"
    )


def test_clashes_are_found_for_many_at_once_in_as_few_queries_as_for_one(sections):
    schedule("BIO101-1", meeting(1))
    schedule("CHE101-1", meeting(1))

    with CaptureQueriesContext(
        connection,
    ) as one:
        (clash,) = queries.clashes(["BIO101-1", "CHE101-1"])
    with CaptureQueriesContext(connection) as many:
        found = queries.clashes_of(
            {number: ["BIO101-1", "CHE101-1"] for number in range(50)} | {99: ["BIO101-1"]}
        )

    assert (clash.first, clash.second) == ("BIO101-1", "CHE101-1")
    assert set(found) == set(range(50))
    assert len(many) == len(one) == 2

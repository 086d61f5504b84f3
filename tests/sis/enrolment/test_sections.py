"""What is done to a section follows for those who sit or wait there, and is taken back with it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.enrolment import actions, queries
from matricula.sis.record import actions as record
from matricula.sis.record.models import EnrolmentRecord
from tests.sis.conftest import doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    LATE,
    act,
    enrol,
    in_line,
    leave_all,
    offered,
    on,
    person_of,
    restore,
    status,
    student,
)


def _cancel(section, *, day=LATE, who=None):
    """Cancel a section; gives the act."""
    with doing(who or on(day, reason="too few")) as step:
        actions.cancel_section(step, section)
    return step


def _take_back(cancelled, *, day=LATE, who=None):
    with doing(who or on(day)) as step:
        actions.reverse_section(step, cancelled.act)
    return step


def test_a_seat_that_is_new_is_offered_to_the_first_who_waits(campus):
    amara, bela, chidi = (student(name) for name in ("Amara", "Bela", "Chidi"))
    for one in (amara, bela, chidi):
        enrol(one, "BIO101-1")

    told = act(actions.change_capacity, "BIO101-1", 2)

    assert told == [f"{bela}|BIO101-1"]
    assert offered("BIO101-1") == [bela]
    assert in_line("BIO101-1") == [bela, chidi]


def test_no_fewer_seats_are_given_than_are_taken_or_kept_for_somebody(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")
    act(actions.change_capacity, "BIO101-1", 2)

    with pytest.raises(Refused, match="would have 1 seats, and 2 are taken") as refused:
        act(actions.change_capacity, "BIO101-1", 1)

    assert refused.value.code == "M926"
    assert curriculum.section("BIO101-1").capacity == 2


def test_a_section_that_opens_again_offers_the_seats_that_became_free(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")
    act(actions.move_section, "BIO101-1", "close")
    act(actions.drop, amara, "BIO101-1")
    assert offered("BIO101-1") == []

    act(actions.move_section, "BIO101-1", "open")

    assert offered("BIO101-1") == [bela]


@pytest.mark.parametrize("day", [CHOOSING, LATE], ids=["before the census", "after it"])
def test_whoever_sits_or_waits_in_a_cancelled_section_is_dropped_and_nobody_withdrawn(campus, day):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")

    cancelled = _cancel("BIO101-1", day=day)

    assert [status(one, "BIO101-1", day) for one in (amara, bela)] == ["dropped", "dropped"]
    assert in_line("BIO101-1") == []
    assert {one.reason for one in queries.of_act(cancelled.act)} == {"too few"}
    assert cancelled.left == ["BIO101-1 is cancelled and 1 sat in it: see where they go."]


def test_the_learning_platform_lets_nobody_into_a_cancelled_section(campus):
    amara = student()
    enrol(amara, "MAT101-1")

    record.refresh(_cancel("MAT101-1").touched, on=LATE)

    assert EnrolmentRecord.objects.values_list("state", "has_access").get() == ("dropped", False)


def test_who_was_to_leave_on_a_later_day_loses_the_seat_today_and_keeps_no_withdrawal(campus):
    amara = student()
    enrol(amara, "MAT101-1")
    leave_all(amara, effective_on=LATE + timedelta(days=5))

    cancelled = _cancel("MAT101-1")

    assert status(amara, "MAT101-1", LATE) == "dropped"
    assert status(amara, "MAT101-1", LATE + timedelta(days=9)) == "dropped"
    # Who has left the term by then is not put into the section again.
    assert "stays dropped: the student is withdrawn by now." in _take_back(cancelled).left[0]


def test_who_withdrew_before_keeps_that_and_who_has_a_grade_keeps_the_grade(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "MAT101-1")
    act(actions.withdraw, amara, "MAT101-1", day=LATE, reason="personal")
    act(actions.grade, "MAT101-1", {bela: "B"}, who=on(LATE, "exams officer"))

    cancelled = _cancel("MAT101-1")

    assert [status(one, "MAT101-1") for one in (amara, bela)] == ["withdrawn", "graded"]
    assert "1 in MAT101-1 have a grade, and keep it." in cancelled.left


def test_a_cancellation_that_is_taken_back_puts_everybody_where_they_were(campus):
    amara, bela, chidi = (student(name) for name in ("Amara", "Bela", "Chidi"))
    for one in (amara, bela, chidi):
        enrol(one, "BIO101-1")

    back = _take_back(_cancel("BIO101-1"))

    assert curriculum.section("BIO101-1").state == "open"
    assert status(amara, "BIO101-1") == "enrolled"
    assert in_line("BIO101-1") == [bela, chidi]
    assert back.left == []


def test_nobody_is_put_into_a_section_that_was_cancelled_while_they_were_looked_at(campus):
    _cancel("MAT101-1", day=CHOOSING)

    with pytest.raises(Refused, match="MAT101-1 is cancelled") as refused:
        lock_sections(None, ["MAT101-1", "PHY101-1"], to_fill=True)

    assert refused.value.code == "M926"
    assert lock_sections(None, ["MAT101-1"]) == {"MAT101-1": 30}


def test_a_section_that_was_cancelled_after_all_has_nobody_who_came_meanwhile(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "MAT101-1")
    back = _take_back(_cancel("MAT101-1", day=CHOOSING), day=CHOOSING)
    enrol(bela, "MAT101-1")

    _take_back(back, day=CHOOSING)

    assert curriculum.section("MAT101-1").state == "cancelled"
    assert [status(one, "MAT101-1") for one in (amara, bela)] == ["dropped", "dropped"]


def test_who_is_in_another_section_of_the_module_by_then_stays_there(campus):
    amara = student()
    enrol(amara, "BIO101-1")
    cancelled = _cancel("BIO101-1", day=CHOOSING)
    enrol(amara, "BIO101-2")

    back = _take_back(cancelled, day=CHOOSING)

    assert status(amara, "BIO101-1", CHOOSING) == "dropped"
    assert back.left == [f"{amara}|BIO101-1 stays dropped: the student is in BIO101-2."]


def test_nobody_is_put_into_a_section_that_is_cancelled_by_now(campus):
    amara = student()
    enrol(amara, "MAT101-1")
    gone = leave_all(amara)
    cancelled = _cancel("MAT101-1")

    back = restore(gone)

    said = f"{amara}|MAT101-1 stays withdrawn: MAT101-1 is cancelled. Find another section."
    assert back.left == [said]
    assert status(amara, "MAT101-1") == "withdrawn"
    assert len(queries.of_act(cancelled.act)) == 0


@pytest.mark.parametrize(
    ("role", "scope", "value"),
    [("scheduler", "all", ""), ("scheduler", "department", "SCI"), ("registrar", "all", ""),
     ("registrar", "department", "SCI"), ("head of department", "department", "SCI")],
)  # fmt: skip
def test_whoever_may_cancel_a_section_drops_its_students_and_takes_both_back(
    campus, role, scope, value
):
    amara = student()
    enrol(amara, "MAT101-1")
    who = on(LATE, role, scope, value, reason="no staff")

    cancelled = _cancel("MAT101-1", who=who)
    dropped = status(amara, "MAT101-1")
    _take_back(cancelled, who=who)

    assert (dropped, status(amara, "MAT101-1")) == ("dropped", "enrolled")


@pytest.mark.parametrize(
    ("role", "scope", "value"),
    [("lecturer", "section", "MAT101-1"), ("scheduler", "department", "ART"),
     ("registrar", "programme", "BIO"), ("student", "own", "")],
)  # fmt: skip
def test_whoever_may_not_cancel_a_section_changes_nothing_of_it(campus, role, scope, value):
    amara = student()
    enrol(amara, "MAT101-1")
    cancelled = _cancel("MAT101-1")
    who = on(LATE, role, scope, value, reason="no staff", person=person_of(amara))

    for do, given in (
        (actions.cancel_section, ("PHY101-1",)), (actions.move_section, ("PHY101-1", "close")),
        (actions.change_capacity, ("PHY101-1", 31)), (actions.reverse_section, (cancelled.act,)),
    ):  # fmt: skip
        with pytest.raises(Refused) as refused:
            act(do, *given, who=who)
        assert refused.value.code == "M903"


def test_taking_back_asks_no_more_of_the_database_where_more_was_done(campus):
    asked = {}
    for section, size in (("BIO101-2", 5), ("MAT101-1", 30)):
        act(actions.change_capacity, section, size - 2)
        for n in range(size):
            enrol(student(f"Student {n}"), section)
        cancelled = _cancel(section, day=CHOOSING)
        with CaptureQueriesContext(connection) as counted:
            back = _take_back(cancelled, day=CHOOSING)
        asked[size] = len(counted)
        assert len(queries.of_act(back.act)) == size

    assert asked[30] == asked[5]


def test_who_finds_no_seat_when_many_come_back_waits_in_their_order(campus):
    numbers = [student(f"Student {n}") for n in range(3)]
    act(actions.change_capacity, "BIO101-1", 3)
    for one in numbers:
        enrol(one, "BIO101-1")
    with doing(on(CHOOSING)) as gone:
        for one in numbers:
            actions.drop(gone, one, "BIO101-1")
    act(actions.change_capacity, "BIO101-1", 1)

    back = restore(gone, day=CHOOSING)

    # The last thing is taken back first.
    assert status(numbers[2], "BIO101-1", CHOOSING) == "enrolled"
    assert in_line("BIO101-1") == [numbers[1], numbers[0]]
    assert [said.partition(" waits there at ")[2][:6] for said in back.left] == [
        "rank 1",
        "rank 2",
    ]

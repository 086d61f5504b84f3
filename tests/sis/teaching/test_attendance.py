"""Attendance: of whom, when, by which clock, and that nothing that was taken is ever lost."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.curriculum import queries as meetings
from matricula.sis.curriculum.rules import MeetingTime
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.people import actions as people
from matricula.sis.registration import queries as students
from matricula.sis.teaching import access, actions, queries
from matricula.sis.teaching.actions import Met
from matricula.sis.teaching.models import AttendanceMark
from matricula.sis.teaching.rules import week_of
from tests.sis.conftest import AT, TODAY, acting, doing
from tests.sis.teaching.conftest import DECEMBER, SEPTEMBER, enroll

LAST_WEDNESDAY, NEXT_WEDNESDAY = date(2026, 10, 7), date(2026, 10, 21)
NINE = time(9)
MET = Met("BIO101-A", LAST_WEDNESDAY, NINE)
SECTION = ("lecturer", "section", "BIO101-A")


@pytest.fixture
def amara(taught):
    """Amara, enrolled in Cells since the first of September."""
    return enroll("Amara")


@pytest.fixture
def bela(amara):
    """Bela, too."""
    return enroll("Bela")


def _take(categories=None, *, met=MET, rest="", who=SECTION, **told):
    with doing(acting(*who, **told)) as act:
        return actions.take(act, met, categories or {}, rest=rest)


def _taken(section="BIO101-A", on=LAST_WEDNESDAY, **told):
    found = queries.marks([section], on=on, **told)
    return {one.student_no: one.category for one in found}


def _move(student, wanted="BIO101-B", on=date(2026, 9, 10)):
    at = datetime(on.year, on.month, on.day, 9, tzinfo=UTC)
    with doing(acting(at=at, today=on)) as act:
        enrolment.swap(act, student, "BIO101-A", wanted)


def _withdraw(student, on, last):
    with doing(reason="personal") as act:
        enrolment.withdraw(
            act, student, "BIO101-A", effective_on=on, last_attended_on=last
        )  # fmt: skip


def test_attendance_is_taken_of_everybody_who_was_enrolled_with_one_word_for_the_rest(amara, bela):
    made = _take({bela: "unexcused"}, rest="present")

    assert len(made) == 2
    assert _taken() == {amara: "present", bela: "unexcused"}


def test_who_was_enrolled_on_the_day_counts_and_not_who_is_today(amara, bela):
    _move(bela)
    first_wednesday = Met("BIO101-A", date(2026, 9, 2), NINE)

    _take(met=first_wednesday, rest="present")
    _take(rest="present")

    assert _taken(on=first_wednesday.on) == {amara: "present", bela: "present"}
    assert _taken() == {amara: "present"}


def test_what_was_taken_stays_when_a_student_moves_or_withdraws(amara, bela):
    first_wednesday = Met("BIO101-A", date(2026, 9, 2), NINE)
    _take(met=first_wednesday, rest="present")

    _move(bela)
    _withdraw(amara, TODAY, TODAY)

    assert _taken(on=first_wednesday.on) == {amara: "present", bela: "present"}
    assert [one.counts["present"] for one in queries.attendance_of(bela)] == [1]


def test_what_was_taken_stays_when_the_meetings_of_the_section_change(amara):
    _take(rest="unexcused")
    (number,) = meetings.meetings_of("BIO101-A")

    with doing() as act:
        tuesday = MeetingTime(2, time(14), time(16), TODAY, DECEMBER, "R1")
        curriculum.move_meeting(act, number, tuesday)
    with doing(acting(*SECTION, reason="evidence")) as act:
        actions.amend(act, MET, amara, "excused")

    assert _taken() == {amara: "excused"}
    assert len(queries.timetable_of_section("BIO101-A", week_of(LAST_WEDNESDAY))) == 1


def test_after_the_last_day_of_attendance_nobody_is_taken(amara, bela):
    _withdraw(bela, TODAY, date(2026, 10, 5))

    _take(rest="present")
    with pytest.raises(Refused, match="had left by") as refused:
        _take({bela: "present"})

    assert refused.value.code == "M974"
    assert _taken() == {amara: "present"}


def test_what_was_taken_after_a_last_day_that_is_known_later_is_kept_and_not_counted(amara):
    _take(rest="present")

    _withdraw(amara, TODAY, date(2026, 10, 5))

    (found,) = queries.attendance_in("BIO101-A")
    assert _taken() == {amara: "present"}
    assert (found.counts["present"], found.after_leaving, found.attended_percent) == (0, 1, None)


def test_a_second_taking_is_an_amendment_that_names_the_first_and_has_a_reason(amara, bela):
    (first, _) = _take(rest="present")

    (second,) = _take({amara: "partial", bela: "present"}, reason="came late")

    assert (second.amends_id, second.reason) == (first.pk, "came late")
    assert _taken() == {amara: "partial", bela: "present"}
    assert AttendanceMark.objects.count() == 3


def test_to_take_the_same_again_changes_nothing(amara):
    _take(rest="present")

    assert _take({amara: "present"}) == []
    assert _take(rest="unexcused") == []
    assert _taken() == {amara: "present"}


@pytest.mark.parametrize("reason", ["", "flu"])
def test_an_amendment_without_a_reason_from_the_list_is_refused(amara, reason):
    _take(rest="present")

    with pytest.raises(Refused) as refused:
        _take({amara: "excused"}, reason=reason)

    assert refused.value.code == "M975"
    assert _taken() == {amara: "present"}


def test_a_mark_is_amended_as_often_as_it_is_wrong_and_each_is_known_as_it_was(amara):
    _take({amara: "unexcused"})
    for minutes, category in ((10, "partial"), (20, "present")):
        later = AT + timedelta(minutes=minutes)
        with doing(acting("registrar", at=later, reason="appeal")) as act:
            actions.amend(act, MET, amara, category)

    assert _taken() == {amara: "present"}
    assert _taken(known_at=AT + timedelta(minutes=15)) == {amara: "partial"}
    assert [one.category for one in queries.history(amara, "BIO101-A")] == [
        "unexcused", "partial", "present",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("student", "category", "code"),
    [("00000001", "present", "M975"), ("00000099", "excused", "M975"),
     ("00000001", "asleep", "M974")],
)  # fmt: skip
def test_an_amendment_of_nothing_or_to_nothing_is_refused(amara, student, category, code):
    _take(rest="present")

    with pytest.raises(Refused) as refused, doing(acting(*SECTION, reason="mistaken")) as act:
        actions.amend(act, MET, student, category)

    assert refused.value.code == code


@pytest.mark.parametrize(
    ("on", "at", "says"),
    [
        (date(2026, 10, 6), NINE, "on no timetable"),
        (LAST_WEDNESDAY, time(10), "on no timetable"),
        (NEXT_WEDNESDAY, NINE, "has not begun"),
    ],
)
def test_attendance_is_taken_of_a_meeting_of_the_timetable_that_has_begun(amara, on, at, says):
    with pytest.raises(Refused, match=says) as refused:
        _take(met=Met("BIO101-A", on, at), rest="present")

    assert refused.value.code == "M973"
    assert "In that week it meets on: " in refused.value.cure


def test_a_meeting_begins_by_the_clock_of_its_campus_and_not_of_the_server(amara):
    # Nine o'clock in London is eight o'clock UTC in October.
    today = Met("BIO101-A", TODAY, NINE)
    early = datetime(2026, 10, 14, 7, 59, tzinfo=UTC)

    with pytest.raises(Refused, match="has not begun"):
        _take(met=today, rest="present", at=early)
    _take(met=today, rest="present", at=early + timedelta(minutes=1))

    assert _taken(on=TODAY) == {amara: "present"}


@pytest.mark.parametrize(
    ("categories", "says"),
    [({"00000099": "present"}, "was not enrolled"), ({"00000001": "asleep"}, "no category")],
)
def test_who_was_not_enrolled_and_what_is_no_category_is_refused_whole(amara, categories, says):
    with pytest.raises(Refused, match=says) as refused:
        _take(categories, rest="present")

    assert refused.value.code == "M974"
    assert _taken() == {}


@pytest.mark.parametrize(
    "who", [("lecturer", "section", "BIO101-B"), ("marker", "section", "BIO101-A"), ("registrar",)]
)
def test_only_a_lecturer_of_the_section_takes_its_attendance(amara, who):
    with pytest.raises(Refused) as refused:
        _take(rest="present", who=who)

    assert refused.value.code == "M903"


def test_attendance_is_added_up_for_each_student_and_section(amara, bela):
    for week, word in enumerate(("present", "unexcused", "excused", "present")):
        met = Met("BIO101-A", date(2026, 9, 9) + timedelta(weeks=week), NINE)
        _take({amara: word}, met=met, rest="partial")

    mine = access.attendance_of_student(acting(), amara)
    everybody = access.attendance_in(acting(*SECTION), "BIO101-A")

    assert [(one.student_no, one.attended_percent) for one in everybody] == [
        (amara, 66), (bela, 100),
    ]  # fmt: skip
    assert mine == everybody[:1]


def test_a_list_marks_whom_outsiders_are_told_nothing_of(amara, bela):
    with doing() as act:
        wish = people.Wish("directory_restriction")
        people.set_directive(act, students.student(bela).person, wish, on=SEPTEMBER)
    _take(rest="present")

    found = access.attendance_on(acting(*SECTION), "BIO101-A", LAST_WEDNESDAY)

    assert [(one.student_no, marked) for one, marked in found] == [(amara, False), (bela, True)]


def test_a_student_is_taught_where_they_are_enrolled_on_each_day_and_not_after_the_last(amara):
    person = students.student(amara).person
    own = acting("student", "own", person=person)
    _withdraw(amara, TODAY, date(2026, 10, 8))

    this_week = access.timetable_of_student(own, amara, week_of(TODAY))
    last_week = access.timetable_of_student(own, amara, week_of(LAST_WEDNESDAY))

    assert this_week == []
    assert [(one.on, one.section) for one in last_week] == [(LAST_WEDNESDAY, "BIO101-A")]


def test_a_room_holds_what_meets_in_it(taught):
    found = access.timetable_of_room(acting("scheduler"), "R1", week_of(TODAY))

    assert [(one.section, one.on.isoweekday()) for one in found] == [
        ("BIO101-A", 3), ("BIO101-B", 4),
    ]  # fmt: skip


def test_the_audit_counts_what_was_taken_and_names_what_was_amended(amara):
    _take(rest="present")
    _take({amara: "excused"}, reason="evidence")
    with doing(acting(*SECTION, reason="appeal")) as act:
        actions.amend(act, MET, amara, "partial")

    done = {entry.action for entry in audited("section", "BIO101-A")}
    assert "take attendance" in done
    assert "amend attendance" in {entry.action for entry in audited("student", amara)}

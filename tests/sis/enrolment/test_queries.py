"""Rosters and enrolments as they were on a day, and as they were known; results; seats."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries
from matricula.sis.record import actions as record
from matricula.sis.record.models import EnrolmentRecord
from tests.sis.conftest import agreed, doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    DROPPING,
    LATE,
    OVER,
    act,
    enrol,
    leave_all,
    on,
    person_of,
    status,
    student,
)


def exams(day=OVER):
    """An exams officer."""
    return on(day, "exams officer")


def on_roster(day, **told):
    """Student numbers on the roster of a section on a day."""
    return [one.student_no for one in queries.roster("BIO101-2", on=day, **told)]


def test_a_roster_of_a_day_lists_who_had_a_seat_on_it(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-2", day=CHOOSING)
    enrol(bela, "BIO101-2", day=CHOOSING + timedelta(days=1))
    act(actions.drop, amara, "BIO101-2", day=DROPPING)

    found = {day: on_roster(day) for day in (CHOOSING, CHOOSING + timedelta(days=1), DROPPING)}

    assert list(found.values()) == [[amara], [amara, bela], [bela]]
    (one,) = queries.roster("BIO101-2", on=DROPPING)
    assert (one.person, one.status, one.attempt) == (person_of(bela), "enrolled", 1)


def test_a_roster_is_told_as_it_was_known_before_something_was_back_dated(campus):
    amara = student()
    enrol(amara, "BIO101-2")
    known = on(DROPPING).at
    who = agreed("bela", f"student:{amara}")
    act(actions.drop, amara, "BIO101-2", day=LATE, effective_on=DROPPING, approver=who)

    assert on_roster(DROPPING) == []
    assert on_roster(DROPPING, known_at=known) == [amara]
    assert queries.enrolments_of(amara, on=DROPPING, known_at=on(CHOOSING).at)[0].status == (
        "enrolled"
    )


def test_other_statuses_are_on_the_roster_when_they_are_asked_for(campus):
    amara = student()
    enrol(amara, "BIO101-2")
    act(actions.withdraw, amara, "BIO101-2", day=LATE, reason="personal")

    assert on_roster(LATE) == []
    assert on_roster(LATE, statuses=["withdrawn"]) == [amara]


def test_a_graded_module_that_was_passed_is_passed_and_counts_for_what_builds_on_it(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-2")

    act(actions.grade, "BIO101-2", {amara: "B", bela: "F"}, who=exams(DROPPING))

    assert queries.passed_by([amara, bela]) == {amara: {"BIO101": "B"}, bela: {}}
    assert queries.passed(amara) == {"BIO101": "B"}
    assert enrol(amara, "BIO102-1").status == "enrolled"
    with pytest.raises(Refused, match="must pass BIO101"):
        enrol(bela, "BIO102-1")


def test_a_grade_is_for_who_has_a_seat_and_an_incomplete_one_lapses(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-2")

    with pytest.raises(Refused, match=f"{bela} has no seat") as refused:
        act(actions.grade, "BIO101-2", {bela: "B"}, who=exams())
    until = OVER + timedelta(days=30)
    act(actions.leave_incomplete, "BIO101-2", [amara], who=exams(), until_on=until, lapses_to="F")
    early = act(actions.lapse, "BIO101-2", who=exams(until))
    late = act(actions.lapse, "BIO101-2", who=exams(until + timedelta(days=1)))

    assert refused.value.code == "M962"
    assert (len(early), len(late)) == (0, 1)
    (found,) = queries.enrolments_of(amara, on=until + timedelta(days=1))
    assert (found.status, found.grade) == ("graded", "F")
    assert status(amara, "BIO101-2", until) == "incomplete"


def test_seats_are_told_for_every_section_that_is_asked_for(campus):
    amara, bela, chidi = (student(one) for one in ("Amara", "Bela", "Chidi"))
    for one in (amara, bela, chidi):
        enrol(one, "BIO101-1")
    act(actions.drop, amara, "BIO101-1")
    who = on(CHOOSING)

    found = queries.seats(["BIO101-1", "MAT101-1"], at=who.at, on=CHOOSING)
    later = queries.seats(["BIO101-1"], at=who.at + timedelta(days=3), on=CHOOSING)

    one = found["BIO101-1"]
    assert (one.taken, one.offered, one.waiting, one.last_rank) == (0, 1, 1, 2)
    assert found["MAT101-1"].free(30) == 30
    assert later["BIO101-1"].offered == 0


def test_the_record_tells_of_enrolments_in_one_word_of_five(campus):
    amara, bela = student("Amara"), student("Bela")
    with doing(on(CHOOSING)) as step:
        for one in (amara, bela):
            actions.add(step, one, "BIO101-1")
        actions.add(step, amara, "MAT101-1")
        actions.add(step, amara, "PHY101-1")
        actions.drop(step, amara, "PHY101-1")

    changed = record.refresh(step.touched, on=CHOOSING)

    rows = EnrolmentRecord.objects.order_by("student_no", "section_code")
    told = rows.values_list("student_no", "section_code", "state", "has_access", "final_mark")
    assert list(told) == [
        (amara, "BIO101-1", "enrolled", True, None), (amara, "MAT101-1", "enrolled", True, None),
        (amara, "PHY101-1", "dropped", False, None), (bela, "BIO101-1", "waiting", False, None),
    ]  # fmt: skip
    assert len(changed) == 4
    assert record.refresh(step.touched, on=CHOOSING) == []


def test_the_record_of_pairs_does_not_touch_others_that_share_a_student_or_a_section(campus):
    amara, bela = student("Amara"), student("Bela")
    with doing(on(CHOOSING)) as step:
        for number in (amara, bela):
            for section in ("BIO101-2", "MAT101-1"):
                actions.add(step, number, section)
    record.refresh(step.touched, on=CHOOSING)

    changed = record.refresh({"enrolment": {f"{amara}|BIO101-2", f"{bela}|MAT101-1"}}, on=CHOOSING)

    assert changed == []
    assert EnrolmentRecord.objects.count() == 4


def test_who_was_in_a_section_under_two_registrations_is_told_of_once_where_the_seat_is(campus):
    from matricula.sis.registration import actions as registration

    amara = student()
    enrol(amara, "BIO101-2")
    leave_all(amara, effective_on=CHOOSING, day=CHOOSING)
    with doing(on(CHOOSING, reason="programme")) as step:
        from matricula.sis.registration import access

        old = access.registration(step.acting, amara, to="record an event")
        registration.record(step, old, registration.Change("change", CHOOSING))
        attempt = registration.Attempt("CHE", "2026", "full", CHOOSING)
        new = registration.go_on(step, old, attempt)
        registration.record(step, new, registration.Change("start", CHOOSING))
        actions.register_term(step, f"{amara}/2", "2026-1")
        actions.add(step, f"{amara}/2", "BIO101-2")

    (told,) = queries.records({(amara, "BIO101-2")}, CHOOSING)

    assert (told["state"], told["has_access"]) == ("enrolled", True)
    assert [one.status for one in queries.enrolments_of(amara, on=CHOOSING)] == [
        "dropped", "enrolled"
    ]  # fmt: skip


def test_what_begins_to_count_on_some_days_is_found_by_its_days(campus):
    amara = student()
    enrol(amara, "BIO101-2")

    assert queries.touched_on(CHOOSING, CHOOSING) == {f"{amara}|BIO101-2"}
    assert queries.touched_on(date(2026, 1, 1), CHOOSING - timedelta(days=1)) == set()

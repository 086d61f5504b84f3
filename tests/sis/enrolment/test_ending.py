"""A student leaves everything, and what was ended comes back as far as there are seats."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries
from matricula.sis.enrolment.models import Enrolment, EnrolmentEvent
from matricula.sis.record import actions as record
from matricula.sis.record.models import EnrolmentRecord
from matricula.sis.registration import access
from matricula.sis.registration import actions as registration
from tests.sis.conftest import doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    LATE,
    OVER,
    act,
    enrol,
    in_line,
    leave_all,
    offered,
    on,
    registration_of,
    restore,
    status,
    student,
)

GONE = date(2026, 10, 10)


def of_term(number, term="2026-1", day=LATE):
    """The state of a term registration."""
    held = queries.term_registrations_of([number], on=day)
    return next((one.state for one in held if one.term == term), "")


def test_after_the_census_everything_is_withdrawn_from_with_the_last_day_of_attendance(campus):
    amara = student()
    for section in ("BIO101-1", "CHE101-2"):
        enrol(amara, section)

    leave_all(amara, effective_on=GONE, last_attended_on=date(2026, 10, 8))

    held = queries.enrolments_of(amara, on=GONE)
    assert [(one.status, one.since) for one in held] == [("withdrawn", GONE)] * 2
    assert {one.meaning.automatic_grade for one in held} == {"W"}
    assert status(amara, "BIO101-1", GONE - timedelta(days=1)) == "enrolled"
    assert of_term(amara) == "withdrawn"
    kept = set(EnrolmentEvent.objects.filter(action="withdraw").values_list("last_attended_on"))
    assert kept == {(date(2026, 10, 8),)}


def test_up_to_the_census_everything_is_dropped_and_so_is_what_only_waits(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(bela, "BIO101-1")
    enrol(bela, "CHE101-2")

    leave_all(bela, effective_on=date(2026, 9, 20), day=date(2026, 9, 20))

    assert [status(bela, one) for one in ("BIO101-1", "CHE101-2")] == ["dropped", "dropped"]
    assert in_line("BIO101-1") == []


def test_terms_to_come_are_dropped_and_cancelled_and_their_seats_are_free_at_once(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        act(actions.register_term, one, "2026-2")
        enrol(one, "PHY101-S")

    leave_all(amara, effective_on=OVER)

    assert (status(amara, "PHY101-S"), of_term(amara, "2026-2", OVER)) == ("dropped", "cancelled")
    assert of_term(amara, "2026-1", OVER) == "registered"
    assert offered("PHY101-S") == [bela]


def test_who_leaves_on_a_day_to_come_has_the_seat_until_then(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")
    until = CHOOSING + timedelta(days=3)

    leave_all(amara, effective_on=until, day=CHOOSING)
    before = offered("BIO101-1")
    act(actions.offer_seats, day=until)

    assert before == []
    assert offered("BIO101-1") == [bela]
    assert status(amara, "BIO101-1", until - timedelta(days=1)) == "enrolled"
    assert not Enrolment.objects.filter(vacated_on__isnull=False).exists()


def test_what_was_enrolled_after_the_day_on_which_somebody_left_ends_when_it_began(campus):
    amara = student()
    enrol(amara, "BIO101-1", day=date(2026, 9, 12))

    leave_all(amara, effective_on=CHOOSING, day=date(2026, 9, 13))

    (found,) = queries.enrolments_of(amara, on=LATE)
    assert (found.status, found.since) == ("dropped", date(2026, 9, 12))


def test_who_goes_on_leave_has_no_sections_and_waits_for_the_return(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    leave_all(amara, how="leave", effective_on=GONE)

    assert (status(amara, "BIO101-1"), of_term(amara)) == ("withdrawn", "on leave")


def test_who_never_started_was_never_enrolled_whatever_the_day(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    leave_all(amara, how="drop")

    assert (status(amara, "BIO101-1"), of_term(amara)) == ("dropped", "cancelled")


def test_enrolments_end_in_no_other_way(campus):
    amara = student()

    with pytest.raises(Refused, match="do not end by vanish"):
        leave_all(amara, how="vanish")

    assert of_term(amara) == "registered"


def test_leaving_takes_as_many_statements_whatever_is_left(campus, django_assert_max_num_queries):
    amara = student()
    for section in ("BIO101-1", "CHE101-2", "MAT101-1", "PHY101-1"):
        enrol(amara, section)

    with doing(on(LATE)) as step, django_assert_max_num_queries(16):
        actions.leave_all(
            step, registration_of(amara), action="withdraw", effective_on=GONE, reason="personal"
        )

    assert queries.roster("BIO101-1", on=GONE) == []


def test_what_is_taken_back_is_as_it_was_and_both_events_stay(campus):
    amara = student()
    for section in ("BIO101-1", "CHE101-2"):
        enrol(amara, section)
    gone = leave_all(amara, effective_on=GONE)

    back = restore(gone, day=date(2026, 10, 17))

    assert [status(amara, one) for one in ("BIO101-1", "CHE101-2")] == ["enrolled", "enrolled"]
    assert of_term(amara) == "registered"
    assert back.left == []
    assert EnrolmentEvent.objects.filter(act=gone.act).count() == 2
    then = queries.roster("BIO101-1", on=GONE, known_at=on(LATE).at)
    assert then == []


def test_who_finds_the_seat_gone_waits_in_line_and_a_person_is_told(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")
    gone = leave_all(amara, effective_on=CHOOSING, day=CHOOSING)
    act(actions.claim_seat, bela, "BIO101-1")

    back = restore(gone, day=CHOOSING)

    assert status(amara, "BIO101-1") == "waitlisted"
    assert in_line("BIO101-1") == [amara]
    (left,) = back.left
    assert left.startswith(f"BIO101-1 has no free seat for {amara}, who waits there at rank 2:")


def test_a_seat_that_is_kept_for_somebody_is_gone_as_well(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")
    gone = leave_all(amara, effective_on=CHOOSING, day=CHOOSING)

    back = restore(gone, day=CHOOSING)

    assert status(amara, "BIO101-1") == "waitlisted"
    assert offered("BIO101-1") == [bela]
    assert len(back.left) == 1


def test_an_act_that_was_restored_can_be_done_again_by_reversing_the_restoration(campus):
    amara = student()
    enrol(amara, "BIO101-1")
    gone = leave_all(amara, effective_on=GONE)
    back = restore(gone)

    again = restore(back)
    once_more = restore(again)

    assert again.left == once_more.left == []
    assert status(amara, "BIO101-1") == "enrolled"
    assert of_term(amara) == "registered"


def test_what_was_taken_back_before_is_left_for_a_person_to_read(campus):
    amara = student()
    with doing(on(CHOOSING)) as added:
        actions.add(added, amara, "BIO101-1")
    restore(added, day=CHOOSING)

    again = restore(added, day=CHOOSING)

    assert status(amara, "BIO101-1") == ""
    assert again.left == [f"{amara}|BIO101-1 stays out: to enrol was taken back before."]


def test_an_enrolment_that_is_taken_back_gives_the_seat_to_the_next(campus):
    amara, bela = student("Amara"), student("Bela")
    with doing(on(CHOOSING)) as added:
        actions.add(added, amara, "BIO101-1")
    enrol(bela, "BIO101-1")

    restore(added, day=CHOOSING)

    assert status(amara, "BIO101-1") == ""
    assert offered("BIO101-1") == [bela]


def test_the_record_says_what_became_of_it_and_on_which_day(campus):
    amara = student()
    enrol(amara, "BIO101-1")
    gone = leave_all(amara, effective_on=LATE + timedelta(days=2))

    record.refresh(gone.touched, on=LATE)
    before = EnrolmentRecord.objects.values_list("state", "has_access", "state_since").get()
    touched = queries.touched_on(LATE, LATE + timedelta(days=2))
    record.refresh({"enrolment": touched}, on=LATE + timedelta(days=2))
    after = EnrolmentRecord.objects.values_list("state", "has_access", "state_since").get()

    assert touched == {f"{amara}|BIO101-1"}
    assert before == ("enrolled", True, CHOOSING)
    assert after == ("withdrawn", False, LATE + timedelta(days=2))


def test_who_changes_programme_keeps_the_seat_that_the_same_act_gave_up(campus):
    amara, bela = student("Amara"), student("Bela")
    for one in (amara, bela):
        enrol(one, "BIO101-1")

    with doing(on(CHOOSING, reason="programme")) as changed:
        actions.leave_all(
            changed, registration_of(amara), action="withdraw", effective_on=CHOOSING,
            reason="programme",
        )  # fmt: skip
        row = access.registration(changed.acting, amara, to="record an event")
        registration.record(changed, row, registration.Change("change", CHOOSING))
        attempt = registration.Attempt("CHE", "2026", "full", CHOOSING)
        new = registration.go_on(changed, row, attempt)
        registration.record(changed, new, registration.Change("start", CHOOSING))
        actions.register_term(changed, f"{amara}/2", "2026-1")
        placed = actions.add(changed, f"{amara}/2", "BIO101-1")
    roster = [one.student_no for one in queries.roster("BIO101-1", on=CHOOSING)]
    with doing(on(CHOOSING)) as back:
        registration.reverse(back, changed.act)
        actions.restore(back, changed.act)

    assert placed.status == "enrolled"
    assert roster == [amara]
    assert (in_line("BIO101-1"), offered("BIO101-1")) == ([bela], [])
    assert back.left == []
    (held,) = queries.enrolments_of(amara, on=CHOOSING)
    assert (held.status, held.registration) == ("enrolled", registration_of(amara))

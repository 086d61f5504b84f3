"""Registrations for a term: registered, pending with what is in the way, or not eligible."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import actions, queries
from matricula.sis.enrolment.models import TermRegistration, TermRegistrationEvent
from matricula.sis.holds import actions as holding
from matricula.sis.holds import queries as holds
from matricula.sis.holds.rules import Claim
from matricula.sis.registration import actions as registration
from tests.sis.conftest import doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    DROPPING,
    LATE,
    OVER,
    SEPTEMBER,
    act,
    enrol,
    leave_all,
    on,
    person_of,
    registration_of,
    status,
    student,
)


def state(number, term="2026-1", day=LATE, **told):
    """The state of a term registration on a day; empty where there is none."""
    held = queries.term_registrations_of([number], on=day, **told)
    return next((one.state for one in held if one.term == term), "")


def owe(number, minor=90000):
    """Have a student owe tuition; gives the hold."""
    claim = Claim(
        person_of(number), "debt", "tuition", "bursary", CHOOSING, amount_minor=minor,
        currency="GBP",
    )  # fmt: skip
    return act(holding.place, claim, who=on(CHOOSING, "bursar")).number


def end(number, action, day, **told):
    """Record something of a student's registration."""
    from matricula.sis.registration import access

    reason = told.pop("reason", "personal")
    with doing(on(LATE, reason=reason)) as step:
        row = access.registration(step.acting, number, to="record an event")
        registration.record(step, row, registration.Change(action, day, **told))


def test_a_student_registers_for_a_term_and_again_changes_nothing(campus):
    amara = student(term="")

    first = act(actions.register_term, amara, "2026-1")
    events = TermRegistrationEvent.objects.count()
    again = act(actions.register_term, amara, "2026-1")

    assert (first.state, first.is_new, first.number) == ("registered", True, f"{amara}/1")
    assert (again.state, again.is_new) == ("registered", False)
    assert TermRegistrationEvent.objects.count() == events
    assert state(amara, day=CHOOSING) == "registered"


def test_whom_a_hold_keeps_from_it_is_pending_and_told_why_until_it_is_cleared(campus):
    amara = student(term="")
    number = owe(amara)

    with doing(on(CHOOSING)) as step:
        pending = actions.register_term(step, amara, "2026-1")
    still = act(actions.register_term, amara, "2026-1")
    act(holding.release, number, who=on(CHOOSING, "bursar", reason="paid"), on=CHOOSING)
    cleared = act(actions.register_term, amara, "2026-1")

    assert (pending.state, still.state, still.is_new) == ("pending", "pending", False)
    assert [one.office for one in pending.checks] == ["the Bursary"]
    assert step.left[0].startswith(f"{amara}/1 is pending for 2026-1: Hold {number}")
    assert cleared.state == "registered"


def test_who_is_pending_for_a_term_has_no_place_in_its_sections(campus):
    amara = student(term="")
    owe(amara)
    act(actions.register_term, amara, "2026-1")

    with pytest.raises(Refused, match="is pending in the term 2026-1"):
        enrol(amara, "BIO101-1")

    assert status(amara, "BIO101-1") == ""


def test_outside_of_its_days_nobody_registers_and_the_answer_is_kept_for_the_hub(campus):
    amara = student(term="")

    with pytest.raises(holding.RefusedDecision, match="until 2026-09-14") as refused:
        act(actions.register_term, amara, "2026-1", day=LATE)
    holding.keep_refused(refused.value)

    (kept,) = holds.decisions(person_of(amara))
    assert (kept.service, kept.about, kept.result) == ("term registration", "2026-1", "refused")
    assert TermRegistration.objects.count() == 0


def test_who_will_be_on_leave_when_the_term_begins_does_not_register_for_it(campus):
    amara = student()
    end(amara, "leave", date(2026, 12, 20), ends_on=date(2027, 8, 31))

    with pytest.raises(Refused, match=r"On 2027-01-25 .* is on leave"):
        act(actions.register_term, amara, "2026-2", day=LATE)

    assert state(amara, "2026-2") == ""


def test_who_withdrew_from_a_term_does_not_register_for_it_again_and_is_told_the_way_out(campus):
    amara = student()
    leave_all(amara, effective_on=CHOOSING, day=CHOOSING)

    with pytest.raises(Refused, match="is withdrawn in the term 2026-1") as refused:
        act(actions.register_term, amara, "2026-1")

    assert (refused.value.code, "reversed" in refused.value.cure) == ("M961", True)


def test_a_student_registers_from_today_and_an_office_from_another_day(campus):
    amara = student(term="")
    herself = on(CHOOSING, "student", "own", person=person_of(amara))

    with pytest.raises(Refused) as refused:
        act(actions.register_term, amara, "2026-1", who=herself, effective_on=SEPTEMBER)
    act(actions.register_term, amara, "2026-1", effective_on=SEPTEMBER)

    assert refused.value.code == "M903"
    assert state(amara, day=SEPTEMBER) == "registered"


def test_an_intake_is_registered_in_one_go_and_each_is_told(campus):
    amara, bela, chidi = (student(one, term="") for one in ("Amara", "Bela", "Chidi"))
    other = student("Dewi", cohort="2025", term="")
    owe(bela)
    end(chidi, "withdraw", SEPTEMBER, last_attended_on=SEPTEMBER)

    found = act(actions.register_intake, "BIO", "2026", "2026-1")
    again = act(actions.register_intake, "BIO", "2026", "2026-1")

    assert [(one.number, one.state) for one in found] == [
        (f"{amara}/1", "registered"), (f"{bela}/1", "pending"), (f"{chidi}/1", "not eligible")
    ]  # fmt: skip
    assert [one.is_new for one in again] == [False, False, False]
    assert state(other) == ""


def test_registering_an_intake_asks_no_more_questions_for_more_students(
    campus, django_assert_max_num_queries
):
    for place in range(6):
        student(f"S{place}", term="")

    with django_assert_max_num_queries(30):
        found = act(actions.register_intake, "BIO", "2026", "2026-1")

    assert len(found) == 6


def test_a_cancelled_term_drops_its_sections_and_may_be_registered_for_again(campus):
    amara = student()
    enrol(amara, "BIO101-1")

    act(actions.cancel_term, amara, "2026-1", reason="non-payment", effective_on=CHOOSING)
    cancelled = state(amara, day=CHOOSING), status(amara, "BIO101-1", CHOOSING)
    act(actions.register_term, amara, "2026-1")

    assert cancelled == ("cancelled", "dropped")
    assert state(amara, day=CHOOSING) == "registered"


def test_to_cancel_a_term_from_before_its_census_needs_a_second_person_afterwards(campus):
    amara = student()

    with pytest.raises(Refused) as refused:
        act(
            actions.cancel_term, amara, "2026-1", day=LATE, reason="non-payment",
            effective_on=CHOOSING,
        )  # fmt: skip

    assert refused.value.code == "M909"


def test_who_comes_back_from_leave_is_registered_again_in_the_terms_that_are_not_over(campus):
    amara = student()
    act(actions.register_term, amara, "2026-2")
    leave_all(amara, how="leave")
    away = state(amara), state(amara, "2026-2")

    back = act(actions.come_back, registration_of(amara), day=OVER, effective_on=date(2027, 1, 10))

    assert away == ("on leave", "on leave")
    assert back == ["2026-2"]
    assert state(amara, "2026-2", date(2027, 1, 10)) == "registered"
    assert state(amara, "2026-1", date(2027, 1, 10)) == "on leave"


def test_a_term_that_is_over_is_completed_for_everybody_and_not_before(campus):
    amara, bela = student("Amara"), student("Bela")

    with pytest.raises(Refused, match="taught until 2026-12-14"):
        act(actions.complete_term, "2026-1", day=LATE)
    done = act(actions.complete_term, "2026-1", day=OVER)

    assert done == 2
    assert [state(one, day=OVER) for one in (amara, bela)] == ["completed", "completed"]
    assert state(amara, day=LATE) == "registered"


def test_a_census_counts_once_what_stood_on_its_day(campus):
    amara, bela = student("Amara"), student("Bela")
    enrol(amara, "BIO101-1")
    enrol(amara, "MAT101-1")
    act(actions.drop, amara, "MAT101-1", day=DROPPING)

    with pytest.raises(Refused, match="is on 2026-10-01"):
        act(actions.take_census, "2026-1", day=DROPPING)
    counted = act(actions.take_census, "2026-1", day=LATE)
    again = act(actions.take_census, "2026-1", day=LATE)

    assert (counted, again) == (2, 0)
    told = dict(TermRegistration.objects.values_list("student_no", "census"))
    here = {"on": "2026-10-01", "state": "registered"}
    assert told == {
        amara: {**here, "sections": 1, "credits": "20.00"},
        bela: {**here, "sections": 0, "credits": "0"},
    }


def test_who_is_registered_in_a_term_is_told_as_of_a_day_and_as_it_was_known(campus):
    amara = student()
    leave_all(amara, effective_on=date(2026, 10, 10))

    now = queries.registered_in("2026-1", on=date(2026, 10, 12))
    before = queries.registered_in("2026-1", on=date(2026, 10, 12), known_at=on(CHOOSING).at)

    assert (now, before) == ({}, {amara: person_of(amara)})

"""Applications in the database: what is recorded stands, what is amended stays in the history."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.admissions import actions, queries
from matricula.sis.lifecycle import actions as life
from tests.sis.admissions.conftest import (
    AMARA,
    WISH,
    admissions,
    applied,
    offered,
    state,
    step,
    told,
)
from tests.sis.conftest import AT, TODAY, agreed

TOMORROW = TODAY + timedelta(days=1)


def test_an_application_gets_the_next_number_and_keeps_who_wrote_it(office):
    first, second = applied(to="draft"), applied(to="draft")

    assert (first, second) == ("A0000001", "A0000002")
    assert told(first).applicant == AMARA
    assert state(first) == "draft"


def test_an_enquiry_may_lack_what_an_application_must_have(office):
    unknown = replace(AMARA, born_on=None, email="")
    with admissions() as act:
        number = actions.apply(act, unknown, replace(WISH, is_enquiry=True), on=TODAY).number

    step(number, "draft")
    with pytest.raises(Refused, match=r"day of birth is not written down\. \(1 more\)"):
        step(number, "submit")
    with admissions() as act:
        actions.amend(act, number, AMARA, on=TODAY)
    step(number, "submit")

    assert state(number) == "submitted"


def test_nobody_applies_for_what_there_is_not(office):
    for wish, why in (
        (replace(WISH, programme="ALCHEMY"), "no programme ALCHEMY"),
        (replace(WISH, term="1927/1"), "no term 1927/1"),
        (replace(WISH, mode="night"), "no mode night"),
    ):
        with pytest.raises(Refused, match=why), admissions() as act:
            actions.apply(act, AMARA, wish, on=TODAY)

    assert queries.matching(on=TODAY) == []


def test_a_programme_that_closed_takes_no_application(office):
    from matricula.sis.curriculum.models import Programme

    number = applied(to="draft")
    Programme.objects.filter(code="BIO").update(closed_on=date(2027, 1, 1))

    with pytest.raises(Refused, match="takes nobody from 2027-01-01 on"):
        step(number, "submit")

    assert state(number) == "draft"


def test_what_was_amended_was_otherwise_at_an_earlier_instant(office):
    number = applied()
    later = AT + timedelta(hours=1)
    with admissions(at=later) as act:
        actions.amend(act, number, replace(AMARA, family="Eze"), on=TODAY)

    assert told(number).applicant.family == "Eze"
    assert told(number, known_at=AT).applicant.family == "Okafor"


def test_an_amendment_that_was_reversed_leaves_what_was_written_before(office):
    number = applied()
    with admissions() as act:
        event = actions.amend(act, number, replace(AMARA, family="Eze"), on=TODAY)

    with admissions() as act:
        life.reverse(act, event.act)

    assert told(number).applicant == AMARA


def test_what_is_over_is_not_amended(office):
    number = applied()
    step(number, "withdraw", reason="another university")

    with pytest.raises(Refused, match="the application is withdrawn"), admissions() as act:
        actions.amend(act, number, AMARA, on=TODAY)

    assert told(number).applicant == AMARA


def test_what_does_not_fit_is_refused_and_nothing_is_kept(office):
    number = applied()

    with pytest.raises(Refused, match=r"M952.*the application is submitted.*asks for: offered"):
        step(number, "accept")

    assert state(number) == "submitted"
    assert len(queries.history(number)) == 2


def test_what_needs_more_than_a_day_is_no_plain_step(office):
    number = applied(to="review")

    with pytest.raises(Refused, match="To offer is no plain step"):
        step(number, "offer")

    assert state(number) == "under review"


def test_why_somebody_was_declined_stays_with_the_decision(office):
    number = applied(to="review")

    step(number, "decline", reason="entry requirements")

    assert told(number).standing.reason == "entry requirements"
    assert state(number) == "declined"


def test_who_waits_longest_is_offered_a_place_first(office):
    early, late = applied(to="review"), applied(to="review")
    step(late, "waitlist", on=TODAY)
    step(early, "waitlist", on=TOMORROW)

    def waiting(on):
        found = queries.matching(programme="BIO", term="2027/1", state="waitlisted", on=on)
        return [one.number for one in found]

    assert waiting(TOMORROW) == [late, early]
    assert waiting(TODAY) == [late]


def test_an_answer_after_the_last_day_is_refused_and_one_dated_back_needs_a_second_person(office):
    number = offered(until=TODAY + timedelta(days=7))
    after = {"today": TODAY + timedelta(days=9), "at": AT + timedelta(days=9)}

    with pytest.raises(Refused, match="the application is lapsed"):
        step(number, "accept", on=after["today"], **after)
    with pytest.raises(Refused, match=r"M909.*second person"):
        step(number, "accept", on=TODAY, **after)
    second = agreed("bo", f"application:{number}", role="admissions", at=after["at"])
    step(number, "accept", on=TODAY, approver=second, **after)

    assert state(number, on=after["today"]) == "accepted"


def test_a_second_person_is_somebody_else_whose_account_is_open(office):
    number = offered(until=TODAY + timedelta(days=7))
    after = {"today": TODAY + timedelta(days=9), "at": AT + timedelta(days=9)}

    for approver, code in (("ada", "M909"), ("nobody", "M901")):
        with pytest.raises(Refused, match=code):
            step(number, "accept", on=TODAY, approver=approver, **after)

    assert state(number, on=after["today"]) == "lapsed"


def test_the_office_is_told_of_another_application_that_may_be_the_same_applicants(office):
    first = applied()
    second = applied(replace(AMARA, given="A."), to="draft")

    with admissions() as act:
        actions.record(act, second, "submit", on=TODAY)

    assert act.left == [f"{first} may be the same applicant's application; compare them."]


def test_what_was_taken_back_is_not_taken_back_twice_but_its_reversal_may_be(office):
    number = applied(to="review")
    event = step(number, "decline", reason="no places")
    with admissions() as back:
        life.reverse(back, event.act)
    after_one = state(number)

    with (
        pytest.raises(Refused, match=f"M910.*by {back.act}.*reverse {back.act}"),
        admissions() as a,
    ):
        life.reverse(a, event.act)
    with admissions() as act:
        life.reverse(act, back.act)
    with pytest.raises(Refused, match=f"M910.*reverse {act.act}"), admissions() as a:
        life.reverse(a, event.act)

    assert after_one == "under review"
    assert state(number) == "declined"


def test_an_act_that_left_nothing_to_take_back_is_refused(office):
    from matricula.sis.people import actions as people
    from tests.sis.conftest import doing

    with doing() as act:
        act.name("register person", "person", "1")
        people.register(act, people.Described("Bela", "Nagy", date(2000, 1, 1)), on=TODAY)
    done = act.act

    with pytest.raises(Refused, match=r"M910.*left nothing that"), admissions() as act:
        life.reverse(act, done)
    with pytest.raises(Refused, match="M908"), admissions() as act:
        life.reverse(act, "act-unheard-of")


def test_the_audit_tells_of_every_step_and_of_no_name_outside_what_can_be_erased(office):
    number = applied(to="review")
    step(number, "decline", reason="conduct")

    entries = list(audited("application", number))

    assert sorted(one.action for one in entries) == [
        "decline", "draft", "review", "submit", "write down applicant",
    ]  # fmt: skip
    assert all("Okafor" not in f"{one.action} {one.key} {one.why}" for one in entries)
    assert queries.history(number)[-1].account == "ada"


def test_a_list_asks_as_many_questions_for_many_applications_as_for_one(office):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked():
        number = offered(conditions=("Maths at B",), deposit=5000)
        with admissions() as act:
            actions.decide_condition(act, number, actions.Ruling(1, False, "seen"), on=TODAY)
            actions.take_deposit(act, number, actions.Payment(number, 1, "GBP"), on=TODAY)
        with CaptureQueriesContext(connection) as context:
            found = queries.matching(programme="BIO", term="2027/1", on=TODAY)
        return len(found), len(context)

    one, two, three = asked(), asked(), asked()

    assert [one[0], two[0], three[0]] == [1, 2, 3]
    assert one[1] == three[1]

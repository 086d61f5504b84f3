"""Offers: conditions are decided on evidence, a payment counts once, a place can be carried."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from matricula.accounts.rules import Granted
from matricula.kernel.errors import Refused
from matricula.sis.admissions import actions, queries
from matricula.sis.admissions.models import Deposit
from matricula.sis.lifecycle import actions as life
from tests.sis.admissions.conftest import (
    JUNE,
    accepted,
    admissions,
    applied,
    offered,
    state,
    step,
    told,
)
from tests.sis.conftest import AT, TODAY, acting, doing

LATER = AT + timedelta(hours=1)


def _decide(number, place, *, waive=False, evidence="certificate seen", on=TODAY, **who):
    with admissions(**who) as act:
        ruling = actions.Ruling(place, waive, evidence)
        return actions.decide_condition(act, number, ruling, on=on)


def _pay(number, reference, minor=50000, currency="GBP", on=TODAY, **who):
    """The act by which a payment was recorded."""
    with admissions(**who) as act:
        actions.take_deposit(act, number, actions.Payment(reference, minor, currency), on=on)
    return act


def _defer(number, term="2028/1", on=TODAY):
    with admissions() as act:
        made = actions.defer(act, number, term, on=on)
    return made.number, act.act


def test_an_offer_is_conditional_until_every_condition_is_met_or_waived(office):
    number = offered(conditions=("Maths at B", "A reference"))
    before = told(number).terms.kind

    _decide(number, 1)
    _decide(number, 2, waive=True, evidence="known to the department")

    after = told(number).terms
    assert (before, after.kind) == ("conditional", "firm")
    assert [(one.text, one.outcome, one.by) for one in after.conditions] == [
        ("Maths at B", "met", "ada"), ("A reference", "waived", "ada"),
    ]  # fmt: skip
    assert after.conditions[0].evidence == "certificate seen"


def test_a_condition_that_was_met_was_open_at_an_earlier_instant_and_day(office):
    number = offered(conditions=("Maths at B",))
    tomorrow = TODAY + timedelta(days=1)

    _decide(number, 1, on=tomorrow, at=LATER)

    assert told(number).terms.kind == "conditional"
    assert told(number, tomorrow).terms.kind == "firm"
    assert told(number, tomorrow, known_at=AT).terms.kind == "conditional"


def test_a_condition_is_not_decided_without_evidence_or_where_there_is_none(office):
    number = offered(conditions=("Maths at B",))
    firm = offered()

    for of, place, evidence, why in (
        (number, 1, " ", "decided without evidence"),
        (number, 2, "seen", "no condition 2"),
        (firm, 1, "seen", "no condition 1.*It is firm"),
        (applied(), 1, "seen", "No offer of .* counts.*it is submitted"),
    ):
        with pytest.raises(Refused, match=f"M953.*{why}"):
            _decide(of, place, evidence=evidence)

    assert told(number).terms.kind == "conditional"


def test_a_decision_on_a_condition_that_was_reversed_leaves_it_open(office):
    number = offered(conditions=("Maths at B",))
    event = _decide(number, 1).event

    with admissions() as act:
        life.reverse(act, event.act)

    assert told(number).terms.kind == "conditional"
    assert state(number) == "offered"


def test_a_better_offer_has_conditions_and_a_deposit_of_its_own(office):
    number = offered(conditions=("Maths at A",), deposit=50000)
    _decide(number, 1)

    offered(number, conditions=("Maths at B", "A reference"), deposit=20000)

    terms = told(number).terms
    assert [one.outcome for one in terms.conditions] == ["", ""]
    assert (terms.deposit_minor, terms.paid_minor) == (20000, 0)


def test_an_offer_that_was_reversed_gives_way_to_the_one_before(office):
    number = offered(conditions=("Maths at A",))
    offered(number)
    second = queries.history(number)[-1]

    with admissions() as act:
        life.reverse(act, second.act)

    assert [one.text for one in told(number).terms.conditions] == ["Maths at A"]


def test_a_payment_counts_once_however_often_it_is_told(office):
    number = offered(deposit=50000)
    _pay(number, "PAY-1", 20000)

    again = _pay(number, "PAY-1", 20000)

    terms = told(number).terms
    assert (terms.paid_minor, terms.due_minor) == (20000, 30000)
    assert again.left == ["The payment PAY-1 was recorded before: nothing is changed."]
    assert again.entries == []
    assert Deposit.objects.count() == 1


def test_a_reference_that_is_another_payments_is_refused(office):
    number, other = offered(deposit=50000), offered(deposit=50000)
    _pay(number, "PAY-1", 20000)

    for of, minor in ((number, 30000), (other, 20000)):
        with pytest.raises(Refused, match=r"M955.*PAY-1 is that of another payment"):
            _pay(of, "PAY-1", minor)

    assert told(other).terms.paid_minor == 0


def test_a_payment_that_was_taken_back_stays_taken_back_when_it_is_told_again(office):
    number = offered(deposit=50000)
    paid = _pay(number, "PAY-1")
    with admissions() as act:
        life.reverse(act, paid.act)
    back = act

    again = _pay(number, "PAY-1")
    without = told(number).terms.paid_minor
    with admissions() as act:
        life.reverse(act, back.act)

    assert "taken back since" in again.left[0]
    assert without == 0
    assert told(number).terms.paid_minor == 50000


@pytest.mark.parametrize(
    ("minor", "currency", "why"),
    [(0, "GBP", "no deposit"), (100, "pounds", "no deposit"), (100, "EUR", "in GBP, not in EUR")],
)
def test_money_that_makes_no_sense_is_refused(office, minor, currency, why):
    number = offered(deposit=50000)

    with pytest.raises(Refused, match=f"M955.*{why}"):
        _pay(number, "PAY-1", minor, currency)

    assert Deposit.objects.count() == 0


def test_money_for_what_is_over_or_beyond_what_is_asked_is_kept_and_left_to_a_person(office):
    number = offered(deposit=50000)
    step(number, "rescind", reason="false statement")

    paid = _pay(number, "PAY-1", 60000)

    assert paid.left == [
        f"Money came in for {number}, which is rescinded: see whether it goes back.",
        f"100.00 GBP more than the deposit was paid for {number}.",
    ]


def test_who_leaves_a_place_leaves_the_deposit_for_a_person_to_see_to(office):
    number = accepted(deposit=50000)
    _pay(number, "PAY-1")

    with admissions(reason="personal") as act:
        actions.record(act, number, "withdraw", on=TODAY)

    assert act.left == [
        f"A deposit of 500.00 GBP was paid for {number}; see whether it goes back."
    ]


def test_where_no_deposit_is_asked_what_comes_in_first_says_in_which_currency(office):
    number = offered()
    _pay(number, "PAY-1", 100, "EUR")

    with pytest.raises(Refused, match="in EUR, not in GBP"):
        _pay(number, "PAY-2", 100, "GBP")

    assert told(number).terms.paid_minor == 100


def test_a_bursar_records_deposits_and_nothing_else(office):
    number = offered(deposit=50000)
    bursar = acting("bursar")

    with doing(bursar) as act:
        actions.take_deposit(act, number, actions.Payment("PAY-1", 50000, "GBP"), on=TODAY)
    with pytest.raises(Refused, match="M903"), doing(bursar) as act:
        actions.record(act, number, "accept", on=TODAY)

    assert told(number).terms.due_minor == 0


def test_offers_that_lapse_soon_and_were_not_taken_are_listed_by_their_last_day(office):
    late = offered(until=TODAY + timedelta(days=9))
    soon = offered(until=TODAY + timedelta(days=3))
    offered(until=TODAY + timedelta(days=30))
    accepted(until=TODAY + timedelta(days=3))

    found = queries.expiring(TODAY, TODAY + timedelta(days=14), on=TODAY)

    assert [one.number for one in found] == [soon, late]


def test_a_deferred_place_is_carried_with_what_was_met_and_paid(office):
    number = accepted(conditions=("Maths at B", "A reference"), deposit=50000)
    _decide(number, 1)
    _pay(number, "PAY-1", 20000)

    later, _ = _defer(number)

    before, after = told(number), told(later)
    assert (before.standing.state, after.standing.state) == ("deferred", "accepted")
    assert (after.term, after.deferred_from) == ("2028/1", number)
    assert after.applicant == before.applicant
    assert [one.outcome for one in after.terms.conditions] == ["met", ""]
    assert (after.terms.deposit_minor, after.terms.paid_minor) == (50000, 20000)


def test_what_is_met_and_paid_after_a_deferral_counts_for_the_same_terms(office):
    number = accepted(conditions=("Maths at B",), deposit=50000)
    later, act = _defer(number)
    _decide(later, 1)
    _pay(later, "PAY-1")

    with admissions() as back:
        life.reverse(back, act)

    terms = told(number).terms
    assert (state(number), state(later)) == ("accepted", "")
    assert (terms.kind, terms.due_minor) == ("firm", 0)


def test_a_place_is_deferred_again_and_again_with_the_terms_of_the_first_offer(office):
    from matricula.sis.curriculum.models import Term, TermVersion

    number = accepted(conditions=("Maths at B",))
    later, _ = _defer(number)
    term = Term.objects.create(code="2029/1", title="2029/1", act="test")
    version = TermVersion.objects.get(term__code="2028/1")
    version.pk, version.term, version.starts_on = None, term, date(2029, 9, 3)
    version.save(force_insert=True)

    latest, _ = _defer(later, "2029/1")
    _decide(latest, 1)

    assert told(latest).terms.kind == "firm"
    assert told(latest).deferred_from == later


def test_a_place_is_deferred_to_a_later_term_and_only_when_it_was_accepted(office):
    number, only_offered = accepted(), offered()

    for of, term, why in (
        (number, "2026/1", "M952.*begins on 2026-09-01, not after"),
        (number, "2027/1", "M952.*not after"),
        (number, "2099/1", "M921"),
        (only_offered, "2028/1", "M953.*it is offered.*must be accepted"),
    ):
        with pytest.raises(Refused, match=why):
            _defer(of, term)

    assert state(number) == "accepted"


def test_a_deferral_cannot_be_taken_back_while_the_later_application_has_moved_on(office):
    number = accepted()
    later, act = _defer(number)
    step(later, "withdraw", reason="personal")

    with pytest.raises(Refused, match="it is recorded to withdraw"), admissions() as back:
        life.reverse(back, act)

    assert (state(number), state(later)) == ("deferred", "withdrawn")


def test_an_officer_of_another_programme_offers_no_place(office):
    number = applied(to="review")
    chemist = acting("admissions", "programme", "CHE")
    biologist = acting("admissions", "programme", "BIO")
    offering = actions.Offering(JUNE)

    with pytest.raises(Refused, match="M903"), doing(chemist) as act:
        actions.offer(act, number, offering, on=TODAY)
    with doing(biologist) as act:
        actions.offer(act, number, offering, on=TODAY)

    assert biologist.grants == (Granted("admissions", "programme", "BIO"),)
    assert state(number) == "offered"

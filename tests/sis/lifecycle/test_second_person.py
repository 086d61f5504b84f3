"""A student's life is changed behind a census by two people, who agree on each act anew."""

from __future__ import annotations

from datetime import date

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.acts.queries import act as act_of
from matricula.sis.lifecycle import actions
from matricula.sis.lifecycle.actions import Towards
from matricula.sis.people import actions as people
from matricula.sis.registration import actions as registration
from matricula.sis.registration.actions import Change
from tests.sis.conftest import agreed, doing
from tests.sis.enrolment.conftest import DROPPING, LATE, campus, enrol, on, student

pytestmark = pytest.mark.any_database
__all__ = ["campus"]


def _withdraw(number, *, effective_on=DROPPING, approver=""):
    change = Change("withdraw", effective_on, last_attended_on=DROPPING)
    with doing(on(LATE, reason="personal", approver=approver)) as act:
        actions.happen(act, number, change)
    return act.act


def _reverse(act, *, approver=""):
    with doing(on(LATE, approver=approver)) as back:
        actions.reverse(back, act)
    return back.act


def test_whoever_reaches_back_over_the_census_is_told_who_agrees_and_how(campus):
    amara = student()

    with pytest.raises(Refused, match=r"M909: To withdraw from .* census of 2026-1") as refused:
        _withdraw(amara)
    act = _withdraw(amara, approver=agreed("bela", f"student:{amara}"))

    assert f"`matricula register agree ada student:{amara} --why REASON`" in refused.value.cure
    assert act_of(act).approver == "bela"


def test_what_reaches_back_over_nothing_needs_nobody_and_names_nobody(campus):
    amara = student()

    act = _withdraw(amara, effective_on=LATE, approver=agreed("bela", f"student:{amara}"))

    assert act_of(act).approver == ""


def test_what_two_agreed_on_is_taken_back_by_two_who_agree_again(campus):
    amara = student()
    act = _withdraw(amara, approver=agreed("bela", f"student:{amara}"))

    with pytest.raises(Refused, match=f"was used by {act}"):
        _reverse(act, approver="bela")
    back = _reverse(act, approver=agreed("bela", f"student:{amara}"))

    assert act_of(back).approver == "bela"


def test_one_agreement_covers_a_change_of_programme_with_its_sections(campus):
    amara = student()
    enrol(amara, "BIO101-1")
    towards = Towards("CHE", "2026", ("CHE101-1",))
    before_census = date(2026, 9, 14)
    second = agreed("bela", f"student:{amara}")

    with doing(on(LATE, reason="personal", approver=second)) as act:
        made = actions.change_programme(act, amara, towards, effective_on=before_census)

    assert made.programme == "CHE"
    assert [one.action for one in act.entries].count("use agreement") == 1


def test_nobody_becomes_a_student_behind_the_census_by_the_word_of_one(campus):
    with doing(on(LATE)) as act:
        described = people.Described("Bela", "Test", None)
        person = people.register_matched(act, described, on=DROPPING).pk
    attempt = registration.Attempt("BIO", "2026", "full", DROPPING)

    def matriculate(approver=""):
        with doing(on(LATE, approver=approver)) as act:
            registration.matriculate(act, person, attempt)
        return act.act

    with pytest.raises(Refused, match=rf"M909: To matriculate person:{person} .* the census"):
        matriculate()
    act = matriculate(agreed("bela", f"person:{person}"))

    assert act_of(act).approver == "bela"

"""One reverse takes an act back, whatever part of the register it did something in."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.acts.queries import act as act_of
from matricula.sis.admissions import actions as admissions
from matricula.sis.admissions import queries as applications
from matricula.sis.admissions.queries import Applicant
from matricula.sis.curriculum import actions as curriculum
from matricula.sis.curriculum import queries as taught
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.holds import actions as holding
from matricula.sis.holds import queries as holds
from matricula.sis.holds.rules import Claim, OwnRuling, Ruling
from matricula.sis.lifecycle import actions
from matricula.sis.registration.actions import Change
from tests.sis.conftest import agreed, doing
from tests.sis.enrolment.conftest import (
    CHOOSING,
    LATE,
    campus,
    enrol,
    on,
    person_of,
    status,
    student,
)

__all__ = ["campus"]

APPLICANT = Applicant("Bela", "Nagy", date(2005, 1, 1), "bela@example.org")


def _did(do, *arguments, who=None, **told):
    """Do one thing; the act."""
    with doing(who or on(CHOOSING)) as act:
        do(act, *arguments, **told)
    return act.act


def _back(act, who=None):
    """Take an act back; the act that does."""
    return _did(actions.reverse, act, who=who)


def _holds(number):
    found = holds.holds_of([person_of(number)], on=CHOOSING)[person_of(number)]
    return [one.standing.state for one in found]


def _conduct(number):
    return Claim(person_of(number), "conduct", "disciplinary", "registry", CHOOSING)


def test_an_act_that_placed_a_hold_is_taken_back_and_counts_again(campus):
    number = student()
    act = _did(holding.place, _conduct(number))

    back = _back(act)
    after_one = _holds(number)
    _back(back)

    assert (after_one, _holds(number)) == ([], ["active"])
    assert act_of(back).reverses == act


def test_only_the_office_that_holds_takes_back_what_it_held(campus):
    number = student()
    bursar = on(CHOOSING, "bursar")
    debt = replace(
        _conduct(number), kind="debt", cause="tuition", office="bursary", amount_minor=100,
        currency="GBP",
    )  # fmt: skip
    act = _did(holding.place, debt, who=bursar)

    with pytest.raises(Refused, match="M903"):
        _back(act)
    _back(act, bursar)

    assert _holds(number) == []


def test_an_act_that_moved_a_section_is_taken_back_by_who_answers_for_it(campus):
    with doing(on(CHOOSING)) as act:
        curriculum.plan_section(
            act, curriculum.NewSection("MAT101-9", "MAT101", "2026-1", "MAIN", 9)
        )
    opened = _did(curriculum.move_section, "MAT101-9", "open", taken=0)

    with pytest.raises(Refused, match="M903"):
        _back(opened, on(CHOOSING, "bursar"))
    _back(opened, on(CHOOSING, "scheduler"))

    assert taught.section("MAT101-9").state == "planned"


def test_a_cancelled_section_comes_back_with_whoever_sat_there(campus):
    number = student()
    enrol(number, "BIO101-2")
    who = on(CHOOSING, "scheduler", reason="no staff")
    cancelled = _did(enrolment.cancel_section, "BIO101-2", who=who)
    left = status(number, "BIO101-2", CHOOSING)

    back = _back(cancelled, on(CHOOSING, "scheduler"))
    came = (taught.section("BIO101-2").state, status(number, "BIO101-2", CHOOSING))
    _back(back, on(CHOOSING, "scheduler"))

    assert (left, came) == ("dropped", ("open", "enrolled"))
    assert taught.section("BIO101-2").state == "cancelled"
    assert status(number, "BIO101-2", CHOOSING) == "dropped"


def test_an_act_about_an_application_is_taken_back_by_admissions(campus):
    officer = on(CHOOSING, "admissions")
    with doing(officer) as act:
        wish = admissions.Wish("BIO", "2026-2")
        number = admissions.apply(act, APPLICANT, wish, on=CHOOSING).number
    sent = _did(admissions.record, number, "submit", who=officer, on=CHOOSING)

    with pytest.raises(Refused, match="M903"):
        _back(sent, on(CHOOSING, "admissions", "programme", "CHE"))
    _back(sent, officer)

    (told,) = applications.of_numbers([number], on=CHOOSING)
    assert told.standing.state == "draft"


def test_an_act_of_enrolment_is_taken_back(campus):
    number = student()
    enrol(number, "BIO101-2")
    dropped = _did(enrolment.drop, number, "BIO101-2")

    _back(dropped)

    assert status(number, "BIO101-2", CHOOSING) == "enrolled"


def test_a_whole_withdrawal_is_taken_back_with_its_enrolments(campus):
    number = student()
    enrol(number, "BIO101-2")
    change = Change("withdraw", CHOOSING, last_attended_on=CHOOSING)
    gone = _did(actions.happen, number, change, who=on(CHOOSING, reason="personal"))
    left = status(number, "BIO101-2", CHOOSING)

    _back(gone)

    assert (left, status(number, "BIO101-2", CHOOSING)) == ("dropped", "enrolled")


@pytest.mark.parametrize("what", ["withdraw", "drop"])
def test_a_registrar_of_another_programme_takes_nothing_back(campus, what):
    number = student()
    enrol(number, "BIO101-2")
    change = Change("withdraw", CHOOSING, last_attended_on=CHOOSING)
    who = on(CHOOSING, reason="personal")
    act = (
        _did(actions.happen, number, change, who=who)
        if what == "withdraw"
        else _did(enrolment.drop, number, "BIO101-2", who=who)
    )

    with pytest.raises(Refused, match="M903"):
        _back(act, on(CHOOSING, "registrar", "programme", "CHE"))
    _back(act, on(CHOOSING, "registrar", "programme", "BIO"))

    assert status(number, "BIO101-2", CHOOSING) == "enrolled"


def test_an_act_that_left_nothing_to_take_back_is_refused_and_not_said_to_be_done(campus):
    ruled = _did(
        holding.rule, OwnRuling("uk", "conduct", "", "term registration", Ruling("block")),
        who=on(LATE, approver=agreed("bela", "hold policy:uk conduct term registration")),
    )  # fmt: skip

    with pytest.raises(Refused, match=f"M910: {ruled} .* left nothing that can be taken back"):
        _back(ruled, on(LATE))


def test_what_was_taken_back_is_not_taken_back_twice_whatever_it_was(campus):
    number = student()
    enrol(number, "BIO101-2")
    acts = [
        _did(holding.place, _conduct(number)),
        _did(enrolment.drop, number, "BIO101-2"),
    ]

    for act in acts:
        back = _back(act)
        with pytest.raises(Refused, match=f"M910: {act} was taken back by {back}"):
            _back(act)


def test_an_act_that_nobody_did_is_not_taken_back(campus):
    with pytest.raises(Refused, match="M908"):
        _back("act-unheard-of")

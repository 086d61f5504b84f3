"""Who may do what with applications: nothing without a grant for it, within its scope, today."""

from __future__ import annotations

from dataclasses import replace

import pytest

from matricula.accounts.models import Look
from matricula.kernel.errors import Refused
from matricula.sis.admissions import access, actions, queries
from matricula.sis.lifecycle import actions as life
from tests.sis.admissions.conftest import (
    AMARA,
    JUNE,
    WISH,
    accepted,
    admissions,
    applied,
    matriculated,
    offered,
    state,
    told,
)
from tests.sis.conftest import TODAY, acting, doing

pytestmark = pytest.mark.any_database
PAYMENT = actions.Payment("PAY-1", 100, "GBP")


def _act(do):
    """Have somebody do something in an act of theirs."""

    def tried(who, number):
        with doing(who) as act:
            do(act, number)

    return tried


def _last_act(number):
    return queries.history(number)[-1].act


# How each thing that ALLOWED names is done or read by somebody.
DOES = {
    "read an application": access.told,
    "list applications": lambda who, _: access.listed(who, queries.matching(on=TODAY)),
    "look for people alike": access.alike,
    "apply for somebody": _act(lambda act, _: actions.apply(act, AMARA, WISH, on=TODAY)),
    "amend an application": _act(lambda act, n: actions.amend(act, n, AMARA, on=TODAY)),
    "move an application": _act(lambda act, n: actions.record(act, n, "accept", on=TODAY)),
    "offer a place": _act(lambda act, n: actions.offer(act, n, actions.Offering(JUNE), on=TODAY)),
    "decide a condition": _act(
        lambda act, n: actions.decide_condition(act, n, actions.Ruling(1, False, "x"), on=TODAY)
    ),
    "record a deposit": _act(lambda act, n: actions.take_deposit(act, n, PAYMENT, on=TODAY)),
    "defer a place": _act(lambda act, n: actions.defer(act, n, "2028/1", on=TODAY)),
    "matriculate an applicant": _act(
        lambda act, n: actions.matriculate(act, n, actions.Identity(is_new=True))
    ),
    "reverse an admissions act": _act(lambda act, n: life.reverse(act, _last_act(n))),
    "reverse a matriculation": _act(lambda act, n: life.reverse(act, _last_act(n))),
}
# Who may not do any of it, whatever it is.
STRANGERS = {
    "a wrong role": acting("librarian"),
    "another programme's officer": acting("admissions", "programme", "CHE"),
    "another department's registrar": acting("registrar", "department", "ARTS"),
    "an officer whose grant expired": replace(acting("admissions"), grants=()),
    "a registrar whose grant expired": replace(acting("registrar"), grants=()),
    "a student": acting("student", "own", person=99),
}


def test_everything_that_is_named_is_tried_here(office):
    assert set(DOES) == set(access.ALLOWED)


# Whose grant is for something else may list, and sees none of these: tried below.
ELSEWHERE = {"another programme's officer", "another department's registrar"}
TRIED = [
    (what, stranger)
    for what in DOES
    for stranger in STRANGERS
    if not (what == "list applications" and stranger in ELSEWHERE)
]


def test_what_no_grant_covers_is_refused_and_nothing_is_kept(office):
    open_, over = offered(conditions=("Maths at B",)), accepted()
    matriculated(over, is_new=True)
    before = [len(queries.history(number)) for number in (open_, over)]

    for what, stranger in TRIED:
        with pytest.raises(Refused) as refused:
            DOES[what](STRANGERS[stranger], over if what == "reverse a matriculation" else open_)
        assert refused.value.code == "M903", (what, stranger)

    assert [len(queries.history(number)) for number in (open_, over)] == before
    assert len(queries.matching(on=TODAY)) == len(before)


@pytest.mark.parametrize(("scope", "value"), [("programme", "BIO"), ("department", "SCI")])
def test_an_officer_brings_an_applicant_of_the_programme_or_department_to_the_end(
    office, scope, value
):
    officer = acting("admissions", scope, value)
    number = accepted()

    with doing(officer) as act:
        actions.matriculate(act, number, actions.Identity(is_new=True))

    assert state(number) == "matriculated"


def test_a_registrar_reads_applications_and_writes_none(office):
    number = offered()

    assert access.told(acting("registrar"), number).standing.state == "offered"
    with pytest.raises(Refused, match="M903"), doing(acting("registrar")) as act:
        actions.record(act, number, "accept", on=TODAY)
    assert state(number) == "offered"


def test_a_student_reads_the_application_by_which_they_became_one(office):
    number, other = accepted(), applied()
    made = matriculated(number, is_new=True)
    student = acting("student", "own", person=made.student.person)

    assert access.told(student, number).standing.state == "matriculated"
    with pytest.raises(Refused, match="M903"):
        access.told(student, other)


def test_a_list_holds_what_is_within_reach_and_no_more(office):
    biology = applied()
    chemistry = applied(wish=replace(WISH, programme="CHE"))
    every = queries.matching(on=TODAY)

    def seen(*who):
        return [one.number for one in access.listed(acting(*who), every)]

    assert seen("admissions", "programme", "BIO") == [biology]
    assert seen("admissions", "department", "SCI") == [biology, chemistry]
    assert seen("registrar") == [biology, chemistry]
    assert seen("admissions", "department", "ARTS") == []


def test_that_somebody_looked_for_people_alike_is_noted(office):
    number = applied()

    found = access.alike(acting("admissions"), number)

    assert found == []
    assert [(one.what, one.key) for one in Look.objects.all()] == [("people alike", number)]


def test_an_application_that_is_not_there_is_refused_in_words(office):
    with pytest.raises(Refused, match=r"M951.*no application A9999999"):
        access.told(acting("admissions"), "A9999999")
    with admissions() as act:
        number = actions.apply(act, AMARA, WISH, on=TODAY).number
    assert told(number).number == number

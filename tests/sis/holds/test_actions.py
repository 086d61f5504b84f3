"""Holds in the database: who places, disputes and releases them, and what then stands."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from matricula.accounts.models import Look
from matricula.audit.queries import history as audited
from matricula.kernel.errors import Refused
from matricula.sis.holds import access, actions, queries, rules
from matricula.sis.holds.actions import Window
from matricula.sis.people.models import Merge, Person
from tests.sis.conftest import AT, TODAY, acting, agreed, doing

CHIDI = 7
SEPTEMBER, NEXT_YEAR = date(2026, 9, 1), date(2027, 9, 1)
DEBT = rules.Claim(
    CHIDI, "debt", "tuition", "bursary", SEPTEMBER, expires_on=NEXT_YEAR, term="2026-1",
    amount_minor=50000, currency="GBP",
)  # fmt: skip
FINE = rules.Claim(
    CHIDI, "debt", "ancillary", "library/north", SEPTEMBER, amount_minor=6000, currency="GBP"
)
CASE = rules.Claim(CHIDI, "conduct", "disciplinary", "registry", SEPTEMBER)
BURSAR, STUDENT = acting("bursar"), acting("student", "own", person=CHIDI)
REGISTRAR = acting("registrar")
LIBRARIAN = acting("librarian", "office", "library/north")


def _place(claim=DEBT, who=BURSAR):
    with doing(who) as act:
        return actions.place(act, claim).number


def _do(action, who, number, *, why="", on=TODAY):
    with doing(replace(who, reason=why)) as act:
        return getattr(actions, action)(act, number, on=on)


def _state(on=TODAY, known_at=None):
    return [
        one.standing.state for one in queries.holds_of([CHIDI], on=on, known_at=known_at)[CHIDI]
    ]


def _outcomes(service="term registration", **told):
    found = queries.checks_for([CHIDI], service, **{"on": TODAY, "policy": "uk", **told})
    return [check.outcome for check in found[CHIDI]]


def test_a_debt_that_the_bursar_places_blocks_the_next_registration_until_it_is_released(register):
    number = _place()
    before = _outcomes()

    _do("release", BURSAR, number, why="paid")

    assert before == ["blocked"]
    assert (_outcomes(), _state(), _state(on=SEPTEMBER)) == ([], ["released"], ["active"])


def test_a_student_disputes_their_own_hold_and_it_is_only_noted_until_the_office_answers(register):
    number = _place()
    _do("dispute", STUDENT, number, why="amount")
    disputed = (_state(), _outcomes())

    _do("settle", BURSAR, number, why="upheld")

    assert disputed == (["disputed"], ["notice"])
    assert (_state(), _outcomes()) == (["active"], ["blocked"])


def test_an_answered_dispute_is_not_raised_again_by_the_student_but_by_the_office(register):
    number = _place()
    _do("dispute", STUDENT, number, why="amount")
    _do("settle", BURSAR, number, why="upheld")

    with pytest.raises(Refused, match="was answered on 2026-10-14"):
        _do("dispute", STUDENT, number, why="unfair")

    _do("dispute", BURSAR, number, why="unfair")
    assert _state() == ["disputed"]


def test_a_student_does_not_date_a_dispute_back(register):
    number = _place()

    with pytest.raises(Refused, match="counts from the day"):
        _do("dispute", STUDENT, number, why="amount", on=SEPTEMBER)


@pytest.mark.parametrize(
    "who",
    [STUDENT, REGISTRAR, acting("librarian"), acting("bursar", "office", "bursary/north"),
     acting("system", "office", "library")],
)  # fmt: skip
def test_nobody_releases_a_hold_but_the_office_that_holds_and_its_system(register, who):
    number = _place()

    with pytest.raises(Refused) as refused:
        _do("release", who, number, why="paid")

    assert refused.value.code == "M903"
    _do("release", acting("system", "office", "bursary"), number, why="paid")


def test_what_has_expired_blocks_nothing_and_cannot_be_released(register):
    number = _place()
    after = NEXT_YEAR + timedelta(days=1)

    with pytest.raises(Refused, match="expired on 2027-09-01") as refused:
        _do("release", BURSAR, number, why="paid", on=after)

    assert refused.value.code == "M942"
    assert (_state(on=after), _outcomes(on=after)) == (["expired"], [])


def test_a_reversed_release_lets_the_hold_stand_and_both_stay_in_its_history(register):
    number = _place()
    event = _do("release", BURSAR, number, why="paid")

    with doing(BURSAR) as act:
        (back,) = actions.reverse(act, event.act)

    assert _state() == ["active"]
    assert [entry.action for entry in audited("hold", number)][:2] == ["reverse", "release"]
    with doing(BURSAR) as act:
        actions.reverse(act, back.act)
    assert _state() == ["released"]


def test_a_placing_that_is_taken_back_was_never_there(register):
    with doing(BURSAR) as act:
        actions.place(act, DEBT)
    with doing(BURSAR) as back:
        actions.reverse(back, act.act)

    assert (_state(), _state(on=SEPTEMBER)) == ([], [])


def test_a_hold_was_known_as_it_was_known_on_an_earlier_day(register):
    _place()
    later = replace(BURSAR, at=AT + timedelta(days=2), today=TODAY + timedelta(days=2))
    with doing(replace(later, reason="error")) as act:
        actions.release(act, "00000001", on=SEPTEMBER)

    assert _state() == ["released"]
    assert _state(known_at=AT) == ["active"]
    assert _outcomes(known_at=AT) == ["blocked"]
    assert _state(known_at=AT - timedelta(days=1)) == []


def test_a_system_that_tells_the_same_claim_again_places_nothing(register):
    claim = replace(DEBT, source=("fees", "INV-1"))
    system = acting("system", "office", "bursary")
    number = _place(claim, system)

    assert _place(claim, system) == number
    assert len(_state()) == 1
    with pytest.raises(Refused, match="says something else") as refused:
        _place(replace(claim, amount_minor=40000), system)
    assert refused.value.code == "M947"


@pytest.mark.parametrize(
    ("changed", "code", "says"),
    [
        ({"kind": "debts"}, "M944", "no kind debts"),
        ({"cause": "document"}, "M944", "no cause of the kind debt"),
        ({"office": "library"}, "M944", "no cause at the Library tuition"),
        ({"office": "kitchen"}, "M944", "no office kitchen"),
        ({"visibility": "nobody"}, "M944", "no visibility nobody"),
        ({"amount_minor": None}, "M945", "how much is owed"),
        ({"currency": ""}, "M945", "how much is owed"),
        ({"expires_on": None}, "M945", "of one term says when it expires"),
        ({"expires_on": date(2026, 8, 1)}, "M945", "is before 2026-09-01"),
        ({"kind": "loan", "cause": "ancillary"}, "M945", "has no amount"),
    ],
)
def test_a_hold_that_is_not_whole_is_refused_and_says_what_is_missing(
    register, changed, code, says
):
    with pytest.raises(Refused, match=says) as refused:
        _place(replace(DEBT, **changed))

    assert refused.value.code == code
    assert queries.of_office("bursary", on=TODAY) == []


def test_an_exemption_needs_a_second_person_and_ends_with_its_window(register):
    number = _place()
    window = Window("term registration", TODAY, TODAY + timedelta(days=30))
    who = replace(BURSAR, reason="agreement", approver="grace")

    with pytest.raises(Refused) as refused, doing(who) as act:
        actions.exempt(act, number, window)
    agreed("grace", f"hold:{number}", role="bursar")
    with doing(who) as act:
        actions.exempt(act, number, window)

    assert refused.value.code == "M901"
    assert (_outcomes(), _state()) == (["passed"], ["active"])
    assert _outcomes(on=TODAY + timedelta(days=31)) == ["blocked"]
    assert _outcomes("conferral") == ["blocked"]


@pytest.mark.parametrize("approver", ["", "ada"])
def test_nobody_exempts_alone(register, approver):
    number = _place()
    alone = replace(BURSAR, reason="agreement", approver=approver)

    with pytest.raises(Refused) as refused, doing(alone) as act:
        actions.exempt(act, number, Window("term registration", TODAY, TODAY))

    assert refused.value.code == "M909"


def test_an_exemption_that_was_ended_counts_no_more_and_did_count_before(register):
    number = _place()
    second = agreed("grace", f"hold:{number}", role="bursar")
    with doing(replace(BURSAR, reason="agreement", approver=second)) as act:
        made = actions.exempt(act, number, Window("term registration", TODAY, NEXT_YEAR))
    later = replace(BURSAR, at=AT + timedelta(hours=1))
    with doing(later) as end:
        actions.end_exemption(end, made.pk)

    assert (_outcomes(), _outcomes(known_at=AT)) == (["blocked"], ["passed"])
    with pytest.raises(Refused) as refused, doing(later) as end:
        actions.end_exemption(end, made.pk)
    assert refused.value.code == "M943"


def test_the_registrar_exempts_from_every_hold_and_an_act_that_is_reversed_takes_it_back(register):
    _place()
    who = replace(REGISTRAR, reason="hardship", approver=agreed("grace", f"person:{CHIDI}"))
    window = Window("term registration", TODAY, NEXT_YEAR)
    with doing(who) as act:
        actions.exempt_from_all(act, CHIDI, window)
    exempted = _outcomes()

    with doing(who) as back:
        actions.reverse(back, act.act)

    assert (exempted, _outcomes()) == (["passed"], ["blocked"])
    with pytest.raises(Refused) as refused, doing(replace(who, role="bursar")) as act:
        actions.exempt_from_all(act, CHIDI, window)
    assert refused.value.code == "M903"


@pytest.mark.parametrize(
    ("window", "reason", "code"),
    [
        (Window("gym", TODAY, TODAY), "agreement", "M944"),
        (Window("library", TODAY, TODAY), "kindness", "M944"),
        (Window("library", TODAY, SEPTEMBER), "agreement", "M945"),
    ],
)
def test_an_exemption_that_makes_no_sense_is_refused(register, window, reason, code):
    number = _place()

    who = replace(BURSAR, reason=reason, approver=agreed("grace", f"hold:{number}"))
    with pytest.raises(Refused) as refused, doing(who) as act:
        actions.exempt(act, number, window)

    assert refused.value.code == code


def test_an_institutions_ruling_counts_from_when_it_is_made_and_the_decision_names_it(register):
    _place(FINE, LIBRARIAN)
    agreed("grace", "hold policy:open debt library")
    own = rules.OwnRuling("open", "debt", "", "library", rules.Ruling("block"))
    later = AT + timedelta(hours=1)
    with doing(replace(REGISTRAR, at=later, approver="grace")) as act:
        actions.rule(act, own)

    assert _outcomes("library", policy="open", known_at=AT) == ["warned"]
    assert _outcomes("library", policy="open") == ["blocked"]
    assert queries.policy_of("open").edition == "open 2.1"
    assert queries.policy_of("uk").edition == "uk 2.0"


@pytest.mark.parametrize(
    "who", [BURSAR, acting("operator"), acting("registrar", "department", "SCI")]
)
def test_only_the_registrar_rules_on_holds(register, who):
    own = rules.OwnRuling("open", "debt", "", "library", rules.Ruling("block"))

    with pytest.raises(Refused) as refused, doing(replace(who, approver="grace")) as act:
        actions.rule(act, own)

    assert refused.value.code == "M903"


def test_a_service_or_a_policy_that_holds_do_not_know_is_refused(register):
    for told in ({"service": "librry"}, {"policy": "us"}):
        with pytest.raises(Refused) as refused:
            _outcomes(**told)
        assert refused.value.code == "M944"


def test_what_many_persons_have_is_asked_for_in_as_many_queries_as_what_one_has(
    register, django_assert_max_num_queries
):
    for person in range(100, 120):
        _place(replace(DEBT, person=person))

    with django_assert_max_num_queries(9):
        found = queries.checks_for(range(100, 130), "conferral", on=TODAY, policy="uk")

    assert sum(map(len, found.values())) == 20
    assert found[129] == []


def test_what_is_held_against_somebody_who_was_merged_is_held_against_the_survivor(register):
    one, other = (Person.objects.create(act="test", recorded_at=AT) for _ in range(2))
    _place(replace(DEBT, person=other.pk))
    Merge.objects.create(survivor=one, merged=other, evidence="a test", act="test", recorded_at=AT)

    found = queries.checks_for([one.pk, other.pk], "conferral", on=TODAY, policy="uk")

    assert [len(checks) for checks in found.values()] == [1, 1]
    number = found[one.pk][0].name.removeprefix("hold ")
    _do("dispute", acting("student", "own", person=one.pk), number, why="not owed")
    seen = access.holds(acting("student", "own", person=one.pk), one.pk, on=TODAY)
    assert [one.held.standing.state for one in seen] == ["disputed"]


def test_the_person_sees_their_debt_in_full_and_of_an_offices_matter_only_that_there_is_one(
    register,
):
    _place()
    _place(CASE, REGISTRAR)

    debt, case = access.holds(STUDENT, CHIDI, on=TODAY)

    assert (debt.is_veiled, debt.held.amount_minor) == (False, 50000)
    assert (case.is_veiled, case.held.kind, case.held.cause) == (True, "", "")
    assert case.held.office == "registry"


def test_an_office_sees_its_own_holds_alone_and_who_looks_into_its_matter_is_noted(register):
    _place()
    _place(FINE, LIBRARIAN)
    _place(CASE, REGISTRAR)

    seen = {
        who.role: [one.held.office for one in access.holds(who, CHIDI, on=TODAY)]
        for who in (BURSAR, LIBRARIAN, REGISTRAR)
    }

    assert seen == {
        "bursar": ["bursary"],
        "librarian": ["library/north"],
        "registrar": ["bursary", "library/north", "registry"],
    }
    assert [(look.key, look.role) for look in Look.objects.all()] == [("00000003", "registrar")]


@pytest.mark.parametrize(
    "who", [acting("student", "own", person=8), acting("lecturer", "section", "MATH101-1")]
)
def test_nobody_else_sees_that_there_are_holds_or_what_was_decided(register, who):
    _place()

    for read in (lambda: access.holds(who, CHIDI, on=TODAY), lambda: access.decisions(who, CHIDI)):
        with pytest.raises(Refused) as refused:
            read()
        assert refused.value.code == "M903"

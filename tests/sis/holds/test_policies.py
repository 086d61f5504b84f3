"""What holds mean for a service: two presets, an institution's rulings, and the law over both."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from matricula.kernel.errors import Refused
from matricula.sis.holds import rules
from matricula.sis.holds.rules import (
    KINDS,
    PROFILES,
    SERVICES,
    Exempted,
    Held,
    OwnRuling,
    Policy,
    Ruling,
    Standing,
)
from matricula.sis.holds.rules.policies import BOARD, EFFECTS, PRESETS

PLACED = date(2026, 10, 1)
UK, OPEN = Policy("uk", {}), Policy("open", {})
DEBT = Held(
    1, "00000001", 7, "debt", "tuition", "bursary", "2026-1", 50000, "GBP", "everybody",
    ("", ""), PLACED, None, Standing("active", PLACED),
)  # fmt: skip
FINE = replace(DEBT, cause="ancillary", office="library", term="", amount_minor=9900)
BOOK = replace(FINE, kind="loan", amount_minor=None, currency="")
CASE = replace(BOOK, kind="conduct", cause="disciplinary", office="registry", visibility="office")


def _disputed(held):
    return replace(held, standing=Standing("disputed", PLACED))


def _outcomes(held, service, *, policy=UK, term="", exemptions=()):
    return [
        check.outcome
        for check in rules.checks([held], exemptions, service, policy=policy, term=term)
    ]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("held", [FINE, BOOK, replace(FINE, office="bursary")])
def test_in_the_uk_profile_what_is_owed_besides_tuition_blocks_nothing_at_all(held, service):
    assert "blocked" not in _outcomes(held, service)


def test_in_the_uk_profile_a_book_that_is_out_is_told_with_the_completion_and_no_more():
    assert _outcomes(BOOK, "completion") == ["warned"]
    assert _outcomes(BOOK, "conferral") == ["notice"]


def test_in_the_open_profile_the_library_clears_before_completion():
    assert _outcomes(BOOK, "completion", policy=OPEN) == ["blocked"]


def test_unpaid_tuition_blocks_the_next_term_and_not_results_that_were_released():
    assert _outcomes(DEBT, "term registration", term="2027-1") == ["blocked"]
    assert _outcomes(DEBT, "results", term="2026-1") == ["notice"]


@pytest.mark.parametrize("policy", [UK, OPEN])
def test_unpaid_tuition_keeps_back_the_transcript_of_its_own_term_and_of_no_paid_one(policy):
    assert _outcomes(DEBT, "transcript", policy=policy, term="2025-1") == []
    assert _outcomes(DEBT, "transcript", policy=policy, term="2026-1") == ["blocked"]
    assert _outcomes(DEBT, "transcript", policy=policy) == ["blocked"]


def test_a_debt_that_names_no_term_keeps_back_the_transcript_of_none():
    assert _outcomes(replace(DEBT, term=""), "transcript", term="2026-1") == []


def test_a_hold_of_a_term_that_is_not_of_money_counts_for_that_term_alone():
    advice = replace(BOOK, kind="academic", cause="academic", office="exams", term="2027-1")

    assert _outcomes(advice, "term registration", term="2027-1") == ["blocked"]
    assert _outcomes(advice, "term registration", term="2027-2") == []


@pytest.mark.parametrize(("amount", "found"), [(4999, []), (5000, ["blocked"])])
def test_an_amount_below_the_threshold_does_nothing(amount, found):
    assert _outcomes(replace(DEBT, amount_minor=amount), "term registration") == found


def test_a_disputed_hold_does_what_the_policy_says_of_disputes():
    own = Policy("uk", {("debt", "", "term registration"): Ruling("block", "warn")}, 1)

    assert _outcomes(_disputed(DEBT), "term registration") == ["notice"]
    assert _outcomes(_disputed(DEBT), "term registration", policy=own) == ["warned"]
    assert _outcomes(_disputed(CASE), "conferral") == ["blocked"]


@pytest.mark.parametrize("state", ["released", "expired"])
def test_a_hold_that_does_not_stand_any_more_says_nothing(state):
    assert _outcomes(replace(DEBT, standing=Standing(state, PLACED)), "term registration") == []


def test_an_exemption_lets_the_hold_stand_and_says_until_when_it_does_not_count():
    (check,) = rules.checks(
        [DEBT], [Exempted(1, "term registration", date(2027, 1, 31))], "term registration",
        policy=UK,
    )  # fmt: skip

    assert check.outcome == "passed"
    assert "until 2027-01-31" in check.what


@pytest.mark.parametrize(
    "other", [Exempted(2, "term registration", PLACED), Exempted(None, "transcript", PLACED)]
)
def test_an_exemption_from_another_hold_or_for_another_service_does_not_help(other):
    assert _outcomes(DEBT, "term registration", exemptions=[other]) == ["blocked"]


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize(("kind", "cause"), [(k, c) for k, of in KINDS.items() for c in of])
@pytest.mark.parametrize("profile", PROFILES)
def test_no_preset_goes_farther_than_it_may_and_every_answer_says_four_things(
    profile, kind, cause, service
):
    held = replace(DEBT, kind=kind, cause=cause)
    ruling = PRESETS[profile].get((kind, cause), {}).get(service)

    if ruling is not None:
        most = rules.limit(profile, cause, service).effect
        assert not rules.is_stronger(ruling.effect, most)
    for check in rules.checks([held], [], service, policy=Policy(profile, {})):
        assert all([check.what, check.office, check.clears, check.appeal])


@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.parametrize("kind", KINDS)
def test_no_hold_keeps_a_board_from_deciding_whatever_an_institution_rules(profile, kind):
    held = replace(DEBT, kind=kind, cause=KINDS[kind][0])
    own = Policy(profile, {(kind, "", BOARD): Ruling("block", "block")}, 1)

    assert "blocked" not in _outcomes(held, BOARD, policy=own)
    with pytest.raises(Refused, match="keeps a board") as refused:
        rules.must_be_allowed(OwnRuling(profile, kind, "", BOARD, Ruling("block")))
    assert refused.value.code == "M946"


def test_an_institution_in_the_uk_profile_cannot_rule_that_a_fine_keeps_an_award_back():
    with pytest.raises(Refused, match="Consumer law"):
        rules.must_be_allowed(OwnRuling("uk", "debt", "", "conferral", Ruling("block")))

    rules.must_be_allowed(OwnRuling("uk", "debt", "tuition", "conferral", Ruling("block")))


def test_a_dispute_may_not_make_a_hold_worse():
    with pytest.raises(Refused, match="disputed hold would do more"):
        rules.must_be_allowed(OwnRuling("uk", "document", "", "access", Ruling("none", "warn")))


@pytest.mark.parametrize(
    ("field", "word"), [("profile", "us"), ("kind", "dept"), ("cause", "fees"), ("service", "gym")]
)
def test_a_word_that_holds_do_not_know_is_refused_with_those_they_know(field, word):
    own = replace(OwnRuling("uk", "debt", "", "access", Ruling("warn")), **{field: word})

    with pytest.raises(Refused) as refused:
        rules.must_be_allowed(own)

    assert refused.value.code == "M944"
    assert "Did you mean" in refused.value.cure or "Use one of" in refused.value.cure


def test_an_institutions_word_for_a_cause_goes_before_its_word_for_the_kind_and_the_preset():
    own = Policy(
        "uk",
        {("debt", "", "library"): Ruling("block"), ("debt", "tuition", "library"): Ruling("none")},
        2,
    )

    assert own.edition == "uk 2.2"
    assert own.ruling("debt", "tuition", "library").effect == "none"
    assert own.ruling("debt", "ancillary", "library").effect == "block"
    assert own.ruling("loan", "ancillary", "library").effect == "warn"


def test_of_an_offices_own_matter_a_check_says_that_there_is_one_and_not_why():
    (check,) = rules.checks([CASE], [], "conferral", policy=UK)

    assert check.office == "the Registrar's Office"
    assert "that office alone tells" in check.what
    assert not {"case", "conduct", "disciplin"} & set(str(check).lower().split())


def test_effects_are_ordered_from_nothing_to_a_block():
    assert EFFECTS == ("none", "notice", "warn", "block")

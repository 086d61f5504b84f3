"""What a library tells, as holds: which kinds, of what size, and what follows when it changes."""

from __future__ import annotations

from decimal import Decimal

import pytest

from matricula.sis.holds import rules
from matricula.sis.holds.rules import Figure, Held, Policy, Ruling
from matricula.sis.received.queries import Cleared
from tests.sis.holds.test_policies import BOOK, OPEN

pytestmark = pytest.mark.any_database
ANY = Figure()


def _said(overdue=None, fines=None, balance=None, clear=None, *, currency="GBP"):
    fines, balance = (None if one is None else Decimal(one) for one in (fines, balance))
    found = rules.told(Cleared(overdue, fines, balance, clear), currency=currency)
    return {kind: "" if one.is_nothing else one for kind, one in found.items()}


@pytest.mark.parametrize(
    ("cleared", "holds"),
    [
        # Nothing said is nothing held and nothing let go.
        ({}, {}),
        ({"overdue": 0}, {"loan": ""}),
        ({"overdue": 2}, {"loan": Figure(loans=2)}),
        ({"fines": "0"}, {"debt": ""}),
        ({"fines": "4.5000"}, {"debt": Figure(450)}),
        # A credit is no debt.
        ({"fines": "-3"}, {"debt": ""}),
        ({"overdue": 1, "fines": "2.25", "clear": False},
         {"loan": Figure(loans=1), "debt": Figure(225), "clearance": ""}),
        # Not clear, and nothing overdue or owed: something is lent.
        ({"overdue": 0, "fines": "0", "clear": False},
         {"loan": "", "debt": "", "clearance": ANY}),
        ({"clear": False}, {"clearance": ANY}),
        # Why it is not clear, accounting says: that is no matter of the library.
        ({"overdue": 0, "fines": "0", "balance": "900", "clear": False},
         {"loan": "", "debt": "", "clearance": ""}),
        # The charter's own sum goes before what it was made of.
        ({"overdue": 1, "fines": "0.20", "clear": True},
         {"loan": "", "debt": "", "clearance": ""}),
    ],
)  # fmt: skip
def test_what_is_told_of_a_student_is_held_by_kind_and_size(cleared, holds):
    assert _said(**cleared) == holds


def test_of_whom_nothing_is_told_any_more_nothing_is_held():
    assert {one.is_nothing for one in rules.told(None, currency="GBP").values()} == {True}


@pytest.mark.parametrize(
    ("currency", "minor"), [("GBP", 1050), ("JPY", 11), ("KWD", 10500), ("", 1050)]
)
def test_an_amount_is_in_the_minor_units_of_the_institutions_currency(currency, minor):
    assert _said(fines="10.5", currency=currency)["debt"] == Figure(minor)


@pytest.mark.parametrize(
    ("was", "stands", "now", "follows"),
    [
        (None, False, Figure(loans=0), ""),
        (None, False, Figure(loans=1), "place"),
        (None, False, ANY, "place"),
        (Figure(loans=1), True, Figure(loans=1), ""),
        (Figure(loans=1), True, Figure(loans=2), "retell"),
        (Figure(loans=2), True, Figure(loans=1), "retell"),
        (Figure(loans=2), True, Figure(loans=0), "release"),
        (ANY, True, rules.NOTHING, "release"),
        # It was released because it was settled.
        (Figure(loans=0), False, Figure(loans=0), ""),
        (rules.NOTHING, False, Figure(loans=0), ""),
        (Figure(loans=0), False, Figure(loans=1), "place"),
        (rules.NOTHING, False, ANY, "place"),
        # An office released it by hand.
        (Figure(450), False, Figure(450), ""),
        (Figure(450), False, Figure(400), "retell"),
        (Figure(450), False, Figure(500), "place"),
        (Figure(450), False, Figure(0), "retell"),
        (ANY, False, ANY, ""),
        (ANY, False, rules.NOTHING, "retell"),
        # It was settled, and the release was taken back since.
        (Figure(loans=0), True, Figure(loans=0), "release"),
    ],
)
def test_what_is_told_anew_places_changes_or_releases_and_an_offices_word_stands(
    was, stands, now, follows
):
    assert rules.what_follows(was, stands=stands, now=now) == follows


@pytest.mark.parametrize(("loans", "outcomes"), [(1, []), (2, ["blocked"]), (None, ["blocked"])])
def test_an_institution_rules_from_how_many_loans_on_it_matters(loans, outcomes):
    own = {("loan", "", "completion"): Ruling("block", threshold_loans=2)}
    held = [
        rules.Held(**{name: getattr(BOOK, name) for name in Held.__slots__} | {"loans": loans})
    ]

    found = rules.checks(held, [], "completion", policy=Policy("open", own))

    assert [one.outcome for one in found] == outcomes


def test_in_the_uk_profile_what_is_lent_and_not_overdue_warns_who_completes_and_no_more():
    held = rules.Held(
        **{name: getattr(BOOK, name) for name in Held.__slots__} | {"kind": "clearance"}
    )

    for policy, outcome in ((Policy("uk", {}), "warned"), (OPEN, "blocked")):
        (found,) = rules.checks([held], [], "completion", policy=policy)
        assert found.outcome == outcome
        for service in ("term registration", "transcript", "library", "enrolment"):
            assert rules.checks([held], [], service, policy=policy) == []

"""Decisions: what was answered, and with which checks, is kept whether it was yes or no."""

from __future__ import annotations

import pytest

from matricula.kernel.checks import Check, blocked
from matricula.sis.holds import actions, queries
from tests.sis.conftest import doing

CHIDI = 7
SEAT = Check("seat", what="There is a seat.")
DEBT = blocked("hold 1", "Tuition is owed.", office="the Bursary", clears="Pay it.")


def test_an_answer_is_kept_with_every_check_and_the_policy_by_which_it_was_given(register):
    with doing() as act:
        act.name("enrol", "student", "00000001")
        made = actions.decide(act, CHIDI, "enrolment", [SEAT], about="MATH101-1")

    assert made.result == "passed"
    assert queries.decisions(CHIDI) == [made]
    assert (made.checks, made.policy, made.about) == ((SEAT,), "uk 2.0", "MATH101-1")


def test_whoever_does_many_at_once_keeps_the_refusals_and_goes_on_with_the_others(register):
    with doing() as act:
        act.name("enrol", "section", "MATH101-1")
        made = actions.decide_each(act, "enrolment", {CHIDI: [SEAT, DEBT], 8: [SEAT]})

    assert {person: one.result for person, one in made.items()} == {CHIDI: "refused", 8: "passed"}
    assert queries.decisions(CHIDI)[0].checks == (SEAT, DEBT)


def _asked(checks):
    with doing() as act:
        act.name("enrol", "student", "00000001")
        actions.ask(act, CHIDI, "enrolment", checks)


def test_whoever_asks_for_one_is_told_what_is_in_the_way_and_nothing_is_done(register):
    with pytest.raises(actions.RefusedDecision, match="Tuition is owed") as refused:
        _asked([SEAT, DEBT])

    assert refused.value.decided.is_refused
    assert queries.decisions(CHIDI) == []

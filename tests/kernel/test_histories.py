"""Histories: what stands of them, whether it is a legal walk, and why it is not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pytest

from matricula.kernel import checks, histories
from matricula.kernel.errors import Refused

AT = datetime(2026, 10, 14, 9, tzinfo=UTC)
STORY = histories.Story("lamp", "the Caretaker")


@dataclass(frozen=True)
class Flick:
    """An event of a lamp."""

    number: int
    action: str
    day: int = 1
    supersedes: int | None = None

    @property
    def effective_on(self):
        """Its day in October."""
        return date(2026, 10, self.day)

    @property
    def recorded_at(self):
        """An hour after the one before."""
        return AT + timedelta(hours=self.number)


@dataclass(frozen=True)
class Move:
    """What an action does to a lamp."""

    sources: frozenset[str]
    target: str


MOVES = {
    "hang": Move(frozenset({""}), "off"),
    "light": Move(frozenset({"off"}), "on"),
    "quench": Move(frozenset({"on"}), "off"),
}
LIT = [Flick(1, "hang"), Flick(2, "light", 3)]


def _states(events):
    steps, wrong = histories.walk(events, MOVES)
    return [step.after for step in steps], wrong


def _why(events, new):
    (check,) = histories.misfits(histories.walk([*events, new], MOVES), new, MOVES, STORY)
    return check


def test_what_stands_is_followed_in_the_order_of_its_days_and_not_of_its_recording():
    assert _states([*reversed(LIT), Flick(3, "quench", 5)]) == (["off", "on", "off"], None)


def test_what_was_taken_back_stands_again_when_that_is_taken_back():
    back = Flick(3, histories.REVERSE, 3, supersedes=2)
    again = Flick(4, histories.REVERSE, 3, supersedes=3)

    assert _states([*LIT, back]) == (["off"], None)
    assert _states([*LIT, back, again]) == (["off", "on"], None)


def test_what_was_known_at_an_instant_leaves_out_what_was_recorded_later():
    assert histories.known(LIT, AT + timedelta(hours=1)) == LIT[:1]
    assert histories.known(LIT, None) == LIT


def test_the_first_event_that_is_not_legal_is_named_and_why():
    new = Flick(3, "light", 4)

    found = _why(LIT, new)

    assert _states([*LIT, new]) == (["off", "on"], new)
    assert found.what == "On 2026-10-04 the lamp is on."
    assert found.clears.startswith("To light asks for: off.")
    assert (found.office, found.appeal) == (
        "the Caretaker", "Object in writing to the Caretaker.",
    )  # fmt: skip


def test_an_event_that_would_make_a_later_one_illegal_is_told_which():
    found = _why([*LIT, Flick(3, "quench", 9)], Flick(4, "quench", 5))

    assert found.what == "It would then be off when, on 2026-10-09, it is recorded to quench."
    assert "Reverse the later event first" in found.clears


def test_what_has_no_beginning_is_not_there_yet():
    assert _why([], Flick(1, "light")).what == "On 2026-10-01 the lamp is not there yet."


def test_what_fits_has_nothing_against_it():
    new = Flick(3, "quench", 4)

    assert histories.misfits(histories.walk([*LIT, new], MOVES), new, MOVES, STORY) == []


def test_of_several_things_in_the_way_the_first_is_said_and_the_others_are_counted():
    wrong = [
        checks.Check("light", checks.WARNED, "It flickers."),
        checks.blocked("oil", "No oil.", office="the Caretaker", clears="Fill it."),
        checks.blocked("wick", "No wick.", office="the Caretaker", clears="Trim it."),
    ]

    checks.must_pass(wrong[:1], code="M999")
    with pytest.raises(Refused, match=r"No oil\. \(1 more\) Fill it\.") as refused:
        checks.must_pass(wrong, code="M999")

    assert (refused.value.code, refused.value.place) == ("M999", "the Caretaker")

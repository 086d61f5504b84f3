"""The machine of a hold: what may happen to it, and what it is on a day."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.kernel.histories import REVERSE, standing_events
from matricula.sis.holds import rules
from matricula.sis.holds.rules import Event

FIRST = date(2026, 9, 1)
AT = datetime(2026, 9, 1, 9, 0, tzinfo=UTC)
# The register.md of the house: active > disputed > active | released.
LEGAL = {
    ("", "place"): "active",
    ("active", "dispute"): "disputed",
    ("disputed", "settle"): "active",
    ("active", "release"): "released",
    ("disputed", "release"): "released",
}
WORDS = {"place": "", "dispute": "amount", "settle": "upheld", "release": "paid"}


def _event(number, action, day, **told):
    return Event(
        number, action, FIRST + timedelta(days=day), AT + timedelta(minutes=number),
        told.pop("reason", WORDS.get(action, "")), told.pop("supersedes", None),
    )  # fmt: skip


def _wrong(history, new, *, expires_on=None):
    return rules.may_happen(history, new, office="the Bursary", expires_on=expires_on)


PLACED = [_event(1, "place", 0)]
DISPUTED = [*PLACED, _event(2, "dispute", 5)]


@pytest.mark.parametrize(
    ("history", "day", "state"),
    [
        (PLACED, -1, ""),
        (PLACED, 0, "active"),
        (DISPUTED, 4, "active"),
        (DISPUTED, 5, "disputed"),
        ([*DISPUTED, _event(3, "settle", 7)], 7, "active"),
        ([*DISPUTED, _event(3, "release", 7)], 7, "released"),
        ([*PLACED, _event(2, "release", 3)], 3, "released"),
    ],
)
def test_a_hold_is_what_its_history_says_on_the_day(history, day, state):
    assert rules.state_on(history, FIRST + timedelta(days=day)).state == state


def test_a_hold_expires_with_the_day_after_its_last_one_and_without_an_event():
    last = FIRST + timedelta(days=10)

    assert rules.state_on(DISPUTED, last, expires_on=last).state == "disputed"
    after = rules.state_on(DISPUTED, last + timedelta(days=1), expires_on=last)
    assert (after.state, after.since) == ("expired", last)


def test_a_hold_that_was_released_before_its_last_day_does_not_expire():
    released = [*PLACED, _event(2, "release", 3)]

    found = rules.state_on(released, date(2027, 9, 1), expires_on=FIRST + timedelta(days=10))

    assert found.state == "released"


def test_nothing_happens_to_a_hold_that_expired():
    wrong = _wrong(PLACED, _event(2, "release", 11), expires_on=FIRST + timedelta(days=10))

    assert [check.name for check in wrong] == ["expiry"]


def test_a_hold_was_active_as_it_was_known_before_its_release_was_recorded():
    history = [*PLACED, _event(2, "release", 0)]

    assert rules.state_on(history, FIRST).state == "released"
    assert rules.state_on(history, FIRST, known_at=history[0].recorded_at).state == "active"


@pytest.mark.parametrize(("action", "reason"), [("dispute", ""), ("release", "because")])
def test_what_is_adverse_or_final_asks_for_a_reason_from_the_list(action, reason):
    (wrong,) = _wrong(PLACED, _event(2, action, 1, reason=reason))

    assert wrong.name == "reason"
    assert "Give one of" in wrong.clears


def test_an_action_that_holds_do_not_know_is_refused_with_those_they_know():
    (wrong,) = _wrong(PLACED, _event(2, "forget", 1))

    assert "place, dispute, settle, release" in wrong.clears


def test_a_placing_that_a_release_builds_on_is_not_taken_back_before_the_release_is():
    history = [*PLACED, _event(2, "release", 3)]

    assert _wrong(history, _event(3, REVERSE, 0, supersedes=1))
    assert _wrong(history, _event(3, REVERSE, 3, supersedes=2)) == []


_steps = st.lists(
    st.tuples(st.sampled_from(["place", "dispute", "settle", "release", REVERSE]),
              st.integers(0, 12), st.integers(1, 12)),
    max_size=14,
)  # fmt: skip


@settings(max_examples=100, deadline=None, derandomize=True)
@given(_steps, st.none() | st.integers(0, 12))
def test_whatever_is_tried_a_history_is_a_legal_walk_and_what_is_refused_explains_itself(
    tried, last
):
    expires_on = None if last is None else FIRST + timedelta(days=last)
    history = []

    for number, (action, day, back) in enumerate(tried, 1):
        stands = {one.number for one in standing_events(history)}
        if action == REVERSE and back not in stands:
            continue
        new = _event(number, action, day, supersedes=back if action == REVERSE else None)
        wrong = _wrong(history, new, expires_on=expires_on)
        assert all(one.what and one.office and one.clears and one.appeal for one in wrong)
        if not wrong:
            history.append(new)

    state = ""
    for event in standing_events(history):
        state = LEGAL[state, event.action]
        assert rules.state_on(history, date(2028, 1, 1)).state in {*LEGAL.values(), ""}
    assert rules.state_on(history, date(2028, 1, 1)).state == state
    if expires_on is not None:
        assert rules.state_on(history, date(2028, 1, 1), expires_on=expires_on).state in {
            "", "expired", "released",
        }  # fmt: skip

"""An application is a walk: what fits stands, what does not says why and what clears it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.kernel.checks import BLOCKED, WARNED
from matricula.sis.admissions import rules
from matricula.sis.admissions.rules import Event, Outcome, Terms

FIRST = date(2027, 1, 1)
AT = datetime(2027, 1, 1, 9, tzinfo=UTC)
# Every day on which anything happens in these walks, and some before and after.
DAYS = [FIRST + timedelta(days=n) for n in range(-1, 32)]


def _event(number, action, day=0, **told):
    told.setdefault("reason", "personal" if _asks(action) else "")
    if action in {"offer", "carry"}:
        told.setdefault("expires_on", FIRST + timedelta(days=day + 10))
    return Event(
        number, action, FIRST + timedelta(days=day), AT + timedelta(minutes=number), **told
    )


def _asks(action):
    return action in rules.TRANSITIONS and rules.TRANSITIONS[action].needs_reason


def _history(*actions):
    return [_event(number, action, day) for number, (action, day) in enumerate(actions, 1)]


def _state(events, day):
    return rules.state_on(events, FIRST + timedelta(days=day)).state


OFFERED = (("draft", 0), ("submit", 1), ("review", 2), ("offer", 3))


def test_an_application_walks_from_enquiry_to_matriculation():
    events = _history(
        ("enquire", 0), ("draft", 1), ("submit", 2), ("review", 3), ("waitlist", 4), ("offer", 5),
        ("accept", 6), ("matriculate", 7),
    )  # fmt: skip

    states = [_state(events, day) for day in range(-1, 8)]

    assert states == [
        "", "enquiry", "draft", "submitted", "under review", "waitlisted", "offered", "accepted",
        "matriculated",
    ]  # fmt: skip


def test_an_offer_that_nobody_took_has_lapsed_on_the_day_after_its_last():
    events = _history(*OFFERED)

    assert _state(events, 13) == "offered"
    assert _state(events, 14) == "lapsed"


def test_an_offer_that_was_accepted_on_its_last_day_does_not_lapse():
    events = _history(*OFFERED, ("accept", 13))

    assert _state(events, 30) == "accepted"


def test_an_answer_that_came_in_time_and_is_recorded_late_takes_the_lapse_away():
    events = _history(*OFFERED)
    late = _event(5, "accept", 12)

    assert _state(events, 20) == "lapsed"
    assert rules.checks(events, late) == []
    assert _state([*events, late], 20) == "accepted"
    assert rules.late(events, late, today=FIRST + timedelta(days=20))
    assert not rules.late(events, late, today=FIRST + timedelta(days=13))


def test_what_lapsed_is_not_accepted_but_may_be_offered_again():
    events = _history(*OFFERED)

    (refused,) = rules.checks(events, _event(5, "accept", 14))
    again = [*events, _event(5, "offer", 14)]

    assert "the application is lapsed" in refused.what
    assert rules.checks(events, again[-1]) == []
    assert _state(again, 14) == "offered"
    assert _state(again, 25) == "lapsed"


def test_a_later_offer_takes_the_place_of_the_earlier_and_its_last_day():
    events = _history(*OFFERED, ("offer", 6))

    standing = rules.state_on(events, FIRST + timedelta(days=14))

    assert (standing.state, standing.offer) == ("offered", 5)


def test_a_decision_against_somebody_has_a_reason_from_the_list():
    events = _history(("draft", 0), ("submit", 1), ("review", 2))

    (without,) = rules.checks(events, _event(4, "decline", 3, reason=""))
    (unknown,) = rules.checks(events, _event(4, "decline", 3, reason="whim"))

    assert "needs a reason" in without.what
    assert "no reason whim" in unknown.what
    assert "entry requirements" in unknown.clears


@pytest.mark.parametrize("action", ["expire", "enrol"])
def test_nobody_records_what_the_day_does_or_what_there_is_not(action):
    (refused,) = rules.checks(_history(*OFFERED), _event(5, action, 4))

    assert f"Nobody records to {action}" in refused.what


def test_an_offer_says_until_when_and_not_until_a_day_before_it_is_made():
    events = _history(*OFFERED[:3])

    (open_ended,) = rules.checks(events, _event(4, "offer", 3, expires_on=None))
    (past,) = rules.checks(events, _event(4, "offer", 3, expires_on=FIRST))

    assert "needs the last day" in open_ended.what
    assert "before it is made" in past.what


def test_what_is_inserted_before_must_let_stand_what_is_recorded_after():
    events = _history(*OFFERED, ("accept", 8))

    (refused,) = rules.checks(events, _event(6, "withdraw", 5))

    assert "it is recorded to accept" in refused.what
    assert refused.office == "the Admissions Office"


def test_a_reversal_of_the_ground_under_a_later_step_is_refused():
    events = _history(*OFFERED, ("accept", 8))
    back = Event(6, rules.REVERSE, FIRST, AT, supersedes=4)

    (refused,) = rules.checks(events, back)

    assert "Reverse the later event first" in refused.clears


def test_open_conditions_and_an_unpaid_deposit_are_in_the_way_of_matriculation():
    terms = Terms(
        FIRST, (Outcome(1, "Maths at B"), Outcome(2, "A reference", "met")), 50000, 20000, "GBP"
    )

    condition, deposit = rules.matriculation_checks(terms, policy="uk", due="300.00 GBP")

    assert condition.what == "Condition 1 is open: Maths at B"
    assert deposit.what == "Of the deposit 300.00 GBP is not paid."
    assert {condition.outcome, deposit.outcome} == {BLOCKED}
    assert terms.kind == "conditional"


def test_under_the_open_policy_an_unpaid_deposit_is_only_warned_of():
    terms = Terms(FIRST, (), 50000, 0, "GBP")

    (deposit,) = rules.matriculation_checks(terms, policy="open", due="500.00 GBP")

    assert deposit.outcome == WARNED


def test_an_offer_that_is_fulfilled_and_paid_for_leaves_nothing_to_ask():
    terms = Terms(FIRST, (Outcome(1, "Maths at B", "waived"),), 50000, 60000, "GBP")

    assert rules.matriculation_checks(terms, policy="unheard of", due="") == []
    assert (terms.kind, terms.due_minor) == ("firm", 0)


def test_an_application_is_handed_in_with_a_birth_date_an_address_and_an_open_programme():
    missing = rules.Complete(
        has_birth=False, has_email=False, programme="BIO", closed_on=FIRST, starts_on=FIRST
    )

    checks = rules.submission_checks(missing)

    assert [one.what for one in checks] == [
        "The day of birth is not written down.",
        "There is no address to answer to.",
        f"The programme BIO takes nobody from {FIRST} on.",
    ]


_ACTION = st.sampled_from([*rules.TRANSITIONS, *sorted(rules.NOTES), rules.REVERSE])
_STEP = st.tuples(_ACTION, st.integers(0, 30), st.integers(0, 40))
_WALK = settings(max_examples=50, deadline=None, derandomize=True)


def _drawn(events, step):
    """The event of a step; a reversal takes back one that nothing took back yet."""
    action, day, which = step
    number = len(events) + 1
    if action != rules.REVERSE:
        return _event(number, action, day)
    over = {one.supersedes for one in events}
    free = [one for one in events if one.number not in over]
    if not free:
        return None
    old = free[which % len(free)]
    at = AT + timedelta(minutes=number)
    return Event(number, rules.REVERSE, old.effective_on, at, supersedes=old.number)


def _explains(check):
    return bool(check.what and check.office and check.clears and check.appeal)


def _walked(steps):
    """Histories one after the other, as whatever of the steps is legal comes in."""
    events = []
    # A start that gets somewhere: most random beginnings are refused.
    for one in _history(*OFFERED):
        events = [*events, one]
    yield None, events
    for step in steps:
        new = _drawn(events, step)
        if new is None:
            continue
        checks = rules.checks(events, new)
        if not checks:
            events = [*events, new]
        yield checks, events


@_WALK
@given(st.lists(_STEP, max_size=40))
def test_whatever_is_inserted_or_reversed_the_history_stays_a_legal_walk(steps):
    for checks, events in _walked(steps):
        walked, wrong = rules.walk(events)

        assert wrong is None
        assert all(_explains(one) for one in checks or [])
        for before, after in pairwise(walked):
            assert before.after == after.before
            assert before.event.effective_on <= after.event.effective_on


@_WALK
@given(st.lists(_STEP, max_size=25))
def test_a_reversal_and_its_reversal_leave_every_day_as_it_was(steps):
    *_, (_, events) = _walked(steps)
    new = _drawn(events, (rules.REVERSE, 0, len(steps)))
    if new is None or rules.checks(events, new):
        return

    back = [*events, new]
    again = Event(
        len(back) + 1, rules.REVERSE, new.effective_on, new.recorded_at, supersedes=new.number
    )

    assert rules.checks(back, again) == []
    assert [rules.state_on([*back, again], day) for day in DAYS] == [
        rules.state_on(events, day) for day in DAYS
    ]


@_WALK
@given(st.lists(_STEP, max_size=25))
def test_what_was_known_at_an_instant_is_never_changed_by_what_comes_after(steps):
    *_, (_, events) = _walked(steps)

    for length in range(1, len(events) + 1):
        earlier = events[:length]
        known = [rules.state_on(events, day, known_at=earlier[-1].recorded_at) for day in DAYS]
        assert known == [rules.state_on(earlier, day) for day in DAYS]


@_WALK
@given(st.lists(_STEP, max_size=30))
def test_a_note_never_moves_an_application(steps):
    *_, (_, events) = _walked(steps)
    moves = [
        one
        for one in events
        if one.action not in rules.NOTES and not _takes_back_a_note(one, events)
    ]

    assert [rules.state_on(moves, day) for day in DAYS] == [
        rules.state_on(events, day) for day in DAYS
    ]


def _takes_back_a_note(one, events):
    by = {event.number: event for event in events}
    while one.supersedes is not None:
        one = by[one.supersedes]
    return one.action in rules.NOTES

"""Walks over both machines: what may happen, what stands, and that a refusal explains itself."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.kernel.checks import in_the_way
from matricula.kernel.histories import standing_events
from matricula.sis.enrolment import rules

DAY = date(2026, 9, 1)
AT = datetime(2026, 9, 1, tzinfo=UTC)
MACHINES = {"enrolment": rules.ENROLMENTS, "term registration": rules.TERMS}
STATES = {
    "enrolment": set(rules.STATUSES),
    "term registration": {
        rules.NOT_ELIGIBLE, rules.ELIGIBLE, rules.HELD, rules.REGISTERED, rules.COMPLETED,
        rules.CANCELLED, rules.ON_LEAVE, rules.WITHDRAWN,
    },
}  # fmt: skip
small = settings(max_examples=100, deadline=None, derandomize=True)


def event(number, action, *, day=0, **told):
    """An event that lacks nothing."""
    lacks = {"reason": "error", "grade": "B"}
    return rules.Event(
        number, action, DAY + timedelta(days=day), AT + timedelta(minutes=number),
        **{**lacks, **told},
    )  # fmt: skip


@st.composite
def walks(draw, machine):
    """Steps with days and, now and then, what takes an earlier one back."""
    found = []
    for number in range(1, draw(st.integers(1, 12)) + 1):
        superseded = {one.supersedes for one in found}
        free = [one.number for one in found if one.number not in superseded]
        if free and draw(st.integers(0, 4)) == 0:
            action, target = rules.REVERSE, draw(st.sampled_from(free))
        else:
            action, target = draw(st.sampled_from(sorted(machine.moves))), None
        found.append(event(number, action, day=draw(st.integers(0, 5)), supersedes=target))
    return found


def taken(machine, steps):
    """Take the steps that are allowed; gives the history and what was refused, with why."""
    history, refused = [], []
    for one in steps:
        if one.supersedes is not None and one.supersedes not in {e.number for e in history}:
            continue
        wrong = in_the_way(rules.event_checks(machine, history, one))
        if wrong:
            refused.append((one, wrong))
        else:
            history.append(one)
    return history, refused


@pytest.mark.parametrize("name", MACHINES)
@small
@given(data=st.data())
def test_a_history_is_always_a_legal_walk_and_every_refusal_explains_itself(name, data):
    machine = MACHINES[name]

    history, refused = taken(machine, data.draw(walks(machine)))

    _, wrong = rules.walk(machine, history)
    assert wrong is None
    assert rules.state_on(machine, history).state in {rules.NOT_YET, *STATES[name]}
    for _, checks in refused:
        for check in checks:
            assert all((check.what, check.office, check.clears, check.appeal)), check


@pytest.mark.parametrize("name", MACHINES)
@small
@given(data=st.data())
def test_what_was_taken_back_leaves_the_state_as_if_it_had_not_been(name, data):
    machine = MACHINES[name]
    history, _ = taken(machine, data.draw(walks(machine)))
    superseded = {one.supersedes for one in history}
    last = next(
        (o for o in reversed(standing_events(history)) if o.number not in superseded), None
    )
    if last is None:
        return
    back = event(99, rules.REVERSE, supersedes=last.number)

    if in_the_way(rules.event_checks(machine, history, back)):
        return

    without = [one for one in history if one is not last]
    expected = [one for one in standing_events(history) if one is not last]
    assert standing_events([*history, back]) == expected
    assert len(without) == len(history) - 1


@pytest.mark.parametrize("name", MACHINES)
@small
@given(data=st.data())
def test_what_was_known_earlier_is_not_changed_by_what_is_recorded_later(name, data):
    machine = MACHINES[name]
    history, _ = taken(machine, data.draw(walks(machine)))
    cut = data.draw(st.integers(0, len(history)))
    at = AT + timedelta(minutes=history[cut - 1].number) if cut else AT

    for day in range(7):
        on = DAY + timedelta(days=day)
        then = rules.state_on(machine, history, on, known_at=at)
        assert then == rules.state_on(machine, history[:cut], on)


@pytest.mark.parametrize("name", MACHINES)
def test_every_state_can_be_reached_and_only_from_states_that_there_are(name):
    machine = MACHINES[name]

    targets = {move.target for move in machine.moves.values()}
    sources = {state for move in machine.moves.values() for state in move.sources}

    assert targets == STATES[name]
    assert sources - {rules.NOT_YET} <= targets


@pytest.mark.parametrize(
    ("name", "actions", "state"),
    [
        ("enrolment", ["enrol", "drop", "enrol"], "enrolled"),
        ("enrolment", ["wait", "promote", "claim"], "enrolled"),
        ("enrolment", ["wait", "promote", "expire offer"], "dropped"),
        ("enrolment", ["ask approval", "wait", "promote", "claim"], "enrolled"),
        ("enrolment", ["request", "ask approval", "refuse"], "dropped"),
        ("enrolment", ["enrol", "leave incomplete", "grade"], "graded"),
        ("enrolment", ["enrol", "withdraw"], "withdrawn"),
        ("term registration", ["find not eligible", "find eligible", "register"], "registered"),
        ("term registration", ["find eligible", "hold up", "register", "complete"], "completed"),
        ("term registration", ["find eligible", "register", "leave", "return"], "registered"),
        ("term registration", ["find eligible", "register", "withdraw"], "withdrawn"),
        ("term registration", ["find eligible", "register", "cancel", "register"], "registered"),
    ],
)
def test_the_ways_that_are_meant_are_open(name, actions, state):
    history, refused = taken(
        MACHINES[name], [event(place, one) for place, one in enumerate(actions, 1)]
    )

    assert refused == []
    assert rules.state_on(MACHINES[name], history).state == state


@pytest.mark.parametrize(
    ("actions", "refused"),
    [
        (["enrol", "withdraw", "enrol"], "enrol"),
        (["wait", "grade"], "grade"),
        (["enrol", "grade", "drop"], "drop"),
        (["claim"], "claim"),
        (["enrol", "expire offer"], "expire offer"),
    ],
)
def test_the_ways_that_are_closed_say_from_where_they_would_be_open(actions, refused):
    _, wrong = taken(rules.ENROLMENTS, [event(place, one) for place, one in enumerate(actions, 1)])

    ((one, checks),) = wrong
    assert one.action == refused
    assert f"To {refused} asks for:" in checks[0].clears


def test_what_is_adverse_needs_a_reason_from_the_list_and_a_grade_is_a_grade():
    history = [event(1, "enrol")]

    told = {
        "nothing": in_the_way(rules.event_checks(
            rules.ENROLMENTS, history, event(2, "withdraw", reason=""))),
        "a word": in_the_way(rules.event_checks(
            rules.ENROLMENTS, history, event(2, "withdraw", reason="bored"))),
        "no grade": in_the_way(rules.event_checks(
            rules.ENROLMENTS, history, event(2, "grade", grade=""))),
        "no action": in_the_way(rules.event_checks(
            rules.ENROLMENTS, history, event(2, "vanish"))),
        "attended": in_the_way(rules.event_checks(
            rules.ENROLMENTS, history,
            event(2, "withdraw", last_attended_on=DAY + timedelta(days=3)))),
    }  # fmt: skip

    assert {name: found[0].what for name, found in told.items()} == {
        "nothing": "To withdraw needs a reason.",
        "a word": "There is no reason bored.",
        "no grade": "To grade needs a grade.",
        "no action": "There is no action vanish.",
        "attended": "The last day of attendance, 2026-09-04, is after 2026-09-01.",
    }


def test_an_offer_to_who_waits_does_not_change_since_when_they_wait():
    history = [event(1, "wait"), event(2, "promote", day=3)]

    found = rules.state_on(rules.ENROLMENTS, history)

    assert (found.state, found.since) == ("waitlisted", DAY)

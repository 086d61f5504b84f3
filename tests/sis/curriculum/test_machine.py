"""A section's states: a random walk never leaves the table, and each refusal explains itself."""

from __future__ import annotations

from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from matricula.kernel.histories import REVERSE, standing_events
from matricula.sis.curriculum import rules
from tests.sis.conftest import AT, TODAY
from tests.sis.curriculum.conftest import TERM, taught

_ACTIONS = st.sampled_from([*rules.TRANSITIONS, rules.RESIZE, REVERSE])


def _event(number, action, *, capacity=30, supersedes=None):
    return rules.Event(number, action, TODAY, AT + timedelta(minutes=number), capacity, supersedes)


@settings(max_examples=100, deadline=None, derandomize=True)
@given(st.lists(st.tuples(_ACTIONS, st.integers(0, 60)), max_size=15))
def test_a_section_only_moves_as_the_table_says_and_each_refusal_explains_itself(asked):
    history: list[rules.Event] = []
    states = [("", 0)]
    for number, (action, capacity) in enumerate(asked, 1):
        stands = standing_events(history)
        back = stands[-1].number if action == REVERSE and stands else None
        if action in (REVERSE, rules.RESIZE) and not stands:
            continue
        new = _event(number, action, capacity=capacity, supersedes=back)
        wrong = rules.move_checks(history, new)
        if wrong:
            assert all(one.what and one.office and one.clears and one.appeal for one in wrong)
            assert rules.standing(history).state not in rules.TRANSITIONS[action].sources
            continue
        before = rules.standing(history)
        history.append(new)
        after = rules.standing(history)
        states.append((after.state, after.capacity))
        if action in rules.TRANSITIONS:
            assert before.state in rules.TRANSITIONS[action].sources
            assert after.state == rules.TRANSITIONS[action].target
        if action == rules.RESIZE:
            assert after == rules.Standing(before.state, capacity)

    known = [rules.standing(history, known_at=one.recorded_at) for one in history]

    assert [(one.state, one.capacity if one.state else 0) for one in known] == [
        (state, seats if state else 0) for state, seats in states[1:]
    ]


def test_what_took_back_the_last_event_gives_the_state_and_the_seats_before_it():
    history = [_event(1, "plan"), _event(2, "open"), _event(3, rules.RESIZE, capacity=40)]

    back = [*history, _event(4, REVERSE, capacity=40, supersedes=3)]

    assert rules.standing(history) == rules.Standing(rules.OPEN, 40)
    assert rules.standing(back) == rules.Standing(rules.OPEN, 30)


def test_what_was_opened_in_between_keeps_an_earlier_event_from_being_taken_back():
    history = [_event(1, "plan"), _event(2, "open"), _event(3, "close")]

    (wrong,) = rules.move_checks(history, _event(4, REVERSE, supersedes=2))

    assert "it is recorded to close" in wrong.what


def test_seats_are_refused_for_each_thing_that_is_in_their_way():
    section = taught("BIO101-1", capacity=30)

    few = rules.capacity_checks(section, 20, taken=25, seats={"LAB1": 30})
    many = rules.capacity_checks(section, 40, taken=25, seats={"LAB1": 30, "HALL": 200})
    below = rules.capacity_checks(section, -1, taken=0, seats={})
    over = rules.capacity_checks(taught("X-1", state=rules.FINISHED), 5, taken=0, seats={})

    assert [one.what for one in few] == ["BIO101-1 would have 20 seats, and 25 are taken."]
    assert [one.what for one in many] == [
        "BIO101-1 would have 40 seats, and the room LAB1 has 30."
    ]
    assert [one.what for one in below] == ["-1 is no number of seats."]
    assert [one.what for one in over] == ["X-1 is finished."]
    assert all(one.clears and one.appeal for one in (*few, *many, *below, *over))


def test_a_section_opens_before_its_term_ends_finishes_after_it_and_is_cancelled_for_a_reason():
    late = TERM.ends_on + timedelta(days=1)

    def said(action, *, today=TODAY, reason=""):
        return [one.what for one in rules.term_checks(action, TERM, today=today, reason=reason)]

    assert said("open") == said("finish", today=late) == said("cancel", reason="too few") == []
    assert said("open", today=late) == ["The term 2026-1 ended on 2026-12-14."]
    assert said("finish") == ["The term 2026-1 is taught until 2026-12-14."]
    assert said("cancel") == ["To cancel needs a reason."]
    assert said("cancel", reason="whim") == ["There is no reason whim."]

"""The effect protocol keeps its laws in every interleaving, and the laws tell when it does not."""

from __future__ import annotations

import pytest

from tests.protocol import model
from tests.protocol.laws import broken
from tests.protocol.model import BEHIND, FRESH, LEAVING, Luck, State, copy_of, explore, recovered

STARTS = {"a copy to make": FRESH, "a copy behind": BEHIND, "a copy to remove": LEAVING}
MUTATIONS = (
    model.NEVER_LOOKS, model.IGNORES_OPEN, model.SENDS_AGAIN, model.INTENDS_UNHELD,
    model.SETTLES_UNHELD, model.SEALS_APART, model.INTENDS_LATE, model.NO_LAST_LOOK,
)  # fmt: skip


def first_wrong(start: State, left_out: tuple[str, ...] = ()) -> tuple[int, list[str]]:
    """Look for a state that breaks a law; say how many states were looked at and what is wrong."""
    rested: dict[State, list[str]] = {}
    count = 0
    for count, state in enumerate(explore(start, left_out), 1):
        told = broken(copy_of(state))
        if not told and state.workers == (None, None):
            rest = state._replace(luck=Luck(), runs=state.runs)
            if rest not in rested:
                rested[rest] = wrong_at_rest(state, left_out)
            told = rested[rest]
        if told:
            return count, told
    return count, []


def wrong_at_rest(state: State, left_out: tuple[str, ...]) -> list[str]:
    """Say what is wrong once a run without bad luck has gone by, and another found nothing."""
    after = recovered(state, left_out)
    wanted = () if not after.want else (after.want,)
    told = broken(copy_of(after), at_rest=True)
    if tuple(value for _, value in after.records) != wanted:
        told.append(f"the target holds {after.records}, its owner wants {after.want}")
    if [e for e in after.effects if e.run == after.runs]:
        told.append("the second run after all bad luck still found something to do")
    return told


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_whatever_happens_to_two_workers_every_law_holds_and_the_next_run_mends_it(start: State):
    count, told = first_wrong(start)

    assert told == []
    assert count > 5_000


@pytest.mark.parametrize("left_out", MUTATIONS)
def test_the_laws_tell_when_the_protocol_leaves_something_out(left_out: str):
    is_told = any(first_wrong(start, (left_out,))[1] for start in STARTS.values())

    assert is_told


def test_a_call_that_outlasts_its_lease_is_what_the_protocol_cannot_make_good():
    told = first_wrong(FRESH, (model.SLOW_CALLS,))[1]

    assert [how.partition(":")[0] for how in told] == ["there_is_one_record_for_a_key"]

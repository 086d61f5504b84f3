"""A small model of the effect protocol: two workers, one target, one copy, and bad luck.

Pure values, explored breadth-first over every interleaving. A worker may be killed before
any step, sleep past its lease, lose a call, an answer, or the target while it looks; the
owner may change its mind. Each is bounded by `Luck`. The target is the worst there is: it
makes a second record for whoever asks twice.

What stands in `broken` is left out of the protocol, to see that the laws would tell.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.protocol import laws
from tests.protocol.laws import OPEN
from tests.protocol.steps import Step

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

# What a mutation leaves out or does wrongly.
NEVER_LOOKS = "what is open is taken for never sent"
IGNORES_OPEN = "what is open is not looked up"
SENDS_AGAIN = "a call without an answer is made again"
INTENDS_UNHELD = "what is to be sent is written down without the lease"
SETTLES_UNHELD = "an outcome is written down without the lease"
NO_LAST_LOOK = "the lease is not looked at before the call"
SEALS_APART = "the audit is sealed in a transaction of its own"
INTENDS_LATE = "the intent is written after the call"
SLOW_CALLS = "a call may outlast the lease it was made under"


class Luck(NamedTuple):
    """How much may still happen: kills, sleeps, lost calls and answers, changes, runs."""

    kills: int = 2
    sleeps: int = 1
    losses: int = 2
    changes: int = 1
    runs: int = 3


class Effect(NamedTuple):
    """A row of the ledger; `record`: which record of the target it is about."""

    run: int
    kind: str
    state: str
    value: int
    record: int


class Link(NamedTuple):
    """What the hub takes the copy to hold; `run`: who wrote it last."""

    state: str
    value: int
    record: int


class Worker(NamedTuple):
    """A run at a step, with what it has in hand."""

    step: Step
    run: int
    seen: tuple[tuple[int, int], ...] | None = None
    want: int = 0
    todo: tuple[str, int, int] = ("", 0, 0)
    outcome: tuple[str, int] = ("", 0)


Workers = tuple[Worker | None, Worker | None]


class State(NamedTuple):
    """Everything there is. `lease`: whose run holds the target, 0 for nobody or run out."""

    want: int
    effects: tuple[Effect, ...] = ()
    link: Link | None = None
    acts: tuple[tuple[int, str], ...] = ()
    records: tuple[tuple[int, int], ...] = ()
    made: int = 0
    lease: int = 0
    runs: int = 0
    workers: Workers = (None, None)
    luck: Luck = Luck()


FRESH = State(want=1)
BEHIND = State(want=2, link=Link("active", 1, 1), records=((1, 1),), made=1)
LEAVING = State(want=0, link=Link("active", 1, 1), records=((1, 1),), made=1)


def copy_of(state: State) -> laws.Copy:
    """Show a state the way the laws look at the product."""
    link = state.link
    return laws.Copy(
        tuple(
            laws.Effect(e.run, e.kind, e.state, None if e.kind == "delete" else e.value)
            for e in state.effects
        ),
        laws.Link(link.state, link.value, link.record) if link else None,
        tuple(laws.Act(*act) for act in state.acts),
        tuple(laws.Record(*record) for record in state.records),
    )


def explore(start: State, broken: Collection[str] = ()) -> Iterator[State]:
    """Give every state that can be reached, each once, the nearest first."""
    known = {start}
    ring = [start]
    while ring:
        yield from ring
        following: list[State] = []
        for state in ring:
            for after in successors(state, broken):
                # The workers are alike: which of them is which makes no other state.
                named = after._replace(workers=_in_order(after.workers))
                if named not in known:
                    known.add(named)
                    following.append(named)
        ring = following


def _in_order(workers: Workers) -> Workers:
    one, other = workers
    if one is None or (other is not None and other.run < one.run):
        return other, one
    return workers


def recovered(state: State, broken: Collection[str] = ()) -> State:
    """Let two runs in a row go by with no more bad luck, as a worker would start them."""
    state = state._replace(luck=Luck(0, 0, 0, 0, state.runs + 2), lease=0)
    while after := next(_of_workers(state, broken, only=0), None):
        state = after
    return state


def successors(state: State, broken: Collection[str]) -> Iterator[State]:
    """Give every state that may come next."""
    luck = state.luck
    yield from _of_workers(state, broken)
    for place, worker in enumerate(state.workers):
        if worker is None:
            continue
        if luck.kills:
            free = 0 if state.lease == worker.run else state.lease
            less = luck._replace(kills=luck.kills - 1)
            yield _with(state, place, None)._replace(lease=free, luck=less)
        in_call = worker.step is Step.ANSWER and SLOW_CALLS not in broken
        if luck.sleeps and state.lease == worker.run and not in_call:
            yield state._replace(lease=0, luck=luck._replace(sleeps=luck.sleeps - 1))
    if luck.changes and state.want:
        yield state._replace(want=3, luck=luck._replace(changes=luck.changes - 1))


def _of_workers(
    state: State, broken: Collection[str], *, only: int | None = None
) -> Iterator[State]:
    for place, worker in enumerate(state.workers):
        if only not in (None, place):
            continue
        if worker is not None:
            yield from _STEPS[worker.step](state, place, worker, broken)
        elif not state.lease and state.runs < state.luck.runs:
            run = state.runs + 1
            claimed = state._replace(lease=run, runs=run)
            yield _with(claimed, place, Worker(Step.PART, run))


def _with(state: State, place: int, worker: Worker | None) -> State:
    one, other = state.workers
    return state._replace(workers=(worker, other) if place == 0 else (one, worker))


def _may_write(state: State, worker: Worker, broken: Collection[str]) -> bool:
    """The fence at the beginning of every transaction of the ledger."""
    settling = worker.step in (Step.CONCLUDE, Step.SETTLE)
    without = SETTLES_UNHELD if settling else INTENDS_UNHELD
    return state.lease == worker.run or without in broken


def _part(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    if not _may_write(state, worker, broken):
        yield _with(state, place, None)
        return
    never = OPEN if NEVER_LOOKS in broken else ("intended",)
    effects = tuple(e._replace(state="void") if e.state in never else e for e in state.effects)
    step = Step.SNAPSHOT if IGNORES_OPEN in broken or not _open(effects) else Step.LOOK
    yield _with(state._replace(effects=effects), place, worker._replace(step=step))


def _open(effects: tuple[Effect, ...]) -> list[int]:
    return [place for place, effect in enumerate(effects) if effect.state in OPEN]


def _look(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    del broken
    yield _with(state, place, worker._replace(step=Step.CONCLUDE, seen=state.records))
    if state.luck.losses:
        luck = state.luck._replace(losses=state.luck.losses - 1)
        silent = worker._replace(step=Step.CONCLUDE, seen=None)
        yield _with(state._replace(luck=luck), place, silent)


def _conclude(
    state: State, place: int, worker: Worker, broken: Collection[str]
) -> Iterator[State]:
    if not _may_write(state, worker, broken):
        yield _with(state, place, None)
        return
    after = state
    for number in _open(state.effects):
        effect = after.effects[number]
        if worker.seen is None:
            after = _left_unknown(after, number)
        else:
            records = _about(effect, worker.seen)
            after = _told(after, number, records)
    following = worker._replace(step=Step.SNAPSHOT, seen=None)
    yield _with(after, place, following)


def _about(effect: Effect, seen: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    """Find by the target's identifier where we know it, otherwise by the key."""
    return tuple(r for r in seen if not effect.record or r[0] == effect.record)


def _told(state: State, number: int, records: tuple[tuple[int, int], ...]) -> State:
    """Write down what the target was found to hold of an open effect."""
    effect = state.effects[number]
    if effect.kind == "delete":
        happened = not records
    else:
        happened = len(records) == 1 and records[0][1] == effect.value
    word = "verified" if happened else "void"
    link = Link("active", records[0][1], records[0][0]) if len(records) == 1 else None
    state = _marked(state, number, word)._replace(link=link)
    acts = (*state.acts, (effect.run, effect.kind)) if happened else state.acts
    return state._replace(acts=acts)


def _marked(state: State, number: int, word: str) -> State:
    effects = list(state.effects)
    effects[number] = effects[number]._replace(state=word)
    return state._replace(effects=tuple(effects))


def _left_unknown(state: State, number: int) -> State:
    effect, link = state.effects[number], state.link
    known = link or Link("unknown", 0, effect.record)
    return _marked(state, number, "unknown")._replace(link=known._replace(state="unknown"))


def _snapshot(
    state: State, place: int, worker: Worker, broken: Collection[str]
) -> Iterator[State]:
    """A full pass reads the target, one over changes does not."""
    del broken
    for seen in (state.records, None):
        read = worker._replace(step=Step.PLAN, seen=seen, want=state.want)
        yield _with(state, place, read)


def _plan(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    del broken
    todo = _difference(state.link, worker)
    idle = Worker(Step.FREE, worker.run)
    busy = Worker(Step.INTEND, worker.run, todo=todo)
    yield _with(state, place, busy if todo[0] else idle)


def _difference(link: Link | None, worker: Worker) -> tuple[str, int, int]:
    want, seen = worker.want, worker.seen
    nothing = ("", 0, 0)
    if link is None:
        if not want or (seen is not None and len(seen) > 1):
            return nothing
        return ("update", want, seen[0][0]) if seen else ("create", want, 0)
    if link.state == "unknown":
        return nothing
    if not want:
        return ("delete", 0, link.record)
    if seen is not None and link.record not in [record for record, _ in seen]:
        return ("create", want, 0)
    return ("update", want, link.record) if link.value != want else nothing


def _intend(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    if INTENDS_LATE in broken:
        yield _with(state, place, worker._replace(step=Step.CALL))
        return
    if not _may_write(state, worker, broken):
        yield _with(state, place, None)
        return
    yield _with(_intended(state, worker), place, worker._replace(step=Step.SEND))


def _intended(state: State, worker: Worker) -> State:
    kind, value, record = worker.todo
    effect = Effect(worker.run, kind, "intended", value, record)
    return state._replace(effects=(*state.effects, effect))


def _send(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    if not _may_write(state, worker, broken):
        yield _with(state, place, None)
        return
    # As in the product it is the run's batch that is marked, whatever became of its rows.
    number = _mine(state, worker)
    sent = _marked(state, number, "sent") if state.effects[number].state == "intended" else state
    yield _with(sent, place, worker._replace(step=Step.CALL))


def _mine(state: State, worker: Worker) -> int:
    return next(n for n, effect in enumerate(state.effects) if effect.run == worker.run)


def _call(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    if state.lease != worker.run and NO_LAST_LOOK not in broken:
        yield _with(state, place, None)
        return
    yield _with(state, place, worker._replace(step=Step.ANSWER))


def _answer(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    """The call arrives or not, and its answer arrives or not."""
    arrived, outcome = _arrived(state, worker.todo)
    yield _answered(arrived, place, worker, outcome)
    if not state.luck.losses:
        return
    luck = state.luck._replace(losses=state.luck.losses - 1)
    again = SENDS_AGAIN in broken
    for happened, word in ((arrived, "unknown"), (state, "unknown"), (state, "deferred")):
        less = happened._replace(luck=luck)
        if again and word == "unknown":
            yield _with(less, place, worker._replace(step=Step.CALL))
        else:
            yield _answered(less, place, worker, (word, 0))


def _answered(state: State, place: int, worker: Worker, outcome: tuple[str, int]) -> State:
    return _with(state, place, worker._replace(step=Step.SETTLE, outcome=outcome))


def _arrived(state: State, todo: tuple[str, int, int]) -> tuple[State, tuple[str, int]]:
    """What the target makes of a call: the worst there is, it knows nobody again."""
    kind, value, record = todo
    others = tuple(r for r in state.records if r[0] != record)
    if kind == "create":
        made = state.made + 1
        grown = state._replace(made=made, records=(*state.records, (made, value)))
        return grown, ("answered", made)
    if kind == "delete":
        return state._replace(records=others), ("answered", record)
    if len(others) == len(state.records):
        return state, ("refused", record)
    kept = tuple((r, value if r == record else held) for r, held in state.records)
    return state._replace(records=kept), ("answered", record)


def _settle(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    if not _may_write(state, worker, broken):
        yield _with(state, place, None)
        return
    if INTENDS_LATE in broken:
        state = _intended(state, worker)
    word, record = worker.outcome
    number = _mine(state, worker)
    is_known = word != "unknown"
    state = _marked(state, number, word) if is_known else _left_unknown(state, number)
    step = Step.FREE
    if word == "answered":
        kind, value, _ = worker.todo
        link = None if kind == "delete" else Link("active", value, record)
        state = state._replace(link=link)
        if SEALS_APART in broken:
            step = Step.SEAL
        else:
            state = _sealed(state, worker)
    yield _with(state, place, worker._replace(step=step))


def _sealed(state: State, worker: Worker) -> State:
    return state._replace(acts=(*state.acts, (worker.run, worker.todo[0])))


def _seal(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    del broken
    yield _with(_sealed(state, worker), place, worker._replace(step=Step.FREE))


def _free(state: State, place: int, worker: Worker, broken: Collection[str]) -> Iterator[State]:
    del broken
    free = 0 if state.lease == worker.run else state.lease
    yield _with(state._replace(lease=free), place, None)


_STEPS = {
    Step.PART: _part, Step.LOOK: _look, Step.CONCLUDE: _conclude, Step.SNAPSHOT: _snapshot,
    Step.PLAN: _plan, Step.INTEND: _intend, Step.SEND: _send, Step.CALL: _call,
    Step.ANSWER: _answer, Step.SETTLE: _settle, Step.SEAL: _seal, Step.FREE: _free,
}  # fmt: skip

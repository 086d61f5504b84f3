"""Runs: plan, apply and sync, each one pass of the line, one at a time."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow.parquet as pq

from matricula.audit.actions import Entry, append
from matricula.engine.plan import pick
from matricula.engine.rekey import UNDECIDED
from matricula.hub import (
    acting,
    alone,
    approvals,
    changed,
    charters,
    gate,
    heard,
    incidents,
    ledger,
    leftovers,
    obligations,
    planning,
    settle,
    since,
    standing,
    transfers,
)
from matricula.hub import systems as health
from matricula.hub import undo as undo_
from matricula.hub.models import FlowState, Run, StoredPlan
from matricula.hub.planning import Scope
from matricula.hub.snapshots import UNREADABLE
from matricula.hub.systems import connected
from matricula.kernel.errors import Refused
from matricula.kernel.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Flow
    from matricula.engine.plan import Plan
    from matricula.hub.desk import Desk
    from matricula.hub.gate import Delivered
    from matricula.hub.planning import Made
    from matricula.hub.systems import Systems

Tick = Callable[[str, int, int], None]
_LEFT = ("held", "refused", "deferred", "unknown")


@dataclass(frozen=True, slots=True)
class Done:
    """What a run planned and what became of it."""

    run: str
    plan: Plan
    delivered: tuple[Delivered, ...]

    @property
    def is_whole(self) -> bool:
        """Whether everything that could be planned was delivered.

        A record that was set aside before has its incident and does not count here.
        """
        return len(self.whole()) == len(self.plan.flows)

    def whole(self, left: Sequence[str] = _LEFT) -> list[str]:
        """Name the flows that nothing held and of whose changes nothing was left over.

        Args:
            left: The words that count as left over.
        """
        behind = {d.flow for d in self.delivered if any(d.counts[word] for word in left)}
        parts = self.plan.flows
        return [p.flow for p in parts if not p.reasons and p.flow not in behind]


def silent(flow: str, done: int, total: int) -> None:
    """Tell nobody how far a run has come."""
    del flow, done, total


@contextmanager
def _run(desk: Desk, kind: str, flows: Sequence[Flow]) -> Iterator[tuple[Run, Systems]]:
    """Begin a run over some flows: alone towards their targets, and sure to be concluded."""
    with alone.claimed(desk, {flow.target.system for flow in flows}) as claim:
        _bury_the_dead(desk)
        with claim.alone_at_home() as alone_here:
            if alone_here:
                leftovers.sweep(desk)
        run = Run.objects.create(
            id=new_id("run", at=desk.at), kind=kind, actor=desk.actor, charter=desk.charter.digest,
            holder=claim.holder, started_at=desk.at,
        )  # fmt: skip
        try:
            with connected(desk, claim) as systems:
                settle.settle_unknown(desk, systems, flows, run=run.id)
                yield run, systems
        except BaseException:
            Run.objects.filter(pk=run.pk).update(state="failed", finished_at=desk.at)
            raise
        Run.objects.filter(pk=run.pk).update(state="done", finished_at=desk.at)
        with claim.alone_at_home() as alone_here:
            if alone_here:
                leftovers.forget_runs(desk)


def _bury_the_dead(desk: Desk) -> None:
    """Write down that runs have died whose lease ran out; on SQLite there is no other run."""
    running = Run.objects.filter(state="running")
    living = alone.living()
    dead = running if living is None else running.exclude(holder__in=living)
    dead.update(state="died", finished_at=desk.at)


def plan(desk: Desk, scope: Scope | None = None) -> Made:
    """Find what is to be done and keep it; nothing is written to any system."""
    wanted = scope or Scope()
    with _run(desk, "plan", planning.chosen_flows(desk, wanted)) as (run, systems):
        return planning.make(desk, systems, run, wanted)


def sync(desk: Desk, scope: Scope | None = None, *, tick: Tick = silent) -> Done:
    """Plan and deliver in one go, through the same gate."""
    wanted = scope or Scope()
    with _run(desk, "sync", planning.chosen_flows(desk, wanted)) as (run, systems):
        made = planning.make(desk, systems, run, wanted)
        return _deliver(desk, systems, made, tick)


def apply(desk: Desk, digest: str = "", *, tick: Tick = silent) -> Done:
    """Carry out a plan that was shown, exactly that, once.

    Everything is read and planned again; only the same plan is delivered.

    Args:
        desk: The charter and the instant.
        digest: The plan's digest or its beginning; the last plan when empty.
        tick: Told flow, done and total while delivering.

    Raises:
        Refused: No such plan, applied already, or its basis has moved (M513, M512, M511).
    """
    scope = _scope_of(planning.find_plan(digest))
    with _run(desk, "apply", planning.chosen_flows(desk, scope)) as (run, systems):
        # Once more: while this run waited for its turn it may have been applied.
        shown = planning.find_plan(digest)
        if shown.undoes:
            made = planning.make_undo(desk, run, shown.undoes)
        else:
            made = planning.make(desk, systems, run, _scope_of(shown))
        if made.plan.digest != shown.digest:
            raise _moved(desk, shown, made)
        made = replace(made, plan=approvals.raised(made.plan))
        standing.found(desk, made.plan)
        # A plan of which nothing may go out is not used up: it can still be signed.
        if made.plan.is_empty or not made.plan.is_held:
            StoredPlan.objects.filter(digest=shown.digest).update(
                applied_at=desk.at, applied_by=desk.actor
            )
        return _deliver(desk, systems, made, tick)


def _scope_of(shown: StoredPlan) -> Scope:
    return Scope(tuple(json.loads(shown.flows)), full=shown.full)


def undo(desk: Desk, undone: str, *, why: str) -> Made:
    """Plan what puts back what a run did, and hold its flows from now on.

    Nothing is written to any system: the plan is applied like any other.

    Args:
        desk: The charter and the instant.
        undone: The run.
        why: The ground; it stands in the audit.

    Raises:
        Refused: There is no such run, or nothing of it can be put back (M524).
    """
    with _run(desk, "undo", list(desk.charter.flows.values())) as (run, _):
        made = planning.make_undo(desk, run, undone)
        undo_.hold(desk, undone, made.scope.flows, why=why)
        return made


def _moved(desk: Desk, shown: StoredPlan, made: Made) -> Refused:
    """Say which rows of a shown plan are no longer so."""
    if shown.charter != desk.charter.digest:
        reason = "the charter has changed since it was made"
    else:
        reason = _what_moved(desk, shown, made)
    return Refused(
        "M511",
        f"The plan {shown.digest[:12]} no longer holds: {reason}.",
        cure="Run `matricula plan`, look at the new plan, and apply that one.",
    )


def _what_moved(desk: Desk, shown: StoredPlan, made: Made) -> str:
    path = desk.home / "runs" / shown.run_id / "changes.parquet"
    if not path.exists():
        return "it is too old, its rows are no longer kept"
    try:
        then, now = _rows(pq.read_table(path)), _rows(made.plan.changes)
    except UNREADABLE:
        return "its rows are damaged on the disk, so nobody can say which moved"
    moved = sorted({pair[:2] for pair in then ^ now})
    names = ", ".join(f"{flow} {key}" for flow, key in moved[:10])
    return f"{len(moved)} row(s) have moved: {names or 'what holds the flows'}"


def _rows(changes: object) -> set[tuple[str, str, str]]:
    return {
        (row["flow"], row["key"], json.dumps(row, sort_keys=True, default=str))
        for row in changes.to_pylist()  # type: ignore[attr-defined]  # an Arrow table
    }


def _deliver(desk: Desk, systems: Systems, made: Made, tick: Tick) -> Done:
    transfers.record(desk, _signed(desk, made))
    delivered = _let_out(desk, systems, made, tick)
    flows = [part.flow for part in made.plan.flows]
    obligations.acknowledge(desk, made.run.id, flows, upto=made.owed)
    done = Done(made.run.id, made.plan, delivered)
    if made.scope.full:
        # What a target refused has its incident; what was not sent at all is still to come.
        full = done.whole(("held", "deferred", "unknown"))
        states = FlowState.objects.filter(flow__in=full)
        states.filter(first_full_at=None).update(first_full_at=desk.at)
        states.update(last_full_at=desk.at)
    standing.delivered({d.flow: d.counts["answered"] + d.counts["matched"] for d in delivered})
    if made.indexes is not None:
        changed.move_on(desk, made.indexes, _followed(desk, done), marked=made.marked)
    _close(desk, done)
    _conclude(desk, made, done)
    if acting.has_register(desk.charter):
        heard.take_to_heart(desk, done.whole(("held", "deferred")))
    since.acknowledge(desk, systems, [r for r, told in made.landed.items() if told.token])
    return done


def _followed(desk: Desk, done: Done) -> list[Flow]:
    """List the flows that need not look again at what they looked at."""
    whole = set(done.whole())
    sent = set(done.whole(("held", "refused", "unknown")))
    parts = [part for part in done.plan.flows if not part.aside.get(UNDECIDED)]
    flows = [desk.charter.flows[part.flow] for part in parts]
    # What was not sent is kept for later only where the charter says so.
    return [f for f in flows if f.name in (whole if f.if_unavailable.queue else sent)]


def _close(desk: Desk, done: Done) -> None:
    """Close what is over: records taken, and systems that stopped nothing of what they got."""
    stopped = {d.flow for d in done.delivered if d.stopped}
    flows = [part.flow for part in done.plan.flows]
    incidents.close_settled(flows, at=desk.at)
    written = [p.flow for p in done.plan.flows if p.digest and p.flow not in stopped]
    incidents.close_written(written, at=desk.at)
    silent = {desk.charter.flows[name].target.system for name in stopped}
    asked = {desk.charter.flows[name].target.system for name in written}
    health.recover(asked - silent, at=desk.at)


def _signed(desk: Desk, made: Made) -> list[Flow]:
    """List the flows that all whom they concern have signed."""
    return [
        desk.charter.flows[part.flow]
        for part in made.plan.flows
        if charters.UNSIGNED.isdisjoint(reason.code for reason in part.reasons)
    ]


def _let_out(desk: Desk, systems: Systems, made: Made, tick: Tick) -> tuple[Delivered, ...]:
    """Let everything through the gate: first what leaves, dependants before what they need."""
    changes = made.plan.changes
    mine = {part.flow: pick(changes, "flow", part.flow) for part in made.plan.flows}
    parts = [part for part in made.plan.flows if mine[part.flow].num_rows]
    delivered = {
        part.flow: gate.Delivered(part.flow, _Told(part.flow, mine[part.flow].num_rows, tick))
        for part in parts
    }
    for kinds, order in ((gate.LEAVING, parts[::-1]), (gate.COMING, parts)):
        for part in order:
            flow = desk.charter.flows[part.flow]
            page = ledger.Page(desk, made.run.id, flow, systems.fence)
            gate.deliver(
                page, systems, part, mine[part.flow],
                kinds=kinds, delivered=delivered[part.flow],
            )  # fmt: skip
    return tuple(delivered.values())


class _Told:
    """Counts what was dealt with and passes it on."""

    def __init__(self, flow: str, total: int, tick: Tick) -> None:
        self._flow, self._total, self._tick, self._done = flow, total, tick, 0

    def __call__(self, count: int) -> None:
        self._done += count
        self._tick(self._flow, self._done, self._total)


def _conclude(desk: Desk, made: Made, done: Done) -> None:
    run, summary = made.run, {d.flow: dict(d.counts) for d in done.delivered}
    Run.objects.filter(pk=run.pk).update(plan=done.plan.digest, summary=json.dumps(summary))
    if not summary:
        _forget_look(made)
        return
    entry = Entry(
        actor=desk.actor, action=run.kind, entity="run", key=run.id,
        why="the plan was carried out", charter_version=desk.charter.digest, run=run.id,
        after={"plan": done.plan.digest, "flows": summary},
    )  # fmt: skip
    append([entry], at=desk.at)


def _forget_look(made: Made) -> None:
    """Keep no run of a look at the owners that found nothing; there may be one every minute."""
    if not made.scope.full:
        Run.objects.filter(pk=made.run.pk).delete()

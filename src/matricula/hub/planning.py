"""Planning: read everything, let the engine find the differences, keep the plan.

Nothing is written to any system here. A flow whose source or target cannot be read or
trusted is held and its steward told; the other flows go on.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import duckdb
import pyarrow.parquet as pq
from django.db import transaction
from django.db.models import Max

from matricula.engine import line
from matricula.engine.feed import Feed
from matricula.engine.guard import Reason
from matricula.engine.plan import FlowPlan, Plan, digest_of
from matricula.hub import (
    accepted,
    acting,
    alike,
    changed,
    charters,
    links,
    live,
    marks,
    matches,
    obligations,
    observed,
    recent,
    rekeys,
    scratch,
    snapshots,
    standing,
    troubles,
    undo,
    unlisted,
)
from matricula.hub.models import Approval, FlowState, Run, StoredPlan
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from matricula.charter.model import Flow, ResourceRef
    from matricula.engine.read import Fault, Verdict
    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk
    from matricula.hub.snapshots import Landed
    from matricula.hub.systems import Systems

# The plan, the verdicts, the indexes, who moves to another number, and what was looked at.
_Found = tuple[
    "Plan",
    "dict[ResourceRef, Verdict]",
    "changed.Indexes",
    "rekeys.Moving",
    "Mapping[str, pa.Table] | None",
]


@dataclass(frozen=True, slots=True)
class Scope:
    """What a pass covers.

    Attributes:
        flows: Names of flows; all when empty.
        full: Compare everything and read the targets too; otherwise only what changed.
    """

    flows: tuple[str, ...] = ()
    full: bool = True


@dataclass(frozen=True, slots=True)
class Made:
    """A plan with the readings it came from.

    `marked`, `owed`: the marks, and the last obligation, that there were before it read.
    """

    plan: Plan
    run: Run
    scope: Scope
    landed: Mapping[ResourceRef, Landed]
    indexes: changed.Indexes | None
    marked: marks.Seen
    owed: int


def chosen_flows(desk: Desk, scope: Scope) -> list[Flow]:
    """List the flows of a scope in delivery order.

    Raises:
        Refused: The charter knows no such flow (M517).
    """
    known = desk.charter.flows
    for name in scope.flows:
        if name not in known:
            raise Refused(
                "M517", f"The charter knows no flow {name}.",
                cure=f"Use one of {', '.join(known)}.",
            )  # fmt: skip
    return [flow for flow in known.values() if not scope.flows or flow.name in scope.flows]


def make(desk: Desk, systems: Systems, run: Run, scope: Scope) -> Made:
    """Read, judge, compose, project, diff and guard, and keep the plan.

    Args:
        desk: The charter and the instant.
        systems: Connected.
        run: The run that makes it.
        scope: Which flows, and whether in full.
    """
    flows = chosen_flows(desk, scope)
    charters.keep(desk)
    acting.catch_up(desk)
    marked, owed = marks.seen(flows), obligations.last()
    sources = {r for flow in flows for r in line.sources_of(desk.charter, flow)}
    targets = {flow.target for flow in flows} if scope.full else set()
    looked = () if scope.full else flows
    landed = snapshots.land_all(desk, systems, sources | targets, run=run.id, changed=looked)
    landed |= snapshots.with_earlier(desk, landed, sources)
    with scratch.workbench(desk, run, small=snapshots.are_small(landed.values())) as bench:
        plan, verdicts, indexes, moving, dirty = _find(
            desk, bench, systems, flows, landed, full=scope.full
        )
        thorough = scope.full and run.kind != "plan"
        met = alike.met(desk, bench, flows, plan, verdicts=verdicts, thorough=thorough)
    met = alike.with_moving(desk, met, moving)
    # What a pass found becomes known as a whole.
    with transaction.atomic():
        snapshots.keep(desk, [landed[resource] for resource in sources], verdicts, run=run.id)
        troubles.of_readings(desk, flows, landed, verdicts, plan, full=scope.full)
        if scope.full:
            observed.record(desk, plan, landed)
            accepted.forget(desk)
        observed.conclude(desk, plan)
        obligations.agree(desk, plan, dirty, upto=owed)
        rekeys.remember(desk, moving)
        matches.keep(desk, met)
        _keep(desk, run, plan, scope)
    snapshots.forget(landed[resource] for resource in targets - sources)
    return Made(plan, run, scope, landed, indexes, marked, owed)


def _find(
    desk: Desk,
    bench: Workbench,
    systems: Systems,
    flows: Sequence[Flow],
    landed: Mapping[ResourceRef, Landed],
    *,
    full: bool,
) -> _Found:
    charter = line.narrow(desk.charter, flows)
    sources = {r for flow in flows for r in line.sources_of(charter, flow)}
    arrived = {r: landed[r].snapshot or landed[r].earlier for r in sorted(sources)}
    # What stands in for a reading was judged when it was read.
    fresh = [r for r in arrived if landed[r].snapshot]
    earlier = {r: snapshots.to_compare(desk, landed[r]) for r in fresh}
    feed = Feed(
        at=desk.at,
        snapshots={r: s for r, s in arrived.items() if s is not None},
        known=unlisted.Asked.of(systems, flows, at=desk.at),
        previous={r: d for r, d in earlier.items() if d is not None},
        copies=links.copies([flow.name for flow in flows]),
        first_loads=_first_loads(flows),
        recent=recent.delivered(desk, flows),
        crosswalk=matches.crosswalk(desk.charter),
        renumbered=rekeys.renumbered(),
        accepted=accepted.tables(desk, flows),
        elsewhere=links.elsewhere(desk.charter, flows) if full else {},
    )
    try:
        verdicts = line.take_in(bench, charter, feed, prints=True)
    except duckdb.Error:
        snapshots.must_be_sound(desk, feed.previous)
        raise
    unfit = live.unfit(systems, flows) if full else {}
    readable, held = _sort_out(desk, flows, landed, verdicts, full=full)
    held = {**unfit, **held}
    readable = [flow for flow in readable if flow.name not in unfit]
    charter = line.narrow(desk.charter, readable)
    indexes = changed.index_all(bench, charter, readable)
    dirty = None if full else changed.dirty(desk, bench, charter, indexes, readable)
    seen = {
        flow.name: snapshot.rows
        for flow in readable
        if full and (snapshot := landed[flow.target].snapshot) is not None
    }
    moving = rekeys.look(desk, bench, charter, feed, verdicts=verdicts)
    feed = replace(feed, dirty=dirty, seen=seen, undecided=moving.undecided())
    names = [flow.name for flow in readable]
    plan = line.make_plan(bench, charter, feed, flows=names, verdicts=verdicts)
    plan = _with_held(desk, plan, held, flows)
    stale = snapshots.told_of_stale(desk, [landed[r] for r in sorted(sources)], readable)
    plan = replace(plan, findings=(*plan.findings, *stale))
    return plan, verdicts, indexes, moving, dirty


def _first_loads(flows: Sequence[Flow]) -> set[str]:
    """Name the flows that were never delivered in full yet."""
    once = FlowState.objects.filter(last_full_at__isnull=False).values_list("flow", flat=True)
    return {flow.name for flow in flows} - set(once)


def _sort_out(
    desk: Desk,
    flows: Sequence[Flow],
    landed: Mapping[ResourceRef, Landed],
    verdicts: Mapping[ResourceRef, Verdict],
    *,
    full: bool,
) -> tuple[list[Flow], dict[str, tuple[Reason, ...]]]:
    """Part the flows that can be planned from those that must wait, with why."""
    readable: list[Flow] = []
    held: dict[str, tuple[Reason, ...]] = {}
    for flow in flows:
        reasons = [
            Reason(
                "M514",
                f"{fault.resource} cannot be read. {fault.code}: {fault.message}",
                fault.cure,
            )
            for resource in line.sources_of(desk.charter, flow)
            for fault in _faults(desk, flow, landed[resource], verdicts.get(resource))
        ]
        if full:
            reasons += _target_reasons(flow, landed[flow.target])
        if reasons:
            held[flow.name] = tuple(reasons)
        else:
            readable.append(flow)
    return readable, held


def _faults(desk: Desk, flow: Flow, landed: Landed, verdict: Verdict | None) -> tuple[Fault, ...]:
    if landed.fault and not landed.serves(flow, at=desk.at):
        return (landed.fault,)
    return verdict.faults if verdict else ()


def _target_reasons(flow: Flow, target: Landed) -> list[Reason]:
    """Say why a target's reading holds its flow; one that was never written to holds nothing."""
    fault = target.fault
    if fault is None or (not target.away and not links.copies([flow.name]).get(flow.name)):
        return []
    return [
        Reason(
            "M515",
            f"{fault.resource} cannot be compared. {fault.code}: {fault.message}",
            fault.cure,
        )
    ]


def _with_held(
    desk: Desk, plan: Plan, held: Mapping[str, tuple[Reason, ...]], flows: Sequence[Flow]
) -> Plan:
    """Add the flows that could not be planned, and the signatures that are missing."""
    found = {flow.flow: flow for flow in plan.flows}
    told = []
    for flow in flows:
        if flow.name in held:
            told.append(FlowPlan(flow.name, str(flow.target), {}, 0, {}, 0, held[flow.name], ""))
            continue
        told.append(found[flow.name])
    digest = digest_of(plan.charter, told)
    unsigned = charters.unsigned_reasons(desk.charter, flows)
    waiting = undo.reasons()
    signed = tuple(
        replace(
            part,
            reasons=(
                *part.reasons,
                *unsigned[part.flow],
                *([waiting[part.flow]] if part.flow in waiting else ()),
            ),
        )
        for part in told
    )
    return replace(plan, flows=signed, digest=digest)


def _keep(desk: Desk, run: Run, plan: Plan, scope: Scope) -> None:
    """Keep what was found; only a plan that somebody is shown can be applied."""
    if run.kind == "plan":
        _store(desk, run, plan, scope)
    standing.found(desk, plan)


def _store(desk: Desk, run: Run, plan: Plan, scope: Scope, *, undoes: str = "") -> None:
    pq.write_table(plan.changes, scratch.folder_of(desk, run) / "changes.parquet")
    StoredPlan.objects.create(
        digest=plan.digest, run=run, charter=plan.charter, full=scope.full,
        flows=json.dumps(list(scope.flows)), parts=json.dumps(told_of(plan)), undoes=undoes,
        made_at=desk.at,
    )  # fmt: skip


def make_undo(desk: Desk, run: Run, undone: str) -> Made:
    """Plan what puts back what a run did, and keep the plan."""
    charters.keep(desk)
    plan = undo.make_plan(desk, undone)
    scope = Scope(tuple(part.flow for part in plan.flows), full=False)
    if run.kind == "undo":
        _store(desk, run, plan, scope, undoes=undone)
    return Made(plan, run, scope, {}, None, marks.Seen({}), owed=0)


def told_of(plan: Plan) -> list[dict[str, object]]:
    """Say of each flow of a plan what `plan --json` promises."""
    return [_told(part) for part in plan.flows]


def _told(part: FlowPlan) -> dict[str, object]:
    count = part.counts.get
    return {
        "flow": part.flow,
        "target": part.target,
        "create": count("create", 0),
        "update": count("update", 0),
        "suspend": count("suspend", 0),
        "delete": count("delete", 0),
        "restore": count("restore", 0) + count("resume", 0),
        "match": count("match", 0),
        "unchanged": part.unchanged,
        "drifted": part.drifted,
        "held": part.held,
        "reasons": [f"{r.code}: {r.message} {r.cure}" for r in part.reasons],
    }


def find_plan(wanted: str) -> StoredPlan:
    """Find a plan that can still be applied, by its digest or the beginning of it.

    Raises:
        Refused: As `kept_plan`, or it was applied already (M512).
    """
    found = kept_plan(wanted)
    if found.applied_at is not None:
        raise Refused(
            "M512",
            f"The plan {found.digest[:12]} was applied at {found.applied_at:%Y-%m-%d %H:%M} UTC.",
            cure="Run `matricula plan`; it shows what is still to do.",
        )
    return found


def kept_plan(wanted: str) -> StoredPlan:
    """Find a stored plan by its digest or the beginning of it; the last one when empty.

    Raises:
        Refused: There is none, or several begin so (M513, M519).
    """
    found = StoredPlan.objects.filter(digest__startswith=wanted).order_by("-id").first()
    if found is None:
        raise Refused(
            "M513",
            f"There is no plan {wanted}." if wanted else "No plan was made yet.",
            cure="Run `matricula plan` and use the digest it prints.",
        )
    if wanted:
        _must_be_the_only_one(wanted)
    return found


def plan_told(shown: StoredPlan) -> dict[str, Any]:
    """Say all that is kept of a plan, for `plan show --json`."""
    approved = Approval.objects.filter(plan=shown.digest).order_by("id")
    return {
        "digest": shown.digest,
        "charter": shown.charter,
        "made_by": shown.run.actor,
        "made_at": shown.made_at.isoformat(timespec="seconds"),
        "applied_at": shown.applied_at.isoformat(timespec="seconds") if shown.applied_at else "",
        "applied_by": shown.applied_by,
        "flows": shown.told,
        "approved": list(approved.values("flow", "steward", "actor", "why")),
    }


def _must_be_the_only_one(wanted: str) -> None:
    made = StoredPlan.objects.filter(digest__startswith=wanted).values_list("digest")
    meant = list(made.annotate(at=Max("made_at")).order_by("-at")[:10])
    if len(meant) > 1:
        named = ", ".join(f"{digest[:16]} of {at:%Y-%m-%d %H:%M} UTC" for digest, at in meant)
        raise Refused(
            "M519",
            f"Several plans begin with {wanted}: {named}.",
            cure="Write more of the digest of the one you looked at.",
        )

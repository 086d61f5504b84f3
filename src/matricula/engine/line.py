"""The line: read, resolve, compose, project, diff, guard, plan. One order, for one key or all.

Pure: what it needs arrives in a `Feed`, the time included; what it finds leaves as a
`Plan`. The same steps serve a full pass and a pass over dirty keys; only the filter on
`golden_E` differs.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
from sqlglot import exp

from matricula.engine import accepted as accepted_
from matricula.engine import (
    compose,
    damage,
    delta,
    diff,
    expect,
    groups,
    guard,
    plan,
    project,
    read,
    rekey,
    resolve,
    sql,
    state,
    survey,
)
from matricula.engine.workbench import give_back, leave_out, register, size

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    import pyarrow as pa
    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, Flow, ResourceRef
    from matricula.engine.feed import Feed
    from matricula.engine.workbench import Workbench


_INCOMPUTABLE = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
)
_TOLD = ("change", "drift", "aside", "settled", "void", "matched")


def local_date(charter: Charter, at: datetime) -> date:
    """Say which day it is at the institution.

    Raises:
        ValueError: The instant has no zone; this machine's would be taken for it.
    """
    if at.tzinfo is None:
        message = "an instant without its zone does not say which day it is"
        raise ValueError(message)
    return at.astimezone(ZoneInfo(charter.timezone)).date()


def entities_of(charter: Charter, flow: Flow) -> list[Entity]:
    """List the entities a flow reads: its own first, then those behind its refs."""
    entity = charter.entities[flow.entity]
    behind = {entity.reference(name).entity for name in project.refs_of(charter, flow)}
    return [charter.entities[name] for name in (flow.entity, *sorted(behind - {flow.entity}))]


def sources_of(charter: Charter, flow: Flow) -> list[ResourceRef]:
    """List the resources that must be read for a flow: rosters, and owners of what it carries."""
    found = {entity.roster for entity in entities_of(charter, flow)}
    for carried in flow.carries:
        entity, _, field = carried.partition(".")
        found.add(charter.entities[entity].fields[field].owner)
    return sorted(found)


def narrow(charter: Charter, flows: Sequence[Flow]) -> Charter:
    """Leave out what some flows do not read, so that its absence cannot hold them.

    Returns:
        The charter with these flows alone, the entities they read, and of these the
        fields whose owners they need.
    """
    kept = {r for flow in flows for r in sources_of(charter, flow)}
    entities = {e.name: within(e, kept) for flow in flows for e in entities_of(charter, flow)}
    return replace(charter, entities=entities, flows={flow.name: flow for flow in flows})


def within(entity: Entity, owners: Collection[ResourceRef]) -> Entity:
    """Keep to the fields of an entity whose owners are at hand."""
    fields = {name: field for name, field in entity.fields.items() if field.owner in owners}
    return replace(entity, fields=fields)


def take_in(
    bench: Workbench, charter: Charter, feed: Feed, *, prints: bool = False
) -> dict[ResourceRef, read.Verdict]:
    """Read every snapshot and judge it: by itself, by its predecessor, by its keys.

    After this, `found_E:R` is there for every entity whose roster can be trusted, for every
    owner that can.

    Args:
        bench: The run's own.
        charter: For what is wanted of each resource.
        feed: What arrived.
        prints: Take fingerprints on the way; `delta.index` asks for them.
    """
    verdicts = {}
    for resource, snapshot in feed.snapshots.items():
        verdict = read.load(bench, charter, snapshot, prints=prints)
        if resource in feed.previous and verdict.is_trusted:
            spelled = _spelled(charter, resource)
            before = feed.previous[resource]
            faults, told = damage.judge(
                bench, str(resource), spelled, before, renumbered=feed.renumbered
            )
            verdict = _with(verdict, faults=faults, findings=told)
        verdicts[resource] = verdict
        give_back()
    trusted = {resource for resource, verdict in verdicts.items() if verdict.is_trusted}
    for entity in charter.entities.values():
        if entity.roster not in trusted:
            continue
        readable = within(entity, trusted)
        decided = {r: t for (name, r), t in feed.crosswalk.items() if name == entity.name}
        counted = {r: verdicts[r].counted for r in readable.owners()}
        faults = resolve.resolve(bench, charter, readable, counted=counted, crosswalk=decided)
        for fault in faults:
            _blame(verdicts, entity, fault)
    return verdicts


def take_judged(
    bench: Workbench,
    charter: Charter,
    entities: Iterable[Entity],
    kept: Mapping[ResourceRef, ds.Dataset | pa.Table],
    crosswalk: Mapping[tuple[str, ResourceRef], pa.Table],
) -> None:
    """Take in readings that need no judging: trusted before, or a part of what is trusted.

    Leaves `found_E:R` of the entities whose roster is among them, for every owner that is.

    Args:
        bench: The run's own.
        charter: For what is wanted of each resource.
        entities: Which.
        kept: The readings.
        crosswalk: As of `Feed`.
    """
    counted = {
        resource: read.load(bench, charter, read.Snapshot(resource, rows)).counted
        for resource, rows in kept.items()
    }
    for entity in entities:
        if entity.roster in counted:
            readable = within(entity, counted)
            decided = {r: rows for (name, r), rows in crosswalk.items() if name == entity.name}
            mine = {r: counted[r] for r in readable.owners()}
            resolve.resolve(bench, charter, readable, counted=mine, crosswalk=decided)


def _spelled(charter: Charter, resource: ResourceRef) -> tuple[str, ...]:
    names = {
        name: None
        for entity in charter.entities.values()
        if resource in entity.owners()
        for name in survey.spelling(entity, resource)
    }
    return tuple(names)


def _with(
    verdict: read.Verdict,
    *,
    faults: Sequence[read.Fault] = (),
    findings: Sequence[read.Fault] = (),
) -> read.Verdict:
    return replace(
        verdict,
        faults=(*verdict.faults, *faults),
        findings=(*verdict.findings, *findings),
    )


def _blame(verdicts: dict[ResourceRef, read.Verdict], entity: Entity, fault: read.Fault) -> None:
    resource = next(r for r in entity.owners() if str(r) == fault.resource)
    if resource == entity.roster:
        verdicts[resource] = _with(verdicts[resource], faults=(fault,))
    else:
        verdicts[resource] = _with(verdicts[resource], findings=(fault,))


def make_plan(
    bench: Workbench,
    charter: Charter,
    feed: Feed,
    *,
    flows: Sequence[str],
    verdicts: Mapping[ResourceRef, read.Verdict],
) -> plan.Plan:
    """Find what is to be done.

    Args:
        bench: After `take_in`.
        charter: That grants it.
        feed: What arrived.
        flows: Names of the flows to plan, in delivery order, all of whose sources are
            trusted.
        verdicts: From `take_in`.
    """
    chosen = [charter.flows[name] for name in flows]
    needed = {e.name: e for flow in chosen for e in entities_of(charter, flow)}
    for entity in needed.values():
        _compose(bench, entity, _dirty(feed, entity.name))
        give_back()
    for name in _behind(charter, chosen, feed):
        compose.view(bench, needed[name])
    planned = tuple(_plan_flow(bench, charter, flow, feed) for flow in chosen)
    stated = [f for verdict in verdicts.values() for f in verdict.findings]
    if feed.dirty is None:
        on = local_date(charter, feed.at)
        for entity in needed.values():
            stated += expect.expect(bench, entity, needed, on=on)
    return plan.Plan(
        charter=charter.digest,
        flows=planned,
        changes=plan.gather(bench, flows, "change", plan.COLUMNS),
        drift=plan.gather(
            bench, flows, "drift", ("key", "external_id", "delivered", "found", "fields")
        ),
        aside=plan.gather(bench, flows, "aside", ("key", "code")),
        settled=plan.gather(bench, flows, "settled", ("key",)),
        void=plan.gather(bench, flows, "void", ("key",)),
        findings=tuple(stated),
        digest=plan.digest_of(charter.digest, planned),
    )


def _compose(bench: Workbench, entity: Entity, dirty: pa.Table | None) -> None:
    compose.gather_amiss(bench, entity)
    if dirty is None:
        compose.compose(bench, entity)
    elif dirty.num_rows:
        state.load_links(bench, f"dirty_{entity.name}", dirty)
        compose.compose(bench, entity, only_dirty=True)
    else:
        leave_out(bench, f"golden_{entity.name}")


def _behind(charter: Charter, flows: Sequence[Flow], feed: Feed) -> set[str]:
    """Name the entities that records to be looked at refer to."""
    return {
        charter.entities[flow.entity].reference(name).entity
        for flow in flows
        if not _is_idle(flow, feed)
        for name in project.refs_of(charter, flow)
    }


def _is_idle(flow: Flow, feed: Feed) -> bool:
    """Say that a pass over dirty keys has nothing to look at in a flow."""
    dirty = _dirty(feed, flow.entity)
    return dirty is not None and not dirty.num_rows


def _dirty(feed: Feed, entity: str) -> pa.Table | None:
    """Give the keys to look at, or None for everybody."""
    if feed.dirty is None:
        return None
    return feed.dirty.get(entity, delta.NOBODY)


def _plan_flow(bench: Workbench, charter: Charter, flow: Flow, feed: Feed) -> plan.FlowPlan:
    if _is_idle(flow, feed):
        leave_out(bench, *(f"{stem}_{flow.name}" for stem in _TOLD))
        return _planned(bench, charter, flow, feed, due=0)
    with ExitStack() as stack:
        keys = _dirty(feed, flow.entity)
        links = feed.known.state(flow.name, keys)
        stack.enter_context(state.taken_in(bench, f"state_{flow.name}", links))
        _load_link_tables(bench, stack, flow, feed)
        due = _compare_all(bench, charter, flow, feed)
        planned = _planned(bench, charter, flow, feed, due=due)
    give_back()
    return planned


def _compare_all(bench: Workbench, charter: Charter, flow: Flow, feed: Feed) -> int:
    try:
        return _compare(bench, charter, flow, feed)
    except _INCOMPUTABLE:
        # A record's value cannot be computed: find out whose, and plan the others.
        return _compare(bench, charter, flow, feed, careful=True)


def _planned(
    bench: Workbench, charter: Charter, flow: Flow, feed: Feed, *, due: int
) -> plan.FlowPlan:
    counts = plan.counts_by(bench, f"change_{flow.name}", "kind")
    worked = sum(count for kind, count in counts.items() if kind not in guard.EXITS)
    # Copies that were there before us count as much as those we made.
    found = size(bench, f"matched_{flow.name}")
    return plan.FlowPlan(
        flow=flow.name,
        target=str(flow.target),
        counts=counts,
        unchanged=due - worked,
        aside=plan.counts_by(bench, f"aside_{flow.name}", "code"),
        drifted=size(bench, f"drift_{flow.name}"),
        reasons=(
            *guard.guard(flow, counts, _standing(bench, flow, feed, found)),
            *_of_groups(bench, charter, flow, feed),
            *guard.windows(charter, flow, on=local_date(charter, feed.at)),
        ),
        digest=plan.flow_digest(bench, flow.name),
    )


def _standing(bench: Workbench, flow: Flow, feed: Feed, found: int) -> guard.Standing:
    earlier: dict[str, int] = {}
    recent = feed.recent.get(flow.name)
    if recent is not None and recent.num_rows:
        register(bench, f"recent_{flow.name}", recent)
        for _, kinds in guard.GROUPS.values():
            earlier |= plan.counted_once(bench, flow.name, kinds)
    return guard.Standing(
        copies=feed.copies.get(flow.name, 0),
        found=found,
        first_load=flow.name in feed.first_loads,
        earlier=earlier,
    )


def _of_groups(bench: Workbench, charter: Charter, flow: Flow, feed: Feed) -> list[guard.Reason]:
    lately = feed.recent.get(flow.name)
    recent = lately is not None and lately.num_rows > 0
    return groups.reasons(
        bench, charter.entities[flow.entity], flow,
        known=None if feed.dirty is None else feed.known,
        first_load=flow.name in feed.first_loads, recent=recent,
    )  # fmt: skip


def _compare(
    bench: Workbench,
    charter: Charter,
    flow: Flow,
    feed: Feed,
    *,
    careful: bool = False,
) -> int:
    """Leave what is to be done about a flow; give how many copies are desired, none aside."""
    on = local_date(charter, feed.at)
    desired = project.project(bench, charter, flow, on=on, careful=careful)
    # A pass over some keys knows only their links, and cannot tell whose the others are.
    seen = feed.seen.get(flow.name) if feed.dirty is None else None
    if seen is not None:
        register(bench, f"seen_{flow.name}", seen)
        _register_elsewhere(bench, flow, feed)
    shape = None if seen is None else seen.schema
    accepted = feed.accepted.get(flow.name)
    diff.diff(bench, flow, feed.known, desired=desired, seen=shape, accepted=accepted)
    accepted_.set_aside(bench, flow, accepted)
    rekey.set_aside(bench, charter, flow, feed.undecided)
    keys = project.keys(bench, charter, flow, on=on, careful=careful)
    return diff.count_desired(bench, flow, keys)


def _register_elsewhere(bench: Workbench, flow: Flow, feed: Feed) -> None:
    called = f"elsewhere_{flow.name}"
    if flow.name in feed.elsewhere:
        register(bench, called, feed.elsewhere[flow.name])
    else:
        leave_out(bench, called)


def _load_link_tables(bench: Workbench, stack: ExitStack, flow: Flow, feed: Feed) -> None:
    """Leave `link_<flow>:<field>` for every field that asks for another flow's ids."""
    for name, granted in flow.fields.items():
        link = granted.expression.link
        if not link:
            continue
        keys = None
        if feed.dirty is not None:
            asked = exp.select(sql.named(project.link_key(link), "key")).distinct()
            asked = asked.from_(sql.table(f"golden_{flow.entity}", project.GOLDEN))
            keys = state.fetch_keys(bench, asked.where(sql.given(project.link_key(link))))
        links = feed.known.state(link.flow, keys)
        stack.enter_context(state.taken_in(bench, f"link_{flow.name}:{name}", links))

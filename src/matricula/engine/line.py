"""The line: read, resolve, compose, project, diff, guard, plan. One order, for one key or all.

Pure: what it needs arrives in a `Feed`, the time included; what it finds leaves as a
`Plan`. The same steps serve a full pass and a pass over dirty keys; only the filter on
`golden_E` differs.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import duckdb
import pyarrow as pa
from sqlglot import exp

from matricula.engine import (
    compose,
    damage,
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
from matricula.engine.workbench import give_back, number, register

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, Flow, ResourceRef
    from matricula.engine.state import Confirmed


_INCOMPUTABLE = (
    duckdb.ConversionException,
    duckdb.InvalidInputException,
    duckdb.OutOfRangeException,
)
_NOBODY = pa.table({"key": pa.array([], pa.string())})


@dataclass(frozen=True, slots=True)
class Feed:
    """Everything a pass reads.

    Attributes:
        at: The run's instant, with its zone.
        snapshots: What arrived, per owning resource.
        known: What the hub knows of the copies.
        previous: The last trusted snapshot per resource, for judging damage.
        seen: The targets' own readings per flow, in a full pass.
        dirty: Keys per entity (column `key`), none of an entity that is not named; None
            for everybody.
        crosswalk: Decisions of stewards per entity and resource (`external_id`, `key`); a key
            of null says that the record is nobody's.
        copies: Active copies per flow, for the guard.
        first_loads: The flows that were never delivered in full yet, for the guard.
        recent: What went out in the last day per flow (`key`, `kind`), for the guard.
        accepted: Edits of copies that are let stand, per flow (`key`, `field`, `value`: a JSON
            object of that field).
        renumbered: Keys that a steward said were given up or given (column `id`): that they
            are gone, or new, is no damage.
        undecided: Keys per entity (column `key`) that may be one record under two numbers:
            nothing is done about them.
    """

    at: datetime
    snapshots: Mapping[ResourceRef, read.Snapshot]
    known: Confirmed
    previous: Mapping[ResourceRef, ds.Dataset | pa.Table] = field(default_factory=dict)
    seen: Mapping[str, ds.Dataset | pa.Table] = field(default_factory=dict)
    dirty: Mapping[str, pa.Table] | None = None
    crosswalk: Mapping[tuple[str, ResourceRef], pa.Table] = field(default_factory=dict)
    copies: Mapping[str, int] = field(default_factory=dict)
    first_loads: Collection[str] = ()
    recent: Mapping[str, pa.Table] = field(default_factory=dict)
    accepted: Mapping[str, pa.Table] = field(default_factory=dict)
    renumbered: pa.Table | None = None
    undecided: Mapping[str, pa.Table] = field(default_factory=dict)


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
    connection: duckdb.DuckDBPyConnection, charter: Charter, feed: Feed, *, prints: bool = False
) -> dict[ResourceRef, read.Verdict]:
    """Read every snapshot and judge it: by itself, by its predecessor, by its keys.

    After this, `found_E:R` is there for every entity whose roster can be trusted, for every
    owner that can.

    Args:
        connection: The run's own.
        charter: For what is wanted of each resource.
        feed: What arrived.
        prints: Take fingerprints on the way; `delta.index` asks for them.
    """
    verdicts = {}
    for resource, snapshot in feed.snapshots.items():
        verdict = read.load(connection, charter, snapshot, prints=prints)
        if resource in feed.previous and verdict.is_trusted:
            spelled = _spelled(charter, resource)
            before = feed.previous[resource]
            faults, told = damage.judge(
                connection, str(resource), spelled, before, renumbered=feed.renumbered
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
        for fault in resolve.resolve(connection, charter, readable, crosswalk=decided):
            _blame(verdicts, entity, fault)
    return verdicts


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
    return read.Verdict(
        verdict.resource,
        verdict.rows,
        (*verdict.faults, *faults),
        (*verdict.findings, *findings),
    )


def _blame(verdicts: dict[ResourceRef, read.Verdict], entity: Entity, fault: read.Fault) -> None:
    resource = next(r for r in entity.owners() if str(r) == fault.resource)
    if resource == entity.roster:
        verdicts[resource] = _with(verdicts[resource], faults=(fault,))
    else:
        verdicts[resource] = _with(verdicts[resource], findings=(fault,))


def make_plan(
    connection: duckdb.DuckDBPyConnection,
    charter: Charter,
    feed: Feed,
    *,
    flows: Sequence[str],
    verdicts: Mapping[ResourceRef, read.Verdict],
) -> plan.Plan:
    """Find what is to be done.

    Args:
        connection: After `take_in`.
        charter: That grants it.
        feed: What arrived.
        flows: Names of the flows to plan, in delivery order, all of whose sources are
            trusted.
        verdicts: From `take_in`.
    """
    chosen = [charter.flows[name] for name in flows]
    needed = {e.name: e for flow in chosen for e in entities_of(charter, flow)}
    for entity in needed.values():
        dirty = _dirty(feed, entity.name)
        if dirty is not None:
            state.load_links(connection, f"dirty_{entity.name}", dirty)
        compose.compose(connection, entity, only_dirty=dirty is not None)
        give_back()
    planned = tuple(_plan_flow(connection, charter, flow, feed) for flow in chosen)
    stated = [f for verdict in verdicts.values() for f in verdict.findings]
    if feed.dirty is None:
        on = local_date(charter, feed.at)
        for entity in needed.values():
            stated += expect.expect(connection, entity, needed, on=on)
    return plan.Plan(
        charter=charter.digest,
        flows=planned,
        changes=plan.gather(connection, flows, "change", plan.COLUMNS),
        drift=plan.gather(
            connection, flows, "drift", ("key", "external_id", "delivered", "found", "fields")
        ),
        aside=plan.gather(connection, flows, "aside", ("key", "code")),
        settled=plan.gather(connection, flows, "settled", ("key",)),
        void=plan.gather(connection, flows, "void", ("key",)),
        findings=tuple(stated),
        digest=plan.digest_of(charter.digest, planned),
    )


def _dirty(feed: Feed, entity: str) -> pa.Table | None:
    """Give the keys to look at, or None for everybody."""
    if feed.dirty is None:
        return None
    return feed.dirty.get(entity, _NOBODY)


def _plan_flow(
    connection: duckdb.DuckDBPyConnection, charter: Charter, flow: Flow, feed: Feed
) -> plan.FlowPlan:
    with ExitStack() as stack:
        keys = _dirty(feed, flow.entity)
        links = feed.known.state(flow.name, keys)
        stack.enter_context(state.taken_in(connection, f"state_{flow.name}", links))
        _load_link_tables(connection, stack, flow, feed)
        planned = _plan_with_links(connection, charter, flow, feed)
    give_back()
    return planned


def _plan_with_links(
    connection: duckdb.DuckDBPyConnection, charter: Charter, flow: Flow, feed: Feed
) -> plan.FlowPlan:
    try:
        _compare(connection, charter, flow, feed)
    except _INCOMPUTABLE:
        # A record's value cannot be computed: find out whose, and plan the others.
        _compare(connection, charter, flow, feed, careful=True)
    counts = plan.counts_by(connection, f"change_{flow.name}", "kind")
    # Copies that were there before us count as much as those we made.
    found = number(connection, sql.count(f"matched_{flow.name}"))
    return plan.FlowPlan(
        flow=flow.name,
        target=str(flow.target),
        counts=counts,
        unchanged=diff.unchanged(connection, flow),
        aside=plan.counts_by(connection, f"aside_{flow.name}", "code"),
        drifted=number(connection, sql.count(f"drift_{flow.name}")),
        reasons=(
            *guard.guard(flow, counts, _standing(connection, flow, feed, found)),
            *_of_groups(connection, charter, flow, feed),
            *guard.windows(charter, flow, on=local_date(charter, feed.at)),
        ),
        digest=plan.flow_digest(connection, flow.name),
    )


def _standing(
    connection: duckdb.DuckDBPyConnection, flow: Flow, feed: Feed, found: int
) -> guard.Standing:
    earlier: dict[str, int] = {}
    recent = feed.recent.get(flow.name)
    if recent is not None and recent.num_rows:
        register(connection, f"recent_{flow.name}", recent)
        for _, kinds in guard.GROUPS.values():
            earlier |= plan.counted_once(connection, flow.name, kinds)
    return guard.Standing(
        copies=feed.copies.get(flow.name, 0),
        found=found,
        first_load=flow.name in feed.first_loads,
        earlier=earlier,
    )


def _of_groups(
    connection: duckdb.DuckDBPyConnection, charter: Charter, flow: Flow, feed: Feed
) -> list[guard.Reason]:
    lately = feed.recent.get(flow.name)
    recent = lately is not None and lately.num_rows > 0
    return groups.reasons(
        connection, charter.entities[flow.entity], flow,
        known=None if feed.dirty is None else feed.known,
        first_load=flow.name in feed.first_loads, recent=recent,
    )  # fmt: skip


def _compare(
    connection: duckdb.DuckDBPyConnection,
    charter: Charter,
    flow: Flow,
    feed: Feed,
    *,
    careful: bool = False,
) -> None:
    on = local_date(charter, feed.at)
    desired = project.project(connection, charter, flow, on=on, careful=careful)
    # A pass over some keys knows only their links, and cannot tell whose the others are.
    seen = feed.seen.get(flow.name) if feed.dirty is None else None
    if seen is not None:
        register(connection, f"seen_{flow.name}", seen)
    shape = None if seen is None else seen.schema
    accepted = feed.accepted.get(flow.name)
    diff.diff(connection, flow, feed.known, desired=desired, seen=shape, accepted=accepted)
    rekey.set_aside(connection, charter, flow, feed.undecided)


def _load_link_tables(
    connection: duckdb.DuckDBPyConnection, stack: ExitStack, flow: Flow, feed: Feed
) -> None:
    """Leave `link_<flow>:<field>` for every field that asks for another flow's ids."""
    for name, granted in flow.fields.items():
        link = granted.expression.link
        if not link:
            continue
        keys = None
        if feed.dirty is not None:
            asked = exp.select(sql.named(project.link_key(link), "key")).distinct()
            asked = asked.from_(sql.table(f"golden_{flow.entity}", project.GOLDEN))
            keys = state.fetch_keys(connection, asked.where(sql.given(project.link_key(link))))
        links = feed.known.state(link.flow, keys)
        stack.enter_context(state.taken_in(connection, f"link_{flow.name}:{name}", links))

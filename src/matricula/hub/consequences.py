"""Consequences: what the charter makes of changed records in every connected system.

The same line that plans a pass, on the records concerned alone: what is shown before an act
is what a pass after it would find.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors import registry
from matricula.connectors.kit.protocol import Context
from matricula.engine import line
from matricula.engine.feed import Feed
from matricula.engine.workbench import Bench, open_workbench
from matricula.hub import accepted, concerned, links, matches

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.charter.model import Flow
    from matricula.connectors.kit.protocol import Connector
    from matricula.engine.plan import Plan
    from matricula.hub.concerned import Causes
    from matricula.hub.desk import Desk

_ROUND = "one of its refs is found by what another says; the next pass tells"


@dataclass(frozen=True, slots=True)
class Consequence:
    """What is to become of one copy.

    Attributes:
        flow: By which flow.
        system: In which system.
        target: In which resource: `lms.users`.
        key: Of which record.
        kind: create, update, suspend, resume, delete, restore or match.
        fields: Per field what the copy holds and what it is to hold.
        causes: The acts that brought it about.
    """

    flow: str
    system: str
    target: str
    key: str
    kind: str
    fields: Mapping[str, tuple[Any, Any]]
    causes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What was found.

    Attributes:
        consequences: In the order in which they would be delivered.
        untold: Flows of which nothing can be said, with why.
    """

    consequences: tuple[Consequence, ...]
    untold: Mapping[str, str]


def find(desk: Desk, system: str, touched: Mapping[str, Causes]) -> Found:
    """Find what is to become of the copies of changed records.

    Args:
        desk: The charter and the instant.
        system: What the charter calls the register.
        touched: Keys per entity, with what caused each.
    """
    every = concerned.flows_of(desk.charter, touched)
    untold = {f.name: _ROUND for f in every if concerned.goes_round(desk.charter, f)}
    flows = [flow for flow in every if flow.name not in untold]
    with _register(desk, system) as register:
        sources = concerned.Sources(desk, register, system)
        causes = {f.name: concerned.spread(desk.charter, f, touched, sources) for f in flows}
        flows = [flow for flow in flows if causes[flow.name]]
        charter = line.narrow(desk.charter, flows)
        wanted: dict[str, set[str]] = {}
        for flow in flows:
            wanted.setdefault(flow.entity, set()).update(causes[flow.name])
        parts = concerned.gather(charter, wanted, sources)
    for flow in flows:
        lacking = sorted(set(line.sources_of(charter, flow)) - set(parts))
        if lacking:
            untold[flow.name] = (
                f"{', '.join(map(str, lacking))} was never read, or what is kept of it is damaged"
            )
    told = [flow for flow in flows if flow.name not in untold]
    if not told:
        return Found((), untold)
    feed = Feed(
        at=desk.at,
        snapshots=parts,
        known=links.Confirmed(desk.at, {flow.name: flow.digest for flow in told}),
        copies=links.copies([flow.name for flow in told]),
        crosswalk=matches.crosswalk(desk.charter),
        accepted=accepted.tables(desk, told),
        dirty={name: pa.table({"key": sorted(keys)}) for name, keys in wanted.items()},
    )
    plan = _plan(desk, told, feed)
    return Found(tuple(_consequences(desk, plan, causes)), untold)


@contextmanager
def _register(desk: Desk, system: str) -> Iterator[Connector]:
    """Make the register's connector."""
    named = desk.charter.systems[system]
    kind = registry.connector_class(named.connector)
    settings = kind.Settings.model_validate(dict(named.settings))
    connector: Connector = kind(settings, Context(system, desk.folder))  # type: ignore[call-arg]  # a protocol has no constructor
    try:
        yield connector
    finally:
        connector.close()


def _plan(desk: Desk, flows: Sequence[Flow], feed: Feed) -> Plan:
    charter = line.narrow(desk.charter, flows)
    with open_workbench(Bench(small=True)) as bench:
        rows = {resource: part.rows for resource, part in feed.snapshots.items()}
        line.take_judged(bench, charter, charter.entities.values(), rows, feed.crosswalk)
        names = [flow.name for flow in flows]
        return line.make_plan(bench, charter, feed, flows=names, verdicts={})


def _consequences(desk: Desk, plan: Plan, causes: Mapping[str, Causes]) -> Iterator[Consequence]:
    for row in plan.changes.to_pylist():
        flow = desk.charter.flows[row["flow"]]
        of = causes[flow.name].get(row["key"])
        # A key that only another flow was asked about is nobody's consequence here.
        if of is None:
            continue
        yield Consequence(
            flow.name, flow.target.system, str(flow.target), row["key"], row["kind"],
            _fields(row), tuple(sorted(of)),
        )  # fmt: skip


def _fields(row: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    before, after = (json.loads(row[side] or "{}") for side in ("before", "after"))
    if row["kind"] in ("suspend", "delete"):
        return {}
    initial = json.loads(row["initial"] or "{}") if row["kind"] == "create" else {}
    wanted = {**initial, **after}
    return {
        name: (before.get(name), value)
        for name, value in wanted.items()
        if before.get(name) != value
    }

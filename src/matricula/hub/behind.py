"""What a record's copies should hold by what was last read, beside what they hold.

Nobody is asked and nothing is written: the line runs over one key, from the last trusted
reading of every owner.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.engine import line, read
from matricula.engine.codes import CODES
from matricula.engine.feed import Feed
from matricula.engine.plan import pick
from matricula.engine.workbench import open_workbench
from matricula.hub import charters, links, matches, snapshots, standing, status, systems
from matricula.hub.models import Effect, FlowState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.charter.model import Flow
    from matricula.hub.desk import Desk
    from matricula.hub.models import Link


@dataclass(frozen=True, slots=True)
class Due:
    """What is to be done to one copy, by what its owners said last.

    Attributes:
        kind: As a plan says it, such as `update`; `aside` where it cannot be planned.
        fields: What differs.
        after: What the copy should hold; empty where it should leave.
        code: Why it cannot be planned.
    """

    kind: str
    fields: tuple[str, ...]
    after: Mapping[str, object]
    code: str = ""


@dataclass(frozen=True, slots=True)
class Behind:
    """Why a copy is not as its owners say, and who acts next."""

    flow: str
    target: str
    what: str
    why: tuple[str, ...]
    next: str


_WORDS = {
    "create": "holds no copy yet and should",
    "match": "may hold a copy, which is to be found",
    "update": "is behind in {fields}",
    "restore": "is behind in {fields}",
    "suspend": "should no longer hold an active copy",
    "delete": "should no longer hold a copy",
    "resume": "should hold an active copy again",
    "aside": "cannot be given this record",
}


def due(desk: Desk, flows: Sequence[Flow], key: str) -> dict[str, Due]:
    """Find what is to be done for one key; flows whose owners were never all read are left out."""
    needed = {r for flow in flows for r in line.sources_of(desk.charter, flow)}
    kept = {r: d for r in sorted(needed) if (d := snapshots.last_trusted(desk, r)) is not None}
    ready = [f for f in flows if set(line.sources_of(desk.charter, f)) <= set(kept)]
    if not ready:
        return {}
    charter = line.narrow(desk.charter, ready)
    entity = pa.table({"key": pa.array([key], pa.string())})
    feed = Feed(
        at=desk.at,
        snapshots={r: read.Snapshot(r, d) for r, d in kept.items()},
        known=links.Confirmed(desk.at, {flow.name: flow.digest for flow in ready}),
        dirty={ready[0].entity: entity},
        crosswalk=matches.crosswalk(charter),
    )
    with open_workbench() as bench:
        verdicts = line.take_in(bench, charter, feed)
        names = [flow.name for flow in ready]
        plan = line.make_plan(bench, charter, feed, flows=names, verdicts=verdicts)
    return {flow.name: told for flow in ready if (told := _due(plan.changes, plan.aside, flow))}


def _due(changes: pa.Table, aside: pa.Table, flow: Flow) -> Due | None:
    for row in pick(changes, "flow", flow.name).to_pylist():
        after = json.loads(row["after"] or "{}")
        return Due(row["kind"], tuple(row["fields"] or ()), after)
    for row in pick(aside, "flow", flow.name).to_pylist():
        # What the target refused or left unanswered, its link knows.
        if row["code"] in CODES:
            return Due("aside", (), {}, row["code"])
    return None


def tell(desk: Desk, flow: Flow, link: Link | None, todo: Due | None) -> Behind | None:
    """Say of one copy what it lacks, why, and who acts next; None when it is as it should be."""
    state = FlowState.objects.filter(flow=flow.name).first()
    why = (*_of_flow(desk, flow, todo, state), *_of_copy(link), *_of_aside(todo))
    if todo is None and not why:
        return None
    fields = ", ".join(todo.fields) if todo else ""
    what = _WORDS[todo.kind].format(fields=fields) if todo else "was held at the last pass"
    count = status.counted([flow.name]).get(flow.name, {})
    following = standing.who_is_next(desk, flow, count=count, state=state)
    if todo and following == standing.NOBODY:
        following = standing.PLAN
    return Behind(flow.name, str(flow.target), what, why, following)


def refused(link: Link) -> Due:
    """Find what a target would not take; no pass plans it before it is tried again."""
    after, holds = json.loads(link.desired or "{}"), json.loads(link.confirmed or "{}")
    fields = tuple(name for name, value in after.items() if holds.get(name) != value)
    return Due("update" if link.confirmed else "create", fields, after)


def _of_flow(desk: Desk, flow: Flow, todo: Due | None, state: FlowState | None) -> Iterator[str]:
    for reason in standing.reasons_of(state):
        if todo is None or not reason.kinds or todo.kind in reason.kinds:
            yield f"{reason.code}: {reason.message} {reason.cure}"
    lacking = charters.unsigned_by(desk.charter, flow)
    if lacking and todo and not standing.reasons_of(state):
        titles = ", ".join(desk.charter.title_of(name) for name in lacking)
        yield f"The present text of the flow is not signed by {titles}."
    for system in dict.fromkeys(
        r.system for r in (flow.target, *line.sources_of(desk.charter, flow))
    ):
        if since := systems.away_since(system):
            yield f"{system} is away since {since:%Y-%m-%d %H:%M} UTC."


def _of_copy(link: Link | None) -> Iterator[str]:
    if link is None:
        return
    if link.refused:
        last = Effect.objects.filter(flow=link.flow, key=link.key).order_by("-id").first()
        yield f"The target refused it: {last.told if last else 'it said nothing.'}"
    if link.state == "waiting":
        yield "The copy waits for the identifier of another one."
    if link.state == "unknown":
        yield "The outcome of the last write is not known; the next run looks it up."


def _of_aside(todo: Due | None) -> Iterator[str]:
    if todo and todo.code:
        yield f"{todo.code}: {CODES[todo.code].title}. {CODES[todo.code].cure}"

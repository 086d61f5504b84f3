"""Undo: a plan that puts back what a run changed, from the images kept before each write.

It passes the same guards and the same gate as any other. The flows it concerns are held from
then on, or the next pass would only do again what was undone, until somebody releases them.
"""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import transaction

from matricula.audit.actions import Entry, append
from matricula.engine.guard import Reason, Standing, guard, windows
from matricula.engine.line import local_date
from matricula.engine.plan import COLUMNS, FlowPlan, Plan, digest_of
from matricula.hub import changed, links, recent, undo_groups
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import Effect, Hold, Link, Run
from matricula.kernel.digests import digest, document
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.charter.model import Flow
    from matricula.hub.desk import Desk

Row = dict[str, Any]
_TEXTS = [name for name in COLUMNS if name != "fields"]
_FIELDS: list[pa.Field[Any]] = [
    *(pa.field(name, pa.string()) for name in ("flow", *_TEXTS)),
    pa.field("fields", pa.list_(pa.string())),
]
_CHANGES = pa.schema(_FIELDS)
_DRIFT = pa.table({n: pa.array([], pa.string()) for n in ("flow", "key", "delivered", "found")})
_ASIDE = pa.schema([(name, pa.string()) for name in ("flow", "key", "code")])
_NOTHING = pa.table({name: pa.array([], pa.string()) for name in ("flow", "key")})


def make_plan(desk: Desk, run: str) -> Plan:
    """Find what puts back what a run did, as far as nothing has touched it since.

    Args:
        desk: The charter and the instant.
        run: The run to undo.

    Raises:
        Refused: There is no such run, or it wrote nothing that can be put back (M524).
    """
    if not Run.objects.filter(pk=run).exists():
        raise Refused("M524", f"There is no run {run}.", cure="See `matricula runs`.")
    flows = [f for f in desk.charter.flows.values() if _effects(run, f).exists()]
    if not flows:
        raise Refused(
            "M524",
            f"The run {run} changed nothing in a flow that the charter still has.",
            cure="See `matricula runs` for what each run did.",
        )
    lately = recent.delivered(desk, flows)
    rows: list[Row] = []
    aside: list[Row] = []
    parts = []
    for flow in flows:
        mine, left = _inverse(run, flow)
        parts.append(_part(desk, flow, mine, left, lately.get(flow.name)))
        rows += mine
        aside += left
    return Plan(
        charter=desk.charter.digest,
        flows=tuple(parts),
        changes=pa.Table.from_pylist(rows, _CHANGES),
        drift=_DRIFT,
        aside=pa.Table.from_pylist(aside, _ASIDE),
        settled=_NOTHING,
        void=_NOTHING,
        findings=(),
        digest=digest_of(desk.charter.digest, parts),
    )


def _effects(run: str, flow: Flow) -> Any:  # noqa: ANN401 - a queryset of its own kind
    made = ("answered", "verified")
    return Effect.objects.filter(run=run, flow=flow.name, state__in=made)


def _inverse(run: str, flow: Flow) -> tuple[list[Row], list[Row]]:
    """Turn every effect round; what was touched since, or cannot be put back, is set aside."""
    mine: list[Row] = []
    left: list[Row] = []
    effects = list(_effects(run, flow).exclude(kind="match").order_by("key"))
    known = {
        link.key: link
        for some in links.among(flow.name, [effect.key for effect in effects])
        for link in some
    }
    for effect in effects:
        row = _turned(flow, effect, known.get(effect.key))
        if row is None:
            left.append({"flow": flow.name, "key": effect.key, "code": "M526"})
        else:
            mine.append(row)
    return mine, left


def _turned(flow: Flow, effect: Effect, link: Link | None) -> Row | None:
    """Turn one effect round, or None where later truth or the charter forbids it."""
    kind = _KINDS.get(effect.kind) if effect.kind != "create" else _EXITS[flow.on_exit]
    is_as_left = (link is None) if effect.kind == "delete" else _is_as_left(effect, link)
    if kind is None or not is_as_left:
        return None
    after = None if kind in ("suspend", "delete") else effect.before
    if kind == "create" and _is_blank(flow, after):
        # Nothing would find out whether it is there again.
        return None
    before = effect.before if effect.kind == "suspend" else effect.after
    return {
        "flow": flow.name, "key": effect.key, "kind": kind,
        "external_id": link.external_id if link else None,
        "before": None if kind == "create" else before, "after": after,
        "initial": None, "match": document(_asked(flow, after)) if kind == "create" else None,
        "waits": None, "fields": _differing(before, after),
    }  # fmt: skip


_KINDS = {
    "update": "update", "restore": "update", "suspend": "resume", "resume": "suspend",
    "delete": "create",
}  # fmt: skip
_EXITS: Mapping[str, str | None] = {"suspend": "suspend", "delete": "delete", "leave": None}


def _is_as_left(effect: Effect, link: Link | None) -> bool:
    if link is None:
        return False
    left = effect.before if effect.kind == "suspend" else effect.after
    return link.confirmed == left and link.state in links.PRESENT


def _is_blank(flow: Flow, after: str | None) -> bool:
    return any(value in (None, "") for value in _asked(flow, after).values())


def _asked(flow: Flow, after: str | None) -> dict[str, Any]:
    """Say what the match rule would look for."""
    held = json.loads(after or "{}")
    return {name: held.get(name) for name in flow.match}


def _differing(before: str | None, after: str | None) -> list[str]:
    one, other = json.loads(before or "{}"), json.loads(after or "{}")
    if not one or not other:
        return sorted(one or other)
    return sorted(name for name in other if one.get(name) != other[name])


def _part(
    desk: Desk, flow: Flow, mine: Sequence[Row], left: Sequence[Row], lately: pa.Table | None
) -> FlowPlan:
    counts = Counter(str(row["kind"]) for row in mine)
    copies = links.copies([flow.name]).get(flow.name, 0)
    taken_back = {row["key"] for row in mine}
    earlier = Counter(
        str(row["kind"])
        for row in (lately.to_pylist() if lately is not None else ())
        if row["key"] not in taken_back
    )
    standing = Standing(copies, found=counts["resume"], earlier=earlier)
    reasons: tuple[Reason, ...] = (
        *guard(flow, counts, standing),
        *undo_groups.reasons(
            desk.charter.entities[flow.entity],
            flow,
            {str(row["key"]): str(row["kind"]) for row in mine},
            lately.to_pylist() if lately is not None else (),
        ),
        *windows(desk.charter, flow, on=local_date(desk.charter, desk.at)),
    )
    return FlowPlan(
        flow=flow.name,
        target=str(flow.target),
        counts=dict(sorted(counts.items())),
        unchanged=0,
        aside={"M526": len(left)} if left else {},
        drifted=0,
        reasons=reasons,
        digest=digest([[row[name] for name in COLUMNS] for row in mine]),
    )


@transaction.atomic
def hold(desk: Desk, run: str, flows: Iterable[str], *, why: str) -> None:
    """Hold the flows of a run that is undone, and forget what they had seen."""
    for name in flows:
        flow = desk.charter.flows[name]
        Hold.objects.update_or_create(
            flow=name, defaults={"run": run, "actor": desk.actor, "why": why, "held_at": desk.at}
        )
        changed.look_again(desk, flow)
        report([_held(desk, flow, run)], at=desk.at)
    append([_entry(desk, "hold", name, run, why) for name in flows], at=desk.at)


def _held(desk: Desk, flow: Flow, run: str) -> Trouble:
    return Trouble(
        "M525", flow.name, flow.errors_to, f"{desk.actor} undid {run}, and {flow.name} is held.",
        f"Correct what made it wrong, then run `matricula release {flow.name} --why ...`.",
        flow=flow.name, system=flow.target.system,
    )  # fmt: skip


@transaction.atomic
def release(desk: Desk, flow: str, *, why: str) -> None:
    """Let a flow go on that an undone run held.

    Raises:
        Refused: It is not held, or no ground was given (M527).
    """
    kept = Hold.objects.filter(flow=flow).first()
    if kept is None or not why.strip():
        reason = f"{flow} is not held by an undone run." if kept is None else "It needs a ground."
        raise Refused("M527", reason, cure="See `matricula status`, and say why with `--why`.")
    append([_entry(desk, "release", flow, kept.run, why)], at=desk.at)
    kept.delete()
    close_others([], codes=["M525"], places=[flow], at=desk.at)


def reasons() -> Mapping[str, Reason]:
    """Say, per flow that an undone run holds, why."""
    return {
        kept.flow: Reason(
            "M525",
            f"{kept.actor} undid {kept.run}: {kept.why}",
            f"Correct what made it wrong, then run `matricula release {kept.flow} --why ...`.",
        )
        for kept in Hold.objects.all()
    }


def _entry(desk: Desk, action: str, flow: str, run: str, why: str) -> Entry:
    return Entry(
        actor=desk.actor, action=action, entity="flow", key=flow, why=why, flow=flow,
        charter_version=desk.charter.digest, after={"run": run},
    )  # fmt: skip

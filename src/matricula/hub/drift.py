"""Drift: copies edited in the wrong place, with the owner's, the delivered and the found value."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matricula.hub import accepted, charters, standing
from matricula.hub.called import flow_called, office_called
from matricula.hub.links import EDITED
from matricula.hub.models import FlowState, Link
from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from matricula.charter.model import Charter, Field, Flow
    from matricula.hub.desk import Desk
    from matricula.hub.models import AcceptedEdit


@dataclass(frozen=True, slots=True)
class Drift:
    """One field of one copy that was edited.

    Attributes:
        flow: Which grant.
        target: The resource.
        key: Which record.
        field: The field; empty when the whole copy is gone.
        owner: Resources that own what the field is made of.
        delivered: What the target had confirmed.
        found: What it was seen to hold; None when it is gone or empty.
        seen_at: When a full pass looked last.
        next: What happens now, by the charter.
        asks: The offices whose move it is, if it is anybody's.
    """

    flow: str
    target: str
    key: str
    field: str
    owner: str
    delivered: object
    found: object
    seen_at: datetime | None
    next: str
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of edits.

    Attributes:
        edits: As the last full pass over each flow saw them.
        seen_at: When that was; of several flows, the earliest.
        unseen: Flows whose targets nobody has looked at yet.
    """

    edits: tuple[Drift, ...]
    seen_at: datetime | None
    unseen: tuple[str, ...]


_NEXT = {
    "restore": "restored by the next apply",
    "report": "reported; change it at its owner",
    "adopt": "proposed to its owner",
}


def find_drift(desk: Desk, flow: str = "", *, asks: str = "") -> Found:
    """List the edited copies that the last full passes saw.

    Args:
        desk: The charter and the day.
        flow: Only this one.
        asks: Only what waits for this office.

    Raises:
        Refused: The charter knows no such flow or office (M517).
    """
    if asks:
        office_called(desk.charter, asks)
    every = desk.charter.flows.values()
    chosen = [flow_called(desk.charter, flow)] if flow else list(every)
    states = {s.flow: s for s in FlowState.objects.filter(seen_at__isnull=False)}
    seen = [states[one.name].seen_at for one in chosen if one.name in states]
    edits: list[Drift] = []
    for one in sorted(chosen, key=lambda one: one.name):
        links = Link.objects.filter(EDITED, flow=one.name).order_by("key")
        step = _step(desk, one, states.get(one.name)) if links else ""
        at = states[one.name].seen_at if one.name in states else None
        seen_here = [d for link in links for d in _of(desk, one, link)]
        stands = {(a.key, a.field): a for a in accepted.standing(desk, one.name)}
        edits += [
            _asking(desk, one, replace(d, next=step, seen_at=at))
            for d in seen_here
            if not _is_accepted(d, stands.get((d.key, d.field)))
        ]
        edits += [replace(_accepted(desk, one, a), seen_at=at) for a in stands.values()]
    edits = [edit for edit in edits if not asks or asks in edit.asks]
    return Found(
        tuple(edits), min((at for at in seen if at), default=None),
        tuple(one.name for one in chosen if one.name not in states),
    )  # fmt: skip


def _asking(desk: Desk, flow: Flow, edit: Drift) -> Drift:
    """Say whose move it is: the owners' of what they may adopt, the target's of what it keeps."""
    charter = desk.charter
    if flow.on_drift == "restore":
        return edit
    if flow.on_drift == "report":
        return replace(edit, asks=(charter.systems[flow.target.system].steward,))
    owned = owned_by(charter, flow, edit.field) if edit.field in flow.fields else []
    # A copy that is gone, or put to sleep, is the roster's to judge.
    systems = {one.owner.system for one in owned} or {charter.entities[flow.entity].roster.system}
    asks = tuple(sorted({charter.systems[system].steward for system in systems}))
    titles = " and ".join(charter.title_of(office) for office in asks)
    return replace(edit, next=f"proposed to {titles}, who may take it over", asks=asks)


def _is_accepted(edit: Drift, kept: AcceptedEdit | None) -> bool:
    return kept is not None and kept.value == document({edit.field: edit.found})


def _accepted(desk: Desk, flow: Flow, kept: AcceptedEdit) -> Drift:
    """Tell of an edit that an office lets stand."""
    link = Link.objects.filter(flow=flow.name, key=kept.key).first()
    held = json.loads(link.confirmed or "{}") if link else {}
    granted = kept.field in flow.fields
    return Drift(
        flow.name, str(flow.target), kept.key, kept.field,
        _owners(desk, flow, kept.field) if granted else "", held.get(kept.field),
        json.loads(kept.value)[kept.field], None,
        f"accepted until {kept.until} by {desk.charter.title_of(kept.steward)}",
    )  # fmt: skip


def _step(desk: Desk, flow: Flow, state: FlowState | None) -> str:
    """Say what happens to the edits of a flow; nothing is promised that is held."""
    if flow.on_drift != "restore":
        return _NEXT[flow.on_drift]
    lacking = charters.unsigned_by(desk.charter, flow)
    if lacking:
        titles = ", ".join(desk.charter.title_of(name) for name in lacking)
        return f"restored once {titles} signed and it is applied"
    holding = [r for r in standing.reasons_of(state) if not r.kinds or "restore" in r.kinds]
    if holding:
        return f"held back: {holding[0].code}: {holding[0].message}"
    return _NEXT[flow.on_drift]


def _of(desk: Desk, flow: Flow, link: Link) -> Iterator[Drift]:
    target, delivered = str(flow.target), json.loads(link.confirmed or "{}")
    if link.observed is None:
        yield Drift(link.flow, target, link.key, "", "", "present", None, None, "")
        return
    found = json.loads(link.observed)
    for name in link.drift.split(","):
        if name == "_suspended":
            was, now = link.state, "active" if link.state == "suspended" else "suspended"
            yield Drift(link.flow, target, link.key, "(state)", "", was, now, None, "")
            continue
        yield Drift(
            link.flow, target, link.key, name, _owners(desk, flow, name),
            delivered.get(name), found.get(name), None, "",
        )  # fmt: skip


def _owners(desk: Desk, flow: Flow, field: str) -> str:
    owned = owned_by(desk.charter, flow, field)
    return ", ".join(sorted({f"{one.owner}.{one.owner_field}" for one in owned}))


def owned_by(charter: Charter, flow: Flow, field: str) -> list[Field]:
    """List the owned fields that a granted field is made of."""
    entity = charter.entities[flow.entity]
    found = []
    for read in flow.fields[field].expression.reads:
        if read.of:
            behind = charter.entities[entity.reference(read.field).entity]
        found.append(behind.fields[read.of] if read.of else entity.fields[read.field])
    return found

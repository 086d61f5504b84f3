"""Drift: copies edited in the wrong place, with the owner's, the delivered and the found value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.hub.models import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Charter, Field, Flow
    from matricula.hub.desk import Desk


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
        next: What happens now, by the charter.
    """

    flow: str
    target: str
    key: str
    field: str
    owner: str
    delivered: object
    found: object
    next: str


_NEXT = {
    "restore": "restored by the next apply",
    "report": "reported; change it at its owner",
    "adopt": "proposed to its owner",
}


def find_drift(desk: Desk, flow: str = "") -> list[Drift]:
    """List the edited copies that the last full pass saw."""
    links = Link.objects.exclude(drift="").order_by("flow", "key")
    chosen = links.filter(flow=flow) if flow else links
    known = [link for link in chosen if link.flow in desk.charter.flows]
    return [drift for link in known for drift in _of(desk, link)]


def _of(desk: Desk, link: Link) -> Iterator[Drift]:
    flow = desk.charter.flows[link.flow]
    delivered = json.loads(link.confirmed or "{}")
    step = _NEXT[flow.on_drift]
    if link.observed is None:
        yield Drift(link.flow, str(flow.target), link.key, "", "", "present", None, step)
        return
    found = json.loads(link.observed)
    for name in link.drift.split(","):
        if name == "_suspended":
            was, now = link.state, "active" if link.state == "suspended" else "suspended"
            yield Drift(link.flow, str(flow.target), link.key, "(state)", "", was, now, step)
            continue
        yield Drift(
            link.flow, str(flow.target), link.key, name, _owners(desk, flow, name),
            delivered.get(name), found.get(name), step,
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

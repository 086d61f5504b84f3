"""Drift: copies edited in the wrong place, with the owner's, the delivered and the found value."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.hub.models import Link

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            link.flow, str(flow.target), link.key, name, owners_of(desk, link.flow, name),
            delivered.get(name), found.get(name), step,
        )  # fmt: skip


def owners_of(desk: Desk, flow: str, field: str) -> str:
    """Name the resources that own what a granted field is made of."""
    granted = desk.charter.flows[flow].fields[field]
    entity = desk.charter.entities[desk.charter.flows[flow].entity]
    owners = set()
    for read in granted.expression.reads:
        if read.of:
            behind = desk.charter.entities[entity.reference(read.field).entity]
        owned = behind.fields[read.of] if read.of else entity.fields[read.field]
        owners.add(f"{owned.owner}.{owned.owner_field}")
    return ", ".join(sorted(owners))

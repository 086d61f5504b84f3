"""Explain: why a value is where it is, who owns it, who set it, who agreed, what was confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.audit.queries import history
from matricula.engine import compose, line, read, resolve, sql
from matricula.engine.values import plan_value
from matricula.engine.workbench import open_workbench, rows
from matricula.hub import charters, snapshots
from matricula.hub.models import Effect, FlowState, Link, Snapshot
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from matricula.charter.model import Entity, Flow
    from matricula.hub.desk import Desk


@dataclass(frozen=True, slots=True)
class OwnedValue:
    """What an owner says of one field."""

    field: str
    value: object
    owner: str
    steward: str
    read_at: datetime | None


@dataclass(frozen=True, slots=True)
class CopiedValue:
    """One granted field of one copy, with everything that stands behind it."""

    flow: str
    target: str
    field: str
    value: object
    made_from: tuple[str, ...]
    expression: str
    because: str
    purpose: str
    signed_by: tuple[str, ...]
    state: str
    external_id: str | None
    confirmed_at: datetime | None
    seen_at: datetime | None
    found: object
    set_by: str
    set_at: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """All there is to say of one record."""

    entity: str
    key: str
    owned: tuple[OwnedValue, ...]
    copies: tuple[CopiedValue, ...]
    waiting: tuple[str, ...]


def explain(
    desk: Desk, entity: str, key: str, *, system: str = "", field: str = ""
) -> Explanation:
    """Say where a record's values come from and where they went.

    Args:
        desk: The charter.
        entity: A canonical entity.
        key: Its key, parts joined by `|`.
        system: Only copies in this system.
        field: Only this canonical field and the granted fields made from it, or only this
            granted field.

    Raises:
        Refused: There is no such entity (M517).
    """
    known = desk.charter.entities.get(entity)
    if known is None:
        names = ", ".join(desk.charter.entities)
        raise Refused(
            "M517", f"The charter knows no entity {entity}.", cure=f"Use one of {names}."
        )
    owned = _owned(desk, known, key)
    copies: list[CopiedValue] = []
    waiting: list[str] = []
    for flow in desk.charter.flows.values():
        if flow.entity != entity or system not in {"", flow.target.system}:
            continue
        link = Link.objects.filter(flow=flow.name, key=key).first()
        if link is None:
            waiting.append(f"{flow.name}: {flow.target} holds no copy.")
            continue
        if link.state in {"waiting", "refused", "unknown"}:
            waiting.append(f"{flow.name}: {_why(link)}")
        copies += _copied(desk, flow, link, entity=known)
    if field:
        owned = tuple(o for o in owned if o.field == field)
        copies = [c for c in copies if c.field == field or f"{entity}.{field}" in c.made_from]
    return Explanation(entity, key, owned, tuple(copies), tuple(waiting))


def _why(link: Link) -> str:
    effect = Effect.objects.filter(flow=link.flow, key=link.key).order_by("-id").first()
    told = effect.told if effect and effect.told else ""
    return {
        "waiting": "the copy waits for the identifier of another one.",
        "refused": f"the target refused it: {told}",
        "unknown": "the outcome of the last write is being settled.",
    }[link.state]


def _owned(desk: Desk, entity: Entity, key: str) -> tuple[OwnedValue, ...]:
    """Compose the golden record from the last trusted snapshots."""
    feeds = {r: d for r in entity.owners() if (d := snapshots.last_trusted(desk, r)) is not None}
    if entity.roster not in feeds:
        return ()
    entity = line.within(entity, feeds)
    with open_workbench() as bench:
        for resource, dataset in feeds.items():
            read.load(bench, desk.charter, read.Snapshot(resource, dataset))
        resolve.resolve(bench, desk.charter, entity)
        compose.compose(bench, entity)
        columns = [
            sql.named(plan_value(sql.column(f.name), f.type), f.name)
            for f in entity.fields.values()
        ]
        query = exp.select(*columns).from_(sql.table(f"golden_{entity.name}"))
        found = rows(bench, query.where(sql.same(sql.column("key"), sql.text(key))))
    if not found:
        return ()
    values = dict(zip(entity.fields, found[0], strict=True))
    return tuple(
        OwnedValue(
            f.name, values[f.name], f"{f.owner}.{f.owner_field}",
            desk.charter.steward_of(f.owner.system).title, _read_at(str(f.owner)),
        )
        for f in entity.fields.values()
    )  # fmt: skip


def _read_at(resource: str) -> datetime | None:
    last = Snapshot.objects.filter(resource=resource, is_trusted=True).order_by("-id").first()
    return last.taken_at if last else None


def _copied(desk: Desk, flow: Flow, link: Link, *, entity: Entity) -> list[CopiedValue]:
    confirmed = json.loads(link.confirmed or "{}")
    observed = json.loads(link.observed) if link.observed else confirmed
    state = FlowState.objects.filter(flow=flow.name).first()
    signed = tuple(
        f"{desk.charter.stewards[name].title} ({s.actor}, {s.signed_at:%Y-%m-%d %H:%M} UTC)"
        for name, s in sorted(charters.signatures([flow])[flow.name].items())
        if name in desk.charter.stewards
    )
    setters = _setters(entity.name, link)
    told = []
    for name, granted in flow.fields.items():
        if granted.initially:
            continue
        actor, at = setters.get(name, ("", ""))
        told.append(
            CopiedValue(
                flow=flow.name, target=str(flow.target), field=name, value=confirmed.get(name),
                made_from=tuple(
                    f"{entity.name}.{r.field}" + (f".{r.of}" if r.of else "")
                    for r in granted.expression.reads
                ),
                expression=granted.expression.text, because=granted.because,
                purpose=flow.purpose, signed_by=signed, state=link.state,
                external_id=link.external_id, confirmed_at=link.confirmed_at,
                seen_at=state.seen_at if state else None, found=observed.get(name),
                set_by=actor, set_at=at,
            )
        )  # fmt: skip
    return told


def _setters(entity: str, link: Link) -> dict[str, tuple[str, str]]:
    """Find, per granted field, the audit entry that gave it its present value."""
    setters: dict[str, tuple[str, str]] = {}
    entries = [e for e in history(entity, link.key, limit=500) if e.flow == link.flow]
    for entry in reversed(entries):
        before, after = entry.before or {}, entry.after or {}
        for name, value in after.items():
            if name not in before or before[name] != value:
                setters[name] = (entry.actor, entry.at)
    return setters

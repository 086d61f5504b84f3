"""Explain: why a value is where it is, who owns it, who set it, who agreed, what was confirmed."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.audit.queries import history
from matricula.engine import compose, line, sql
from matricula.engine.values import plan_value
from matricula.engine.workbench import open_workbench, rows
from matricula.hub import behind, charters, matches, snapshots
from matricula.hub.called import unknown
from matricula.hub.models import FlowState, Link, Snapshot

if TYPE_CHECKING:
    from datetime import datetime

    from matricula.charter.model import Charter, Entity, Flow
    from matricula.hub.behind import Behind
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
    is_behind: bool
    should_be: object
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
    behind: tuple[Behind, ...]
    never_read: tuple[str, ...]
    key_is: str
    such_as: str


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
        Refused: There is no such entity, system or field (M517).
    """
    known, flows = _asked(desk.charter, entity, system=system, field=field)
    owned, example = _owned(desk, known, key)
    todo = behind.due(desk, flows, key) if flows else {}
    copies: list[CopiedValue] = []
    waiting: list[str] = []
    lacking: list[Behind] = []
    for flow in flows:
        link = Link.objects.filter(flow=flow.name, key=key).first()
        mine = todo.get(flow.name) or (behind.refused(link) if link and link.refused else None)
        told = behind.tell(desk, flow, link, mine) if owned or link else None
        lacking += [told] if told else []
        if link is not None:
            copies += _copied(desk, flow, link, mine, entity=known)
        elif owned and told is None:
            waiting.append(f"{flow.name}: {flow.target} holds no copy, and none is due.")
    if field:
        owned = tuple(o for o in owned if o.field == field)
        copies = [c for c in copies if c.field == field or f"{entity}.{field}" in c.made_from]
    unread = tuple(str(r) for r in known.owners() if snapshots.last_trusted(desk, r) is None)
    return Explanation(
        entity, key, owned, tuple(copies), tuple(waiting), tuple(lacking), unread,
        key_is="|".join(known.key), such_as=example,
    )  # fmt: skip


def _asked(charter: Charter, entity: str, *, system: str, field: str) -> tuple[Entity, list[Flow]]:
    """Find what is asked for: the entity, and its flows into the system.

    Raises:
        Refused: The charter knows no such entity, system or field (M517).
    """
    known = charter.entities.get(entity)
    if known is None:
        raise unknown(f"The charter knows no entity {entity}.", entity, charter.entities)
    if system not in {"", *charter.systems}:
        raise unknown(f"The charter knows no system {system}.", system, charter.systems)
    flows = [f for f in charter.flows.values() if f.entity == entity]
    fields = [*known.fields, *(name for flow in flows for name in flow.fields)]
    if field not in {"", *fields}:
        message = f"{entity} has no field {field}, and no flow grants one."
        raise unknown(message, field, dict.fromkeys(fields))
    return known, [f for f in flows if system in {"", f.target.system}]


def _owned(desk: Desk, entity: Entity, key: str) -> tuple[tuple[OwnedValue, ...], str]:
    """Compose the golden record from the last trusted snapshots.

    Returns:
        What the owners say, and how a key looks, both empty where nothing was read.
    """
    feeds = {r: d for r in entity.owners() if (d := snapshots.last_trusted(desk, r)) is not None}
    if entity.roster not in feeds:
        return (), ""
    entity = line.within(entity, feeds)
    with open_workbench() as bench:
        line.take_judged(bench, desk.charter, [entity], feeds, matches.crosswalk(desk.charter))
        compose.compose(bench, entity)
        columns = [
            sql.named(plan_value(sql.column(f.name), f.type), f.name)
            for f in entity.fields.values()
        ]
        golden = sql.table(f"golden_{entity.name}")
        query = exp.select(*columns).from_(golden)
        found = rows(bench, query.where(sql.same(sql.column("key"), sql.text(key))))
        [(first,)] = rows(bench, exp.select(exp.Min(this=sql.column("key"))).from_(golden))
    if not found:
        return (), str(first or "")
    values = dict(zip(entity.fields, found[0], strict=True))
    owned = tuple(
        OwnedValue(
            f.name, values[f.name], f"{f.owner}.{f.owner_field}",
            desk.charter.steward_of(f.owner.system).title, _read_at(str(f.owner)),
        )
        for f in entity.fields.values()
    )  # fmt: skip
    return owned, str(first)


def _read_at(resource: str) -> datetime | None:
    last = Snapshot.objects.filter(resource=resource, is_trusted=True).order_by("-id").first()
    return last.taken_at if last else None


def _copied(
    desk: Desk, flow: Flow, link: Link, todo: behind.Due | None, *, entity: Entity
) -> list[CopiedValue]:
    confirmed = json.loads(link.confirmed or "{}")
    observed = json.loads(link.observed) if link.observed else confirmed
    state = FlowState.objects.filter(flow=flow.name).first()
    signed = tuple(
        f"{desk.charter.title_of(name)} ({s.actor}, {s.signed_at:%Y-%m-%d %H:%M} UTC)"
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
                is_behind=todo is not None and name in todo.fields,
                should_be=todo.after.get(name) if todo else confirmed.get(name),
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

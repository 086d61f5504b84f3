"""Compile a charter that has no errors into the values the other rooms read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from graphlib import TopologicalSorter
from typing import TYPE_CHECKING, cast

from matricula.charter.check import check
from matricula.charter.grammar import CharterPart
from matricula.charter.model import (
    Cadence,
    Charter,
    Each,
    Entity,
    Expectation,
    Field,
    Flow,
    FlowField,
    Guard,
    Limit,
    Matching,
    Steward,
    Subscription,
    System,
    Unavailable,
    Window,
)
from matricula.charter.rules_calendar import windows_of
from matricula.charter.rules_cycles import links_of
from matricula.charter.signed import charter_digest, flow_digest
from matricula.charter.words import read_resource, read_share
from matricula.kernel.digests import canonical
from matricula.kernel.durations import read_duration
from matricula.kernel.errors import CharterRefused

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.charter.draft import Draft, DraftEntity, DraftField, DraftFlow
    from matricula.charter.grammar import (
        EntityPart,
        FlowPart,
        LimitPart,
        MatchingPart,
        StewardPart,
        SubscribesPart,
        SystemPart,
        WindowPart,
    )
    from matricula.charter.model import Expression, ResourceRef, ValueType
    from matricula.charter.text import Node
    from matricula.kernel.findings import Finding

DEFAULT_GUARD = Guard(
    exits=Limit(share_percent=10.0, count=25),
    creations=Limit(share_percent=50.0),
    changes=Limit(share_percent=75.0),
)


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a charter's text: the charter, unless a finding refuses it."""

    charter: Charter | None
    findings: tuple[Finding, ...]


def load(folder: Path, *, today: date) -> Compiled:
    """Check a charter and compile it if nothing refuses it.

    Args:
        folder: That holds its YAML files.
        today: The institution's date, for reviews that have become due.
    """
    checked = check(folder, today=today)
    charter = _compile(checked.draft) if checked.is_clean else None
    return Compiled(charter, checked.findings)


def compile_charter(folder: Path, *, today: date) -> Charter:
    """Compile a charter.

    Raises:
        CharterRefused: It has errors; all of them are in it, and nothing else.
    """
    compiled = load(folder, today=today)
    if compiled.charter is None:
        raise CharterRefused([f for f in compiled.findings if f.severity == "error"])
    return compiled.charter


def _compile(draft: Draft) -> Charter:
    plain = draft.root.plain()
    part = CharterPart.model_validate(plain)
    entities = {
        name: _entity(draft, entity, part.entities[name])
        for name, entity in draft.entities.items()
    }
    waits = {f.name: {c.flow for c in links_of(f).values()} for f in draft.flows.values()}
    flows = {name: _flow(draft, draft.flows[name], part.flows[name]) for name in _order(waits)}
    return Charter(
        institution=part.institution,
        timezone=part.timezone,
        currency=part.currency or "",
        stewards={
            name: _steward(draft.stewards[name], name, office)
            for name, office in part.stewards.items()
        },
        systems={
            name: _system(draft.systems[name], name, system)
            for name, system in part.systems.items()
        },
        entities=entities,
        flows=flows,
        calendar=tuple(
            _window(window, node.place)
            for window, node in zip(part.calendar, windows_of(draft.root), strict=True)
        ),
        digest=charter_digest(draft),
        text=canonical(plain),
    )


def _steward(node: Node, name: str, part: StewardPart) -> Steward:
    return Steward(
        name,
        part.name,
        part.notify,
        node.place,
        part.escalate_to or "",
        part.channel or "",
        _subscription(node, part.subscribes),
    )


def _system(node: Node, name: str, part: SystemPart) -> System:
    return System(
        name,
        part.connector,
        part.steward,
        part.settings,
        node.place,
        _subscription(node, part.subscribes),
        part.announces.secret if part.announces else "",
    )


def _subscription(node: Node, part: SubscribesPart | None) -> Subscription | None:
    if part is None:
        return None
    place = node.at(("subscribes",)).place
    return Subscription(part.url, part.secret, tuple(part.events), part.because, place)


def _order(waits: dict[str, set[str]]) -> list[str]:
    """Put flows after those they wait for; otherwise by name."""
    sorter = TopologicalSorter(waits)
    sorter.prepare()
    found: list[str] = []
    while sorter.is_active():
        ready = sorted(sorter.get_ready())
        found += ready
        sorter.done(*ready)
    return found


def _entity(draft: Draft, entity: DraftEntity, part: EntityPart) -> Entity:
    # A draft without errors lacks nothing; that is what the casts rest on.
    return Entity(
        name=entity.name,
        key=entity.key,
        roster=cast("ResourceRef", entity.roster),
        found_by=entity.found_by,
        fields={name: _field(field) for name, field in entity.fields.items()},
        place=entity.node.place,
        refs=draft.refs[entity.name],
        expects={
            e.name: Expectation(
                e.name, cast("Expression", e.that), part.expects[e.name].because, e.node.place
            )
            for e in draft.expects[entity.name]
        },
        matching=_matching(part.matching) if part.matching else None,
    )


def _matching(part: MatchingPart) -> Matching:
    return Matching(
        compare=dict(part.compare),
        others={read_resource(word): dict(names) for word, names in part.with_.items()},
        propose=read_share(part.propose) / 100,
        because=part.because,
    )


def _field(field: DraftField) -> Field:
    return Field(
        field.name,
        cast("ValueType", field.type),
        cast("ResourceRef", field.owner),
        field.owner_field,
        field.data_class,
        field.node.place,
    )


def _flow(draft: Draft, flow: DraftFlow, part: FlowPart) -> Flow:
    carried = draft.carried(flow)
    owners = {draft.systems[f.owner.system].text("steward") for f in carried if f.owner}
    return Flow(
        name=flow.name,
        purpose=part.purpose,
        entity=flow.entity,
        target=cast("ResourceRef", flow.target),
        fields={
            name: FlowField(
                name,
                cast("Expression", field.expression),
                part.fields[name].because,
                field.initially,
                field.node.place,
            )
            for name, field in flow.fields.items()
        },
        cadence=_cadence(part),
        on_exit=part.on_exit,
        on_drift=part.on_drift,
        if_unavailable=_unavailable(part),
        guard=_guard(part),
        errors_to=part.errors_to,
        basis=part.basis or "",
        match=flow.match,
        where=flow.where,
        review_on=date.fromisoformat(part.review_on) if part.review_on else None,
        carries=tuple(f.word for f in carried),
        after=tuple(sorted({call.flow for call in links_of(flow).values()})),
        owners=tuple(sorted(owners)),
        digest=flow_digest(draft, flow),
        place=flow.node.place,
    )


def _cadence(part: FlowPart) -> Cadence:
    every = part.cadence.every
    return Cadence(
        part.cadence.on_change, part.cadence.full or "", read_duration(every) if every else None
    )


def _unavailable(part: FlowPart) -> Unavailable:
    kept = part.if_unavailable.use_snapshot_for
    return Unavailable(
        part.if_unavailable.queue,
        read_duration(part.if_unavailable.alert_after),
        read_duration(kept) if kept else timedelta(0),
    )


def _guard(part: FlowPart) -> Guard:
    return Guard(
        exits=_limit(part.guard.exits, DEFAULT_GUARD.exits),
        creations=_limit(part.guard.creations, DEFAULT_GUARD.creations),
        changes=_limit(part.guard.changes, DEFAULT_GUARD.changes),
    )


def _limit(part: LimitPart | None, usual: Limit) -> Limit:
    """Take a limit as written, both halves; where none is written, the usual one."""
    if part is None:
        return usual
    share = read_share(part.share) if part.share else None
    if part.each is None:
        return Limit(share, part.count)
    each = part.each
    within = Limit(read_share(each.share) if each.share else None, each.count)
    return Limit(share, part.count, Each(tuple(each.per), within))


def _window(part: WindowPart, place: str) -> Window:
    return Window(
        name=part.name,
        starts_on=date.fromisoformat(part.from_),
        ends_on=date.fromisoformat(part.to),
        flows=tuple(part.flows),
        mode=part.mode,
        place=place,
    )

"""Rules: links lead to flows of the same system, and nothing goes round in circles."""

from __future__ import annotations

import difflib
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from matricula.charter.typed import TEXTUAL, called
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.charter.draft import Draft, DraftFlow, DraftFlowField
    from matricula.charter.model import LinkCall


def cycle_findings(draft: Draft) -> Iterator[Finding]:
    """Find links that lead nowhere, and circles of links or of values."""
    for flow in draft.flows.values():
        for name, call in links_of(flow).items():
            place = flow.fields[name].node.place
            for message, cure in _link(draft, flow, call):
                yield Finding(place, "M307", f"flows.{flow.name}.fields.{name}: {message}", cure)
    waits = {flow.name: {c.flow for c in links_of(flow).values()} for flow in draft.flows.values()}
    circle = _circle(waits)
    if circle:
        yield Finding(
            draft.flows[circle[0]].node.place, "M215",
            f"The flows {' -> '.join(circle)} wait for one another's copies.",
            "Remove one of the links; one copy must be there first.",
        )  # fmt: skip
    yield from _round_trips(draft)


def links_of(flow: DraftFlow) -> dict[str, LinkCall]:
    """List a flow's links by the field they fill."""
    return {
        field.name: field.expression.link
        for field in flow.fields.values()
        if field.expression and field.expression.link
    }


def _link(draft: Draft, flow: DraftFlow, call: LinkCall) -> Iterator[tuple[str, str]]:
    other = draft.flows.get(call.flow)
    if other is None:
        near = difflib.get_close_matches(call.flow, list(draft.flows), n=1)
        cure = f"Did you mean {near[0]}?" if near else "Name a flow of the charter."
        yield f"there is no flow `{call.flow}` to link to.", cure
        return
    if flow.target and other.target and flow.target.system != other.target.system:
        reason = f"{other.name} writes to {other.target.system}, not {flow.target.system}; "
        reason += "an identifier means something in its own system only."
        yield reason, "Link to a flow with the same target system."
    entity = draft.entities.get(other.entity)
    whole_key = _refers(draft, flow, call, other.entity)
    if not entity or not entity.key or whole_key:
        return
    if len(call.arguments) != len(entity.key):
        reason = f"{other.name} is known by {', '.join(entity.key)}; the link names "
        reason += f"{', '.join(call.arguments)}."
        yield reason, "Name one field for each part of that key, in its order."
        return
    for argument, part in zip(call.arguments, entity.key, strict=True):
        yield from _fits(draft, f"{flow.entity}.{argument}", f"{other.entity}.{part}")


def _refers(draft: Draft, flow: DraftFlow, call: LinkCall, entity: str) -> bool:
    """Say whether the one argument is a ref to the entity: it holds the whole key."""
    field = draft.field_of(flow.entity, call.arguments[0])
    return bool(
        len(call.arguments) == 1
        and field
        and field.type
        and (field.type.kind, field.type.entity) == ("ref", entity)
    )


def _fits(draft: Draft, own: str, theirs: str) -> Iterator[tuple[str, str]]:
    one, other = (draft.field_of(*word.split(".")) for word in (own, theirs))
    found = [f.type for f in (one, other) if f and f.type]
    kinds = {"text" if t.kind in TEXTUAL else t.kind for t in found}
    if len(kinds) > 1:
        types = [called(t) for t in found]
        yield (
            f"{own} is {types[0]}, but {theirs} is {types[1]}; they are never equal.",
            "Give both the same type.",
        )


def _circle(waits: Mapping[str, set[str]]) -> list[str]:
    known = {name: others & set(waits) for name, others in waits.items()}
    try:
        TopologicalSorter(known).prepare()
    except CycleError as error:
        # Told from the one that waits to the one waited for.
        return list(reversed(error.args[1]))
    return []


def _round_trips(draft: Draft) -> Iterator[Finding]:
    """Find values that come back, by flows, to the place they were taken from."""
    leads: dict[str, set[str]] = {}
    for flow in draft.flows.values():
        for field in flow.fields.values():
            leads.setdefault(f"{flow.target}.{field.name}", set()).update(
                _sources(draft, flow, field)
            )
    circle = _circle({**{s: set() for v in leads.values() for s in v}, **leads})
    if circle:
        places = [
            field.node.place
            for flow in draft.flows.values()
            for field in flow.fields.values()
            if f"{flow.target}.{field.name}" in circle
        ]
        yield Finding(
            places[0], "M214", f"A value goes round in a circle: {' -> '.join(circle)}.",
            "Decide which of these places owns it, and remove the flow that leads back.",
        )  # fmt: skip


def _sources(draft: Draft, flow: DraftFlow, field: DraftFlowField) -> set[str]:
    """Say from which places a copied field takes its value; a proposal takes none."""
    if field.initially or not field.expression:
        return set()
    fields = [draft.field_of(flow.entity, read.field) for read in field.expression.reads]
    return {f"{f.owner}.{f.owner_field}" for f in fields if f and f.owner}

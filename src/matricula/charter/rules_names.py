"""Rules: every system, office and entity that the charter names is one it declares."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matricula.charter.draft import Draft
    from matricula.charter.model import ResourceRef


def name_findings(draft: Draft) -> Iterator[Finding]:
    """Find names of things that are not declared."""
    yield from _stewards(draft)
    yield from _systems(draft)
    yield from _entities(draft)


def _stewards(draft: Draft) -> Iterator[Finding]:
    named = [(f"systems.{n}", node, "steward") for n, node in draft.systems.items()]
    named += [(f"flows.{n}", flow.node, "errors_to") for n, flow in draft.flows.items()]
    named += [(f"stewards.{n}", node, "escalate_to") for n, node in draft.stewards.items()]
    for word, node, key in named:
        office = node.text(key)
        if office and office not in draft.stewards:
            yield Finding(
                node.at((key,)).place, "M204", f"{word}: `{office}` is no steward of the charter.",
                _cure(office, draft.stewards, "stewards"),
            )  # fmt: skip
    for name, node in draft.stewards.items():
        if node.text("escalate_to") == name:
            yield Finding(
                node.at(("escalate_to",)).place, "M219",
                f"stewards.{name} escalates to itself.",
                "Name another office, or leave `escalate_to` out.",
            )  # fmt: skip


def _systems(draft: Draft) -> Iterator[Finding]:
    for word, resource, place in _resources(draft):
        if resource.system not in draft.systems:
            yield Finding(
                place, "M203", f"{word}: `{resource.system}` is no connected system.",
                _cure(resource.system, draft.systems, "systems"),
            )  # fmt: skip


def _resources(draft: Draft) -> Iterator[tuple[str, ResourceRef, str]]:
    for entity in draft.entities.values():
        if entity.roster:
            yield (
                f"entities.{entity.name}.roster",
                entity.roster,
                entity.node.at(("roster",)).place,
            )
        for resource in entity.found_by:
            place = entity.node.at(("found_by", str(resource))).place
            yield f"entities.{entity.name}.found_by", resource, place
    for field in draft.fields():
        if field.owner:
            yield field.word, field.owner, field.node.at(("owner",)).place
    for flow in draft.flows.values():
        if flow.target:
            yield f"flows.{flow.name}.to", flow.target, flow.node.at(("to",)).place


def _entities(draft: Draft) -> Iterator[Finding]:
    named = [
        (f.word, f.type.entity, f.node.at(("type",)).place)
        for f in draft.fields()
        if f.type and f.type.kind == "ref"
    ]
    named += [
        (f"flows.{flow.name}.from", flow.entity, flow.node.at(("from",)).place)
        for flow in draft.flows.values()
        if flow.entity
    ]
    for word, entity, place in named:
        if entity not in draft.entities:
            yield Finding(
                place, "M205", f"{word}: `{entity}` is no entity of the charter.",
                _cure(entity, draft.entities, "entities"),
            )  # fmt: skip


def _cure(word: str, known: Iterable[str], section: str) -> str:
    near = difflib.get_close_matches(word, list(known), n=1)
    return f"Did you mean {near[0]}?" if near else f"Declare it under `{section}:`."

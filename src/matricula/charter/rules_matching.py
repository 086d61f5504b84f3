"""Rules: what is compared is the roster's, and who else is asked owns something here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.charter.draft import Draft, DraftEntity
    from matricula.charter.text import Node


def matching_findings(draft: Draft) -> Iterator[Finding]:
    """Find what a `matching:` names and nobody could compare."""
    for entity in draft.entities.values():
        yield from _compared(entity)
        yield from _others(entity)


def _compared(entity: DraftEntity) -> Iterator[Finding]:
    for name, node in _part(entity, "compare").items():
        field = entity.fields.get(name)
        if field is None or (field.owner and field.owner != entity.roster):
            yield Finding(
                node.place, "M223",
                f"{entity.name}.matching compares {name}, which {entity.roster} does not own.",
                "Compare fields of the entity that its roster owns.",
            )  # fmt: skip


def _others(entity: DraftEntity) -> Iterator[Finding]:
    known = {str(f.owner) for f in entity.fields.values() if f.owner} - {str(entity.roster)}
    compared = _part(entity, "compare")
    for resource, node in _part(entity, "with").items():
        if resource not in known:
            yield Finding(
                node.place, "M223",
                f"{entity.name}.matching asks {resource}, which owns no field of {entity.name}.",
                f"Use {', '.join(sorted(known)) or 'no other resource'}.",
            )  # fmt: skip
        for name in sorted(set(node.map()) - set(compared)):
            yield Finding(
                node.place, "M223",
                f"{entity.name}.matching asks {resource} for {name}, which is not compared.",
                "Add it under `compare:`, or leave it out.",
            )  # fmt: skip


def _part(entity: DraftEntity, key: str) -> Mapping[str, Node]:
    matching = entity.node.get("matching")
    part = matching.get(key) if matching else None
    return part.map() if part else {}

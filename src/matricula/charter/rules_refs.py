"""Rules: a ref leads to a record of an entity, by as many fields as its key has parts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.draft import Draft, DraftEntity
    from matricula.charter.model import Read, Reference


def ref_findings(draft: Draft) -> Iterator[Finding]:
    """Find refs that lead nowhere."""
    for entity in draft.entities.values():
        for name, ref in draft.refs[entity.name].items():
            place = entity.node.at(("refs", name)).place
            word = f"{entity.name}.refs.{name}"
            yield from _leads(draft, word, place, ref)
            yield from _reads(draft, entity, name)
            if name in entity.fields:
                yield Finding(
                    place, "M222", f"{word} has the name of a field.", "Give the ref another name."
                )


def _reads(draft: Draft, entity: DraftEntity, name: str) -> Iterator[Finding]:
    earlier = _before(draft, entity, name)
    unknown = [
        read
        for read in draft.refs[entity.name][name].by
        if not _is_known(draft, entity, earlier, read)
    ]
    for read in unknown:
        told = f"{read.field}.{read.of}" if read.of else read.field
        yield Finding(
            entity.node.at(("refs", name)).place, "M222",
            f"{entity.name}.refs.{name} reads {told}, which is not there.",
            f"Name a field of {entity.name}, or one behind a ref that stands before.",
        )  # fmt: skip


def _leads(draft: Draft, word: str, place: str, ref: Reference) -> Iterator[Finding]:
    other = draft.entities.get(ref.entity)
    if other is None:
        yield Finding(
            place, "M222", f"{word} leads to {ref.entity or 'nothing'}, which is no entity.",
            f"Use one of {', '.join(draft.entities)}.",
        )  # fmt: skip
    elif len(other.key) != len(ref.by):
        yield Finding(
            place, "M222",
            f"{word} gives {len(ref.by)} part(s) for the key of {ref.entity}, which has "
            f"{len(other.key)}: {', '.join(other.key)}.",
            "Give the parts of that key, in its order.",
        )  # fmt: skip


def _before(draft: Draft, entity: DraftEntity, name: str) -> dict[str, str]:
    """Entities behind the refs that stand before one, fields of type ref among them."""
    found = {
        field.name: field.type.entity
        for field in entity.fields.values()
        if field.type and field.type.kind == "ref"
    }
    for other, ref in draft.refs[entity.name].items():
        if other == name:
            break
        found[other] = ref.entity
    return found


def _is_known(draft: Draft, entity: DraftEntity, earlier: dict[str, str], read: Read) -> bool:
    if not read.of:
        return read.field in entity.fields
    return draft.field_of(earlier.get(read.field, ""), read.of) is not None

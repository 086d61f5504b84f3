"""Rules: one owner for each field, and a way to recognise every owner's records."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.draft import Draft, DraftEntity, DraftField


def ownership_findings(draft: Draft) -> Iterator[Finding]:
    """Find keys and owners that contradict each other."""
    for entity in draft.entities.values():
        yield from _key(entity)
        yield from _found_by(entity)
    yield from _overlapping_claims(draft)


def overlap(one: str, other: str) -> bool:
    """Say whether two field paths are the same, or one lies within the other."""
    within = (f"{other}.", f"{other}[")
    around = (f"{one}.", f"{one}[")
    return one == other or one.startswith(within) or other.startswith(around)


def _key(entity: DraftEntity) -> Iterator[Finding]:
    place = entity.node.at(("key",)).place
    for part in entity.key:
        field = entity.fields.get(part)
        if field is None:
            yield Finding(
                place, "M206", f"{entity.name}: the key's part `{part}` is no field of it.",
                f"Add `{part}:` under `fields:`, or name another field.",
            )  # fmt: skip
        elif entity.roster and field.owner and field.owner != entity.roster:
            yield Finding(
                field.node.place, "M206",
                f"{field.word} is part of the key, yet {field.owner} owns it and not the "
                f"roster {entity.roster}.",
                "Who decides who exists also owns what identifies: change the owner or the key.",
            )  # fmt: skip


def _found_by(entity: DraftEntity) -> Iterator[Finding]:
    owned = [f for f in entity.fields.values() if f.owner and f.owner != entity.roster]
    lacking = {f.owner: f for f in reversed(owned) if f.owner not in entity.found_by}
    for resource, field in lacking.items() if entity.roster else ():
        yield Finding(
            field.node.place, "M207",
            f"{field.word} is owned by {resource}, but nothing says how its records are "
            f"recognised as {entity.name}.",
            f"Add under `found_by:` the field of {resource} that spells {_spelled(entity)}.",
        )  # fmt: skip
    for resource, parts in entity.found_by.items():
        place = entity.node.at(("found_by", str(resource))).place
        if resource == entity.roster:
            yield Finding(
                place, "M207",
                f"{resource} is the roster of {entity.name}; it spells the key itself.",
                "Remove the line.",
            )  # fmt: skip
        elif entity.key and parts and len(parts) != len(entity.key):
            yield Finding(
                place, "M207",
                f"{resource} spells the key of {entity.name} with {len(parts)} field(s); "
                f"the key has {len(entity.key)}.",
                f"Name one field for each of {_spelled(entity)}, in that order.",
            )  # fmt: skip


def _spelled(entity: DraftEntity) -> str:
    return ", ".join(entity.key) or "its key"


def _overlapping_claims(draft: Draft) -> Iterator[Finding]:
    """Find one value of one resource that stands behind two fields in contradictory ways."""
    claims = [field for field in draft.fields() if field.owner]
    by_resource: dict[str, list[DraftField]] = {}
    for field in claims:
        by_resource.setdefault(str(field.owner), []).append(field)
    for resource, fields in by_resource.items():
        for one, other in combinations(fields, 2):
            if not overlap(one.owner_field, other.owner_field):
                continue
            if one.owner_field != other.owner_field:
                how = f"{resource}.{one.owner_field} and {resource}.{other.owner_field}: one "
                how += "lies within the other"
            elif _unlike(one, other):
                how = f"{resource}.{one.owner_field} as two different types or classes"
            else:
                continue
            yield Finding(
                other.node.place, "M208",
                f"{one.word} ({one.node.place}) and {other.word} ({other.node.place}) claim "
                f"{how}.",
                "Claim each value once, at the finest level, with one type and one class.",
            )  # fmt: skip


def _unlike(one: DraftField, other: DraftField) -> bool:
    # A reference reads as the text of the key it holds.
    kinds = [f.type if f.type and f.type.kind != "ref" else None for f in (one, other)]
    return one.data_class != other.data_class or (None not in kinds and kinds[0] != kinds[1])

"""Lineage: which flows carry a field, and from which owner each copied field comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.charter.model import Read

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.charter.model import Charter, Expression, Field, Flow, Reference


@dataclass(frozen=True, slots=True)
class Origin:
    """An entity field behind a copied field, and the place it is taken from."""

    field: str
    owner: str
    steward: str


def passed(reads: Iterable[Read], refs: Mapping[str, Reference]) -> dict[str, tuple[Read, ...]]:
    """Name the refs that some reads go through, and what spells the key behind each.

    Args:
        reads: Of one entity's expressions.
        refs: That entity's named ones. Any other that a read goes through is a field that
            holds the key itself.

    Returns:
        In an order in which each follows those that its key is spelled through.
    """
    found: dict[str, tuple[Read, ...]] = {}
    begun: set[str] = set()

    def go_through(name: str) -> None:
        if name in begun:
            return
        begun.add(name)
        by = refs[name].by if name in refs else (Read(name),)
        for part in by:
            if part.of:
                go_through(part.field)
        found[name] = by

    for name in sorted({read.field for read in reads if read.of}):
        go_through(name)
    return found


def fields_read(charter: Charter, flow: Flow, expression: Expression) -> tuple[str, ...]:
    """List the fields an expression of a flow reads, as `entity.field`, sorted."""
    entity = charter.entities[flow.entity]
    spelled = passed(expression.reads, entity.refs)
    found = set()
    for read in (*expression.reads, *(part for by in spelled.values() for part in by)):
        if read.field in entity.fields:
            found.add(f"{flow.entity}.{read.field}")
        if read.of:
            found.add(f"{entity.reference(read.field).entity}.{read.of}")
    return tuple(sorted(found))


def field_named(charter: Charter, word: str) -> Field:
    """Find a field by its full name, `student.email`."""
    entity, _, name = word.partition(".")
    return charter.entities[entity].fields[name]


def origins(charter: Charter, flow: Flow, target_field: str) -> tuple[Origin, ...]:
    """Say where the value of a copied field comes from.

    Args:
        charter: That holds the flow.
        flow: Which.
        target_field: One of its fields, by the target's name.
    """
    found = []
    for word in fields_read(charter, flow, flow.fields[target_field].expression):
        field = field_named(charter, word)
        place = f"{field.owner}.{field.owner_field}"
        found.append(Origin(word, place, charter.systems[field.owner.system].steward))
    return tuple(found)

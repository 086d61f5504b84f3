"""Lineage: which flows carry a field, and from which owner each copied field comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from matricula.charter.model import Charter, Expression, Field, Flow


@dataclass(frozen=True, slots=True)
class Origin:
    """An entity field behind a copied field, and the place it is taken from."""

    field: str
    owner: str
    steward: str


def flows_that_carry(charter: Charter, field: str) -> tuple[str, ...]:
    """List the flows that read a field, written `student.email`, in the charter's order."""
    return tuple(flow.name for flow in charter.flows.values() if field in flow.carries)


def fields_read(charter: Charter, flow: Flow, expression: Expression) -> tuple[str, ...]:
    """List the fields an expression of a flow reads, as `entity.field`, sorted."""
    found = set()
    for read in expression.reads:
        found.add(f"{flow.entity}.{read.field}")
        if read.of:
            behind = charter.entities[flow.entity].fields[read.field].type.entity
            found.add(f"{behind}.{read.of}")
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

"""Expect: does what the owners say hold together? Breaches are told, never repaired.

An expectation is a condition over an entity's golden record, and over records of other
entities found through refs. False is a breach; null is not, for nobody said anything. It
holds nothing back: what an owner says is delivered, odd as it may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.project import Placing
from matricula.engine.read import Fault
from matricula.engine.workbench import number, rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    import duckdb

    from matricula.charter.model import Entity, Expectation, Read

_SHOWN = 1000
_SELF = "g"


def expect(
    connection: duckdb.DuckDBPyConnection,
    entity: Entity,
    composed: Mapping[str, Entity],
    *,
    on: date,
) -> tuple[Fault, ...]:
    """Find the breaches of an entity's expectations.

    Args:
        connection: After `compose` of the entity and of those behind its refs.
        entity: Whose expectations.
        composed: Every composed entity, with the fields that could be read. An expectation
            that needs more is left for a pass that reads it.
        on: The institution's date, for `as_of()`.

    Returns:
        One finding for each expectation that does not hold, with the keys in breach.
    """
    return tuple(
        breach
        for expectation in entity.expects.values()
        if _can_be_told(entity, composed, expectation)
        for breach in _breaches(connection, entity, expectation, on)
    )


def _references(entity: Entity) -> dict[str, tuple[str, tuple[Read, ...] | None]]:
    """Every ref by name: the entity it leads to, and what spells its key (None: the field)."""
    own = {
        name: (field.type.entity, None)
        for name, field in entity.fields.items()
        if field.type.kind == "ref"
    }
    return own | {name: (ref.entity, ref.by) for name, ref in entity.refs.items()}


def _needed(entity: Entity, expectation: Expectation) -> list[str]:
    """List the refs that an expectation reads through, those they rest on first."""
    known = _references(entity)
    found: dict[str, None] = {}

    def visit(name: str) -> None:
        for read in known[name][1] or ():
            if read.of:
                visit(read.field)
        found[name] = None

    for read in expectation.that.reads:
        if read.of:
            visit(read.field)
    return list(found)


def _can_be_told(entity: Entity, composed: Mapping[str, Entity], expectation: Expectation) -> bool:
    known = _references(entity)
    through = _needed(entity, expectation)
    reads = [*expectation.that.reads, *(r for name in through for r in known[name][1] or ())]
    for read in reads:
        if not read.of and read.field not in entity.fields and read.field not in entity.refs:
            return False
        behind = composed.get(known[read.field][0]) if read.of else entity
        if behind is None or (read.of and read.of not in behind.fields):
            return False
    return all(known[name][0] in composed for name in through)


def _breaches(
    connection: duckdb.DuckDBPyConnection, entity: Entity, expectation: Expectation, on: date
) -> list[Fault]:
    query = _in_breach(entity, expectation, on)
    count = number(connection, exp.select(exp.Count(this=exp.Star())).from_(query.subquery("b")))
    if not count:
        return []
    first = rows(connection, query.copy().order_by("1").limit(_SHOWN))
    keys = tuple(str(row[0]) for row in first)
    return [
        Fault(
            f"{entity.roster}.{expectation.name}",
            "M414",
            f"{count} record(s) of {entity.name} are not as expected, first {keys[0]}: "
            f"{expectation.that.text}.",
            f"Correct them at their owner, or the expectation: {expectation.because}.",
            keys,
        )
    ]


def _in_breach(entity: Entity, expectation: Expectation, on: date) -> exp.Select:
    query = exp.select(sql.column("key", _SELF)).from_(sql.table(f"golden_{entity.name}", _SELF))
    known = _references(entity)
    for name in _needed(entity, expectation):
        to, by = known[name]
        parts = [_value(read) for read in by] if by else [sql.column(name, _SELF)]
        query = query.join(
            sql.table(f"golden_{to}", _alias(name)),
            on=sql.same(sql.column("key", _alias(name)), sql.key_of(parts)),
            join_type="left",
        )
    return query.where(sql.no(Placing(on).value(expectation.that)))


def _alias(ref: str) -> str:
    return f"ref {ref}"


def _value(read: Read) -> exp.Column:
    if read.of:
        return sql.column(read.of, _alias(read.field))
    return sql.column(read.field, _SELF)

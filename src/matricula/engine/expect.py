"""Expect: does what the owners say hold together? Breaches are told, never repaired.

An expectation is a condition over an entity's golden record, and over records of other
entities found through refs. False is a breach, and so is what cannot be computed; null is
not, for nobody said anything. It holds nothing back: what an owner says is delivered, odd as
it may be.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.charter.lineage import passed
from matricula.engine import sql
from matricula.engine.project import GOLDEN, Placing, join_refs
from matricula.engine.read import Fault
from matricula.engine.workbench import number, rows

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from matricula.charter.model import Entity, Expectation, Read
    from matricula.engine.workbench import Workbench

_SHOWN = 1000


def expect(
    bench: Workbench,
    entity: Entity,
    composed: Mapping[str, Entity],
    *,
    on: date,
) -> tuple[Fault, ...]:
    """Find the breaches of an entity's expectations.

    Args:
        bench: After `compose` of the entity and of those behind its refs.
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
        for breach in _breaches(bench, entity, expectation, on)
    )


def _can_be_told(entity: Entity, composed: Mapping[str, Entity], expectation: Expectation) -> bool:
    through = passed(expectation.that.reads, entity.refs)
    spelled = [part for by in through.values() for part in by]
    return all(_is_at_hand(entity, composed, read) for read in (*spelled, *expectation.that.reads))


def _is_at_hand(entity: Entity, composed: Mapping[str, Entity], read: Read) -> bool:
    if not read.of:
        return read.field in entity.fields
    if read.field not in entity.refs and read.field not in entity.fields:
        return False
    behind = composed.get(entity.reference(read.field).entity)
    return behind is not None and read.of in behind.fields


def _breaches(bench: Workbench, entity: Entity, expectation: Expectation, on: date) -> list[Fault]:
    query = _in_breach(entity, expectation, on)
    count = number(bench, exp.select(exp.Count(this=exp.Star())).from_(query.subquery("b")))
    if not count:
        return []
    first = rows(bench, query.copy().order_by("1").limit(_SHOWN))
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
    query = exp.select(sql.column("key", GOLDEN)).from_(sql.table(f"golden_{entity.name}", GOLDEN))
    through = list(passed(expectation.that.reads, entity.refs))
    query = join_refs(query, entity, through, kind="golden")
    # What cannot be computed becomes null here, and null differs from false as true does.
    broken = sql.no(sql.call("coalesce", Placing(on).bare(expectation.that), exp.true()))
    return query.where(sql.differs(sql.call("try", broken), exp.false()))

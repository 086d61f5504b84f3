"""Compose: the golden record, each field from its owner and from nowhere else.

Leaves for entity E the table `golden_E` (everybody, or the dirty keys alone): `key` and every
field under its canonical name. Also `amiss_E` (`key`, `field`): values that are not of their
type, by canonical name; where there are none it is noted only. And, for what others refer
to, the view `whole_E` (everybody).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import leave_out, run, size

if TYPE_CHECKING:
    from matricula.charter.model import Entity
    from matricula.engine.workbench import Workbench


def compose(bench: Workbench, entity: Entity, *, only_dirty: bool = False) -> None:
    """Put the golden record of an entity together.

    Args:
        bench: After `resolve` of the entity.
        entity: Which.
        only_dirty: Keep `golden_E` to the keys in `dirty_E`.
    """
    dirty = _dirty(entity) if only_dirty else None
    golden = _whole(bench, entity, among=dirty)
    run(bench, sql.create("TABLE", f"golden_{entity.name}", golden))


def view(bench: Workbench, entity: Entity) -> None:
    """Leave `whole_E`, after `resolve` of the entity."""
    run(bench, sql.create("VIEW", f"whole_{entity.name}", _whole(bench, entity)))


def _dirty(entity: Entity) -> exp.Select:
    return sql.keys_in(f"dirty_{entity.name}")


def _whole(bench: Workbench, entity: Entity, *, among: exp.Select | None = None) -> exp.Select:
    """Join what the owners say; each side is kept to the keys asked for before it is joined."""
    aliases = {resource: f"o{place}" for place, resource in enumerate(entity.owners())}
    roster = aliases[entity.roster]
    sides = {}
    for resource in aliases:
        found = exp.select(exp.Star()).from_(sql.table(f"found_{entity.name}:{resource}"))
        sides[resource] = once(bench, entity, str(resource), found)
    if among:
        for resource, side in sides.items():
            sides[resource] = side.where(exp.In(this=sql.column("key"), query=among.subquery()))
    columns = [
        sql.named(sql.column(field.owner_field, aliases[field.owner]), field.name)
        for field in entity.fields.values()
    ]
    query = exp.select(sql.column("key", roster), *columns)
    query = query.from_(sides[entity.roster].subquery(roster))
    for resource, alias in aliases.items():
        if resource != entity.roster:
            query = query.join(
                sides[resource].subquery(alias),
                on=sql.same(sql.column("key", alias), sql.column("key", roster)),
                join_type="left",
            )
    return query


def once(bench: Workbench, entity: Entity, resource: str, found: exp.Select) -> exp.Select:
    """Leave out, of what a resource says of an entity, the keys that two records claim."""
    # Mostly there are none, and a condition on every row would be paid for by all.
    if not size(bench, f"twice_{entity.name}"):
        return found
    twice = (
        exp.select(sql.column("key"))
        .from_(sql.table(f"twice_{entity.name}"))
        .where(sql.same(sql.column("resource"), sql.text(resource)))
    )
    return found.where(sql.absent(sql.column("key"), twice))


def gather_amiss(bench: Workbench, entity: Entity) -> None:
    """Leave `amiss_E`, of everybody; after `resolve` of the entity."""
    parts: list[exp.Query] = []
    for field in entity.fields.values():
        bad = f"bad_{field.owner}"
        if not size(bench, bad):
            continue
        one = (
            exp.select(sql.column("key", "f"), sql.named(sql.text(field.name), "field"))
            .from_(sql.table(f"found_{entity.name}:{field.owner}", "f"))
            .join(
                sql.table(bad, "b"),
                on=sql.same(sql.column("_id", "f"), sql.column("_id", "b")),
            )
            .where(sql.same(sql.column("field", "b"), sql.text(field.owner_field)))
            .where(sql.given(sql.column("key", "f")))
        )
        parts.append(one)
    leave_out(bench, f"amiss_{entity.name}")
    if parts:
        run(bench, sql.create("TABLE", f"amiss_{entity.name}", sql.union_all(parts)))

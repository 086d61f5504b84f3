"""Compose: the golden record, each field from its owner and from nowhere else.

Leaves for entity E the view `whole_E` (everybody) and the table `golden_E` (everybody, or
the dirty keys alone): `key` and every field under its canonical name. Also `amiss_E`
(`key`, `field`): values that are not of their type, by canonical name.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import number, rows, run

if TYPE_CHECKING:
    import duckdb

    from matricula.charter.model import Entity


def compose(
    connection: duckdb.DuckDBPyConnection, entity: Entity, *, only_dirty: bool = False
) -> None:
    """Put the golden record of an entity together.

    Args:
        connection: After `resolve` of the entity.
        entity: Which.
        only_dirty: Keep `golden_E` to the keys in `dirty_E`.
    """
    view(connection, entity)
    dirty = _dirty(entity) if only_dirty else None
    golden = _whole(connection, entity, among=dirty)
    run(connection, sql.create("TABLE", f"golden_{entity.name}", golden))
    _gather_amiss(connection, entity)


def view(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    """Leave `whole_E`, after `resolve` of the entity."""
    run(connection, sql.create("VIEW", f"whole_{entity.name}", _whole(connection, entity)))


def _dirty(entity: Entity) -> exp.Select:
    return exp.select(sql.column("key")).from_(sql.table(f"dirty_{entity.name}"))


def _whole(
    connection: duckdb.DuckDBPyConnection, entity: Entity, *, among: exp.Select | None = None
) -> exp.Select:
    """Join what the owners say; each side is kept to the keys asked for before it is joined."""
    aliases = {resource: f"o{place}" for place, resource in enumerate(entity.owners())}
    roster = aliases[entity.roster]
    sides = {}
    for resource in aliases:
        found = exp.select(exp.Star()).from_(sql.table(f"found_{entity.name}:{resource}"))
        sides[resource] = once(connection, entity, str(resource), found)
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


def once(
    connection: duckdb.DuckDBPyConnection, entity: Entity, resource: str, found: exp.Select
) -> exp.Select:
    """Leave out, of what a resource says of an entity, the keys that two records claim."""
    twice = (
        exp.select(sql.column("key"))
        .from_(sql.table(f"twice_{entity.name}"))
        .where(sql.same(sql.column("resource"), sql.text(resource)))
    )
    # Mostly there are none, and a condition on every row would be paid for by all.
    if not rows(connection, twice.copy().limit(1)):
        return found
    return found.where(sql.absent(sql.column("key"), twice))


def _gather_amiss(connection: duckdb.DuckDBPyConnection, entity: Entity) -> None:
    query: exp.Query = exp.select(
        sql.named(sql.text(""), "key"), sql.named(sql.text(""), "field")
    ).where(exp.false())
    for field in entity.fields.values():
        bad = f"bad_{field.owner}"
        if not number(connection, sql.count(bad)):
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
        query = exp.union(query, one, distinct=False)
    run(connection, sql.create("TABLE", f"amiss_{entity.name}", query))

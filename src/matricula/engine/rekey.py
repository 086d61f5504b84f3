"""Rekey: who of a roster may have gone on under another key?

A key that is gone and one that came, on records whose fields agree, may be one record under
a new number. It is proposed, never followed: until a steward decides, what would be done
about either key is set aside, and so is what would be done about records whose keys hold it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import match, sql, survey, values
from matricula.engine.aside import move_aside
from matricula.engine.read import wanted_fields
from matricula.engine.workbench import number, register, rows, run, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, Flow
    from matricula.engine.workbench import Workbench

UNDECIDED = "M555"
_LEFT, _JOINED = "left", "joined"


def pairs(
    bench: Workbench,
    charter: Charter,
    entity: Entity,
    previous: ds.Dataset | pa.Table,
) -> pa.Table | None:
    """Find keys that are gone and keys that came whose records look alike.

    Args:
        bench: After `take_in`, with `found_E:R` of the roster.
        charter: For the types of what is compared.
        entity: With its `matching`.
        previous: The last trusted snapshot of its roster.

    Returns:
        `key` (gone), `resource`, `other` (came), `probability` and `evidence` as
        `match.candidates` gives them; None where nobody left, or nobody joined.
    """
    names = set(survey.spelling(entity, entity.roster))
    if entity.matching is None or not names <= set(previous.schema.names):
        return None
    register(bench, "earlier", previous)
    try:
        former = f"former_{entity.name}"
        run(bench, sql.create("VIEW", former, _former(charter, entity, previous.schema)))
        now = f"found_{entity.name}:{entity.roster}"
        moved = f"moved_{entity.name}"
        for here, there in ((former, now), (now, former)):
            # Keys alone, first: on most days nobody leaves while somebody joins.
            if not number(bench, _lone(sql.count(here, "a"), there)):
                return None
        for word, here, there in ((_LEFT, former, now), (_JOINED, now, former)):
            lone = _lone(_alike(entity, here, resource=word), there)
            run(bench, sql.create("TABLE", f"{word}_{entity.name}", lone))
        both = [
            exp.select(exp.Star()).from_(sql.table(f"{word}_{entity.name}"))
            for word in (_LEFT, _JOINED)
        ]
        run(bench, sql.create("TABLE", f"alike_{moved}", sql.union_all(both)))
        everybody = _alike(entity, now, resource=_JOINED)
        run(bench, sql.create("TABLE", f"everybody_{entity.name}", everybody))
        found = match.compare(
            bench, moved, entity.matching.compare, entity.matching.propose,
            strangers=f"everybody_{entity.name}",
        )  # fmt: skip
    finally:
        bench.unregister("earlier")
    return found.filter([word == _JOINED for word in found["resource"].to_pylist()])


def _lone(query: exp.Select, there: str) -> exp.Select:
    """Keep the records of `a` whose key stands in no record there."""
    here = sql.column("key", "a")
    query = query.join(
        sql.table(there, "b"), on=sql.same(here, sql.column("key", "b")), join_type="anti"
    )
    return query.where(sql.given(here.copy()))


def _former(charter: Charter, entity: Entity, schema: pa.Schema) -> exp.Select:
    """Read the earlier snapshot as the present one is read."""
    wanted = wanted_fields(charter, entity.roster)

    def value(name: str) -> exp.Expr:
        if name not in schema.names:
            return sql.cast(exp.null(), "VARCHAR")
        return values.read_value(sql.column(name), schema.field(name).type, wanted[name])

    key = sql.key_of([value(name) for name in survey.spelling(entity, entity.roster)])
    columns = [sql.named(value(name), name) for name in _compared(entity)]
    return exp.select(sql.named(key, "key"), *columns).from_(sql.table("earlier"))


def _compared(entity: Entity) -> list[str]:
    compare = entity.matching.compare if entity.matching else ()
    return [entity.fields[name].owner_field for name in compare]


def _alike(entity: Entity, called: str, *, resource: str) -> exp.Select:
    """Spell records as `match.compare` takes them; those that left are the roster's to it."""
    key = sql.column("key", "a")
    word = sql.text(resource)
    return exp.select(
        sql.named(exp.DPipe(this=sql.text(f"{resource} "), expression=key), "unique_id"),
        sql.named(word, "resource"), sql.named(key.copy(), "id"),
        sql.named(exp.true() if resource == _LEFT else exp.false(), "is_roster"),
        *[
            sql.named(match.clean(sql.column(name, "a")), f"c{place}")
            for place, name in enumerate(_compared(entity))
        ],
    ).from_(sql.table(called, "a"))  # fmt: skip


def present(bench: Workbench, entity: Entity, keys: Sequence[str]) -> set[str]:
    """Tell which of some keys stand in the roster now; after `take_in`."""
    if not keys:
        return set()
    query = exp.select(sql.column("key")).from_(sql.table(f"found_{entity.name}:{entity.roster}"))
    some = exp.In(this=sql.column("key"), expressions=[sql.text(key) for key in keys])
    return {str(row[0]) for row in rows(bench, query.where(some))}


def set_aside(
    bench: Workbench,
    charter: Charter,
    flow: Flow,
    undecided: Mapping[str, pa.Table],
) -> None:
    """Move what would be done about undecided keys from `change_F` to `aside_F`; after `diff`.

    Args:
        bench: The run's own.
        charter: For what the parts of keys are.
        flow: F.
        undecided: Per entity, keys (column `key`) that may be one record under two numbers.
    """
    change = f"change_{flow.name}"
    for name, part in _holding(charter, charter.entities[flow.entity]):
        if name not in undecided or not size(bench, change):
            continue
        register(bench, f"undecided_{name}", undecided[name])
        keys = exp.select(sql.column("key")).from_(sql.table(f"undecided_{name}"))
        mine = exp.In(this=part, query=keys.subquery())
        told = exp.select(sql.column("key"), sql.named(sql.text(UNDECIDED), "code"))
        told = told.from_(sql.table(change)).where(mine)
        run(bench, sql.create("TABLE", f"waits_{flow.name}", told))
        move_aside(bench, flow, f"waits_{flow.name}")
        bench.unregister(f"undecided_{name}")


def _holding(charter: Charter, entity: Entity) -> Iterator[tuple[str, exp.Expr]]:
    """List the entities whose keys stand in this one's, and where."""
    yield entity.name, sql.column("key")
    for place, part in enumerate(entity.key):
        yield from _leading(charter, entity.fields[part].type.entity, entity, place)


def _leading(
    charter: Charter, name: str, entity: Entity, place: int
) -> Iterator[tuple[str, exp.Expr]]:
    if not name or name == entity.name:
        return
    yield name, sql.parts_of([place], size=len(entity.key))
    behind = charter.entities.get(name)
    if behind is not None and len(behind.key) == 1:
        # A record that is told by another's key alone.
        yield from _leading(charter, behind.fields[behind.key[0]].type.entity, entity, place)

"""Delta: which keys a source changed, so that a pass computes those alone.

Every trusted snapshot leaves an index per entity (`key`, `print`): a fingerprint of each
record, of its key and of what the charter reads from it. The next snapshot's index differs
from it in exactly the keys that came, went or changed. Fingerprints are DuckDB's own hash, so
an index tells with which version it was made; one of another version says nothing, and the
pass is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from sqlglot import exp

from matricula.charter.lineage import passed
from matricula.engine import compose, project, sql, survey
from matricula.engine.moved import find_moved, in_moved
from matricula.engine.workbench import arrow, number, register, rows, run

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, ResourceRef

_VERSION, _SUM = b"duckdb", b"sum"


def index_all(
    connection: duckdb.DuckDBPyConnection, entities: Iterable[Entity]
) -> Iterator[tuple[tuple[str, ResourceRef], pa.Table]]:
    """Fingerprint what every owner says of some entities, record by record, under its key.

    Args:
        connection: After `line.take_in`; with its `prints`, which are used up, it is quicker.
        entities: Which.

    Yields:
        For each entity and owner `key` and `print`, with the version that made it in the
        schema's metadata. One by one: they are large.
    """
    left = [(entity, resource) for entity in entities for resource in entity.owners()]
    while left:
        entity, resource = left.pop(0)
        found = _index(connection, entity, resource)
        if all(other != resource for _, other in left):
            survey.forget_prints(connection, resource)
        yield (entity.name, resource), found


def _index(
    connection: duckdb.DuckDBPyConnection, entity: Entity, resource: ResourceRef
) -> pa.Table:
    prints = exp.select(sql.column("key"), sql.column("print"))
    prints = prints.from_(_prints(connection, entity, resource).subquery("p"))
    prints = prints.where(sql.given(sql.column("key")))
    prints = compose.once(connection, entity, str(resource), prints)
    whole = exp.union(prints, _claimed_twice(entity, str(resource)), distinct=False)
    found = arrow(connection, whole)
    fields = ",".join(survey.fields_of(entity, resource))
    return found.replace_schema_metadata(
        {
            _VERSION: f"{duckdb.__version__} key,{fields}".encode(),
            _SUM: _sum(connection, found).encode(),
        }
    )


def _prints(
    connection: duckdb.DuckDBPyConnection, entity: Entity, resource: ResourceRef
) -> exp.Select:
    """Select the key and the fingerprint of every record of an owner."""
    is_sound = not number(connection, sql.count(f"bad_{resource}"))
    if is_sound and survey.has_prints(connection, resource):
        return exp.select(
            sql.named(sql.column(f"key {entity.name}"), "key"),
            sql.named(sql.column(f"print {entity.name}"), "print"),
        ).from_(sql.table(f"told_{resource}"))
    told = [sql.column(field, "f") for field in ("key", *survey.fields_of(entity, resource))]
    query = exp.select(sql.column("key", "f"))
    query = query.from_(sql.table(f"found_{entity.name}:{resource}", "f"))
    # A value that is not of its type reads as null; that one was stated counts all the same.
    if not is_sound:
        query = query.join(
            _bad_fields(str(resource)).subquery("w"),
            on=sql.same(sql.column("_id", "w"), sql.column("_id", "f")),
            join_type="left",
        )
        told.append(sql.column("fields", "w"))
    return query.select(sql.named(sql.call("hash", *told), "print"))


def _sum(connection: duckdb.DuckDBPyConnection, index: pa.Table) -> str:
    """Sum an index up, whatever its order: two of one sum and one length are the same."""
    register(connection, "index_now", index)
    row = sql.column("print")
    told = exp.select(sql.call("bit_xor", row), sql.call("sum", row))
    [(mixed, added)] = rows(connection, told.from_(sql.table("index_now")))
    connection.unregister("index_now")
    return f"{index.num_rows} {mixed} {added}"


def without(index: pa.Table, gone: Sequence[bool]) -> pa.Table:
    """Take rows out of an index; what is left is compared row by row, for it has no sum."""
    metadata = {n: v for n, v in (index.schema.metadata or {}).items() if n != _SUM}
    return index.filter(pc.invert(pa.array(gone))).replace_schema_metadata(metadata)


def _bad_fields(resource: str) -> exp.Select:
    listed = sql.call("list_sort", sql.call("list", sql.column("field")))
    return (
        exp.select(sql.column("_id"), sql.named(listed, "fields"))
        .from_(sql.table(f"bad_{resource}"))
        .group_by(sql.column("_id"))
    )


def _claimed_twice(entity: Entity, resource: str) -> exp.Select:
    """Keys that are nobody's: whatever their records say, they change when that ends."""
    return (
        exp.select(sql.column("key"), sql.named(sql.call("hash", sql.column("key")), "print"))
        .from_(sql.table(f"twice_{entity.name}"))
        .where(sql.same(sql.column("resource"), sql.text(resource)))
    )


def dirty_keys(
    connection: duckdb.DuckDBPyConnection,
    charter: Charter,
    now: Mapping[tuple[str, ResourceRef], pa.Table | ds.Dataset],
    before: Mapping[tuple[str, ResourceRef], pa.Table | ds.Dataset],
    *,
    marked: Mapping[str, pa.Table] | None = None,
) -> dict[str, pa.Table] | None:
    """Find the keys per entity that differ between two sets of indexes.

    A key is also dirty when a record it refers to is, through a `ref` that a flow reads.

    Args:
        connection: After `line.take_in` of the present snapshots.
        charter: For the refs.
        now: An index for each entity and owner.
        before: The same of the last pass that was delivered.
        marked: Keys per entity (column `key`) that something else says have changed.

    Returns:
        For every entity a table with the column `key`, empty where it has no index; None
        when only a full pass can tell.
    """
    if not _comparable(now, before):
        return None
    for name in charter.entities:
        parts = [pair for pair in now if pair[0] == name]
        _mark(connection, name, [(now[pair], before[pair]) for pair in parts])
        _add_marked(connection, name, (marked or {}).get(name))
    for entity in charter.entities.values():
        if any(name == entity.name for name, _ in now):
            _follow_refs(connection, charter, entity)
    touched = exp.select(sql.column("key")).distinct()
    return {
        name: arrow(connection, touched.from_(sql.table(f"touched_{name}")))
        for name in charter.entities
    }


def _comparable(
    now: Mapping[tuple[str, ResourceRef], pa.Table | ds.Dataset],
    before: Mapping[tuple[str, ResourceRef], pa.Table | ds.Dataset],
) -> bool:
    return set(now) <= set(before) and all(
        (now[pair].schema.metadata or {}).get(_VERSION)
        == (before[pair].schema.metadata or {}).get(_VERSION)
        for pair in now
    )


def _mark(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    pairs: list[tuple[pa.Table | ds.Dataset, pa.Table | ds.Dataset]],
) -> None:
    empty = exp.select(sql.named(sql.cast(exp.null(), "VARCHAR"), "key")).where(exp.false())
    run(connection, sql.create("TABLE", f"touched_{name}", empty))
    for now, before in pairs:
        # A source that says what it said before touches nothing.
        if _sum_of(now) and _sum_of(now) == _sum_of(before):
            continue
        register(connection, "index_now", now)
        register(connection, "index_before", before)
        prints = exp.select(sql.column("print"))
        sides = (prints.from_(sql.table(f"index_{when}")) for when in ("now", "before"))
        find_moved(connection, "moved_print", *sides, by="print")
        run(connection, exp.insert(_differing_keys(), sql.table(f"touched_{name}")))
        connection.unregister("index_now")
        connection.unregister("index_before")


def _add_marked(connection: duckdb.DuckDBPyConnection, name: str, keys: pa.Table | None) -> None:
    if keys is None:
        return
    register(connection, "marked_now", keys)
    every = exp.select(sql.column("key")).from_(sql.table("marked_now"))
    run(connection, exp.insert(every, sql.table(f"touched_{name}")))
    connection.unregister("marked_now")


def _sum_of(index: pa.Table | ds.Dataset) -> bytes | None:
    return (index.schema.metadata or {}).get(_SUM)


def _differing_keys() -> exp.Query:
    """Select the keys whose print stands on one side alone: once that changed, twice."""
    now, before = "index_now", "index_before"
    return exp.union(_alone(now, before), _alone(before, now), distinct=False)


def _alone(here: str, there: str) -> exp.Select:
    inside = in_moved(sql.column("print"), "moved_print", by="print")
    others = exp.select(sql.column("print")).from_(sql.table(there)).where(inside)
    query = exp.select(sql.column("key")).from_(sql.table(here)).where(inside.copy())
    return query.where(sql.absent(sql.column("print"), others))


def _follow_refs(connection: duckdb.DuckDBPyConnection, charter: Charter, entity: Entity) -> None:
    refs = {
        name: None
        for flow in charter.flows.values()
        if flow.entity == entity.name
        for name in project.refs_of(charter, flow)
    }
    for field in refs:
        if field in entity.refs:
            referring = _referring(connection, charter, entity, field)
            run(connection, exp.insert(referring, sql.table(f"touched_{entity.name}")))
            continue
        owned = entity.fields[field]
        referred = exp.select(sql.column("key")).from_(sql.table(f"touched_{owned.type.entity}"))
        query = (
            exp.select(sql.column("key"))
            .from_(sql.table(f"found_{entity.name}:{owned.owner}"))
            .where(exp.In(this=sql.column(owned.owner_field), query=referred.subquery()))
            .where(sql.given(sql.column("key")))
        )
        run(connection, exp.insert(query, sql.table(f"touched_{entity.name}")))


def _referring(
    connection: duckdb.DuckDBPyConnection, charter: Charter, entity: Entity, name: str
) -> exp.Select:
    """Select the keys whose ref, spelled from several fields, leads to a touched record."""
    reference = entity.reference(name)
    before = list(passed(reference.by, entity.refs))
    for read in {entity.name, *(entity.reference(other).entity for other in before)}:
        compose.view(connection, charter.entities[read])
    query = exp.select(sql.column("key", project.GOLDEN))
    query = query.from_(sql.table(f"whole_{entity.name}", project.GOLDEN))
    touched = exp.select(sql.column("key")).from_(sql.table(f"touched_{reference.entity}"))
    leads = exp.In(this=project.key_behind(reference), query=touched.subquery())
    return project.join_refs(query, entity, before).where(leads)


def add_keys(dirty: Mapping[str, pa.Table], more: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Add keys that something else marked (a retry, a webhook) to those found here."""
    joined = dict(dirty)
    for name, keys in more.items():
        joined[name] = (
            pa.concat_tables([dirty[name].cast(keys.schema), keys]) if name in dirty else keys
        )
    return joined

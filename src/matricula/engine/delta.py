"""Delta: which keys a source changed, so that a pass computes those alone.

Every trusted snapshot leaves an index per entity (`key`, `print`): a fingerprint of what
the charter reads from each record. The next snapshot's index differs from it in exactly
the keys that came, went or changed. Fingerprints are DuckDB's own hash, so an index tells
with which version it was made; one of another version says nothing, and the pass is full.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
from sqlglot import exp

from matricula.engine import project, sql
from matricula.engine.workbench import arrow, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.charter.model import Charter, Entity, ResourceRef

_VERSION = b"duckdb"


def index(
    connection: duckdb.DuckDBPyConnection, entity: Entity, resource: ResourceRef
) -> pa.Table:
    """Fingerprint every record of a resource under its key.

    Args:
        connection: After `line.take_in`.
        entity: Whose keys.
        resource: One of its owners.

    Returns:
        `key` and `print`, with the version that made it in the schema's metadata.
    """
    fields = sorted({f.owner_field for f in entity.fields.values() if f.owner == resource})
    query = (
        exp.select(
            sql.column("key"),
            sql.named(sql.call("hash", *[sql.column(field) for field in fields]), "print"),
        )
        .from_(sql.table(f"found_{entity.name}_{resource}"))
        .where(sql.given(sql.column("key")))
    )
    return arrow(connection, query).replace_schema_metadata(
        {_VERSION: f"{duckdb.__version__} {','.join(fields)}".encode()}
    )


def dirty_keys(
    connection: duckdb.DuckDBPyConnection,
    charter: Charter,
    now: Mapping[tuple[str, ResourceRef], pa.Table],
    before: Mapping[tuple[str, ResourceRef], pa.Table],
) -> dict[str, pa.Table] | None:
    """Find the keys per entity that differ between two sets of indexes.

    A key is also dirty when a record it refers to is, through a `ref` that a flow reads.

    Args:
        connection: After `line.take_in` of the present snapshots.
        charter: For the refs.
        now: An index for each entity and owner.
        before: The same of the last pass that was delivered.

    Returns:
        Per entity a table with the column `key`; None when only a full pass can tell.
    """
    if not _comparable(now, before):
        return None
    for name in charter.entities:
        parts = [pair for pair in now if pair[0] == name]
        _mark(connection, name, [(now[pair], before[pair]) for pair in parts])
    for entity in charter.entities.values():
        _follow_refs(connection, charter, entity)
    return {
        name: arrow(
            connection,
            exp.select(sql.column("key")).distinct().from_(sql.table(f"touched_{name}")),
        )
        for name in charter.entities
    }


def _comparable(
    now: Mapping[tuple[str, ResourceRef], pa.Table],
    before: Mapping[tuple[str, ResourceRef], pa.Table],
) -> bool:
    return set(now) <= set(before) and all(
        (now[pair].schema.metadata or {}).get(_VERSION)
        == (before[pair].schema.metadata or {}).get(_VERSION)
        for pair in now
    )


def _mark(
    connection: duckdb.DuckDBPyConnection, name: str, pairs: list[tuple[pa.Table, pa.Table]]
) -> None:
    empty = exp.select(sql.named(sql.cast(exp.null(), "VARCHAR"), "key")).where(exp.false())
    run(connection, sql.create("TABLE", f"touched_{name}", empty))
    for now, before in pairs:
        connection.register("index_now", now)
        connection.register("index_before", before)
        for here, there in (("index_now", "index_before"), ("index_before", "index_now")):
            run(connection, exp.insert(_only(here, there), sql.table(f"touched_{name}")))
        connection.unregister("index_now")
        connection.unregister("index_before")


def _only(here: str, there: str) -> exp.Select:
    return (
        exp.select(sql.column("key", "a"))
        .from_(sql.table(here, "a"))
        .join(
            sql.table(there, "b"),
            on=exp.and_(
                sql.same(sql.column("key", "a"), sql.column("key", "b")),
                sql.same(sql.column("print", "a"), sql.column("print", "b")),
            ),
            join_type="anti",
        )
    )


def _follow_refs(connection: duckdb.DuckDBPyConnection, charter: Charter, entity: Entity) -> None:
    refs = {
        field
        for flow in charter.flows.values()
        if flow.entity == entity.name
        for field in project.refs_of(flow)
    }
    for field in sorted(refs):
        owned = entity.fields[field]
        referred = exp.select(sql.column("key")).from_(sql.table(f"touched_{owned.type.entity}"))
        query = (
            exp.select(sql.column("key"))
            .from_(sql.table(f"found_{entity.name}_{owned.owner}"))
            .where(exp.In(this=sql.column(owned.owner_field), query=referred.subquery()))
        )
        run(connection, exp.insert(query, sql.table(f"touched_{entity.name}")))


def add_keys(dirty: Mapping[str, pa.Table], more: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    """Add keys that something else marked (a retry, a webhook) to those found here."""
    joined = dict(dirty)
    for name, keys in more.items():
        joined[name] = (
            pa.concat_tables([dirty[name].cast(keys.schema), keys]) if name in dirty else keys
        )
    return joined

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
from matricula.engine.moved import are_few, find_moved, in_moved
from matricula.engine.workbench import (
    add,
    arrow,
    batches,
    give_back,
    leave_out,
    register,
    rows,
    run,
    size,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, Entity, ResourceRef
    from matricula.engine.workbench import Workbench

_VERSION, _SUM = b"duckdb", b"sum"
NOBODY = pa.table({"key": pa.array([], pa.string())})


def index_all(
    bench: Workbench, entities: Iterable[Entity]
) -> Iterator[tuple[tuple[str, ResourceRef], pa.RecordBatchReader]]:
    """Fingerprint what every owner says of some entities, record by record, under its key.

    Args:
        bench: After `line.take_in`; with its `prints`, which are used up, it is quicker.
        entities: Which.

    Yields:
        For each entity and owner `key` and `print`, with the version that made it in the
        schema's metadata. To be read before the next one is asked for.
    """
    left = [(entity, resource) for entity in entities for resource in entity.owners()]
    while left:
        entity, resource = left.pop(0)
        yield (entity.name, resource), _index(bench, entity, resource)
        if "prints" in bench.sizes:
            run(bench, sql.drop("prints"))
        if all(other != resource for _, other in left):
            survey.forget_prints(bench, resource)
        give_back()


def _index(bench: Workbench, entity: Entity, resource: ResourceRef) -> pa.RecordBatchReader:
    prints = exp.select(sql.column("key"), sql.column("print"))
    prints = prints.from_(_prints(bench, entity, resource).subquery("p"))
    prints = prints.where(sql.given(sql.column("key")))
    prints = compose.once(bench, entity, str(resource), prints)
    parts: list[exp.Query] = [prints]
    if size(bench, f"twice_{entity.name}"):
        parts.append(_claimed_twice(entity, str(resource)))
    whole = sql.union_all(parts)
    fields = ",".join(survey.fields_of(entity, resource))
    told = {
        _VERSION: f"{duckdb.__version__} key,{fields}".encode(),
        _SUM: _sum(bench, whole).encode(),
    }
    found = batches(bench, whole)
    return pa.RecordBatchReader.from_batches(
        found.schema.with_metadata(told), (b.replace_schema_metadata(told) for b in found)
    )


def _prints(bench: Workbench, entity: Entity, resource: ResourceRef) -> exp.Select:
    """Select the key and the fingerprint of every record of an owner."""
    is_sound = not size(bench, f"bad_{resource}")
    if is_sound and survey.has_prints(bench, resource):
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
    query = query.select(sql.named(sql.call("hash", *told), "print"))
    run(bench, sql.create("TABLE", "prints", query))
    return exp.select(exp.Star()).from_(sql.table("prints"))


def _sum(bench: Workbench, index: exp.Query) -> str:
    """Sum an index up, whatever its order: two of one sum and one length are the same."""
    row = sql.column("print")
    told = exp.select(
        exp.Count(this=exp.Star()), sql.call("bit_xor", row), sql.call("sum", row)
    ).from_(index.subquery("i"))
    [(length, mixed, added)] = rows(bench, told)
    return f"{length} {mixed} {added}"


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
    bench: Workbench,
    charter: Charter,
    now: Mapping[tuple[str, ResourceRef], pa.Table | ds.Dataset],
    before: Mapping[tuple[str, ResourceRef], pa.Table | ds.Dataset],
    *,
    marked: Mapping[str, pa.Table] | None = None,
) -> dict[str, pa.Table] | None:
    """Find the keys per entity that differ between two sets of indexes.

    A key is also dirty when a record it refers to is, through a `ref` that a flow reads.

    Args:
        bench: After `line.take_in` of the present snapshots.
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
        _mark(bench, name, [(now[pair], before[pair]) for pair in parts])
        _add_marked(bench, name, (marked or {}).get(name))
    for entity in charter.entities.values():
        if any(name == entity.name for name, _ in now):
            _follow_refs(bench, charter, entity)
    return {name: _touched(bench, name) for name in charter.entities}


def _touched(bench: Workbench, name: str) -> pa.Table:
    called = f"touched_{name}"
    if not size(bench, called):
        return NOBODY
    return arrow(bench, exp.select(sql.column("key")).distinct().from_(sql.table(called)))


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
    bench: Workbench,
    name: str,
    pairs: list[tuple[pa.Table | ds.Dataset, pa.Table | ds.Dataset]],
) -> None:
    leave_out(bench, f"touched_{name}")
    for now, before in pairs:
        # A source that says what it said before touches nothing.
        if _sum_of(now) and _sum_of(now) == _sum_of(before):
            continue
        register(bench, "index_now", now)
        register(bench, "index_before", before)
        few = are_few(bench, "index_now", "index_before")
        if not few:
            prints = exp.select(sql.column("print"))
            sides = (prints.from_(sql.table(f"index_{when}")) for when in ("now", "before"))
            find_moved(bench, "moved_print", *sides, by="print")
        # A key whose print changed is found on both sides. One after the other: both at once
        # would read four times.
        for here, there in (("index_now", "index_before"), ("index_before", "index_now")):
            add(bench, f"touched_{name}", _alone(here, there, few=few))
        bench.unregister("index_now")
        bench.unregister("index_before")
        give_back()


def _add_marked(bench: Workbench, name: str, keys: pa.Table | None) -> None:
    if not keys:
        return
    register(bench, "marked_now", keys)
    every = exp.select(sql.column("key")).from_(sql.table("marked_now"))
    add(bench, f"touched_{name}", every)
    bench.unregister("marked_now")


def _sum_of(index: pa.Table | ds.Dataset) -> bytes | None:
    return (index.schema.metadata or {}).get(_SUM)


def _alone(here: str, there: str, *, few: bool) -> exp.Select:
    """Select the keys whose print stands on one side and not on the other."""
    others = exp.select(sql.column("print")).from_(sql.table(there))
    query = exp.select(sql.column("key")).from_(sql.table(here))
    if not few:
        inside = in_moved(sql.column("print"), "moved_print", by="print")
        others, query = others.where(inside), query.where(inside.copy())
    return query.where(sql.absent(sql.column("print"), others))


def _follow_refs(bench: Workbench, charter: Charter, entity: Entity) -> None:
    refs = {
        name: None
        for flow in charter.flows.values()
        if flow.entity == entity.name
        for name in project.refs_of(charter, flow)
    }
    touched = f"touched_{entity.name}"
    for field in refs:
        if field in entity.refs:
            if size(bench, f"touched_{entity.refs[field].entity}"):
                add(bench, touched, _referring(bench, charter, entity, field))
            continue
        owned = entity.fields[field]
        if not size(bench, f"touched_{owned.type.entity}"):
            continue
        referred = sql.keys_in(f"touched_{owned.type.entity}")
        query = (
            exp.select(sql.column("key"))
            .from_(sql.table(f"found_{entity.name}:{owned.owner}"))
            .where(exp.In(this=sql.column(owned.owner_field), query=referred.subquery()))
            .where(sql.given(sql.column("key")))
        )
        add(bench, touched, query)


def _referring(bench: Workbench, charter: Charter, entity: Entity, name: str) -> exp.Select:
    """Select the keys whose ref, spelled from several fields, leads to a touched record."""
    reference = entity.reference(name)
    before = list(passed(reference.by, entity.refs))
    for read in {entity.name, *(entity.reference(other).entity for other in before)}:
        compose.view(bench, charter.entities[read])
    query = exp.select(sql.column("key", project.GOLDEN))
    query = query.from_(sql.table(f"whole_{entity.name}", project.GOLDEN))
    touched = sql.keys_in(f"touched_{reference.entity}")
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

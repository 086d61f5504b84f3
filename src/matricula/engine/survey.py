"""Survey: one look over a snapshot, which says where a closer look is needed.

Most snapshots are sound. Asking one by one whether a value is not of its type, a key is
blank or two records share one would read the whole of each snapshot for every question;
here they are asked together, and only what is found is looked up. Where fingerprints are
wanted, the same look takes them and leaves for resource R the table `told_R` (`key E`,
`print E`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql, values
from matricula.engine.workbench import rows, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import pyarrow as pa

    from matricula.charter.model import Charter, Entity, ResourceRef, ValueType
    from matricula.engine.workbench import Workbench


# Bytes. PostgreSQL's index takes 2,704, the name of the flow included.
LONGEST_KEY = 2_000
_ZERO = exp.Literal.number(0)


def spelling(entity: Entity, resource: ResourceRef) -> tuple[str, ...]:
    """Name the native fields of a resource that spell the entity's key."""
    if resource == entity.roster:
        return tuple(entity.fields[part].owner_field for part in entity.key)
    return entity.found_by[resource]


def compared(entity: Entity, resource: ResourceRef) -> tuple[str, ...]:
    """Name the native fields by which another owner's records are compared with the roster's."""
    return tuple(entity.matching.others.get(resource, {}).values()) if entity.matching else ()


def fields_of(entity: Entity, resource: ResourceRef) -> list[str]:
    """Name the native fields in which a resource says something of an entity."""
    return sorted({f.owner_field for f in entity.fields.values() if f.owner == resource})


def survey(
    bench: Workbench,
    charter: Charter,
    resource: ResourceRef,
    schema: pa.Schema,
    wanted: Mapping[str, ValueType],
    *,
    prints: bool,
) -> dict[str, int]:
    """Look over a snapshot.

    Args:
        bench: With `land_R`.
        charter: For the entities whose keys it spells.
        resource: R.
        schema: Of what landed.
        wanted: What the charter takes from it, by native field.
        prints: Take the fingerprints of its records as well.

    Returns:
        `bad`: how many records have a value not of its type. And, for every entity E that
        the resource says something about, `blank E` (keys that cannot be kept) and `twice E`
        (records beyond the first of their key).
    """

    def value(name: str) -> exp.Expr:
        return values.read_value(sql.column(name), schema.field(name).type, wanted[name])

    inner = [sql.named(exp.or_(exp.false(), *_doubts(schema, wanted).values()), "bad")]
    outer = [sql.named(sql.call("count_if", sql.column("bad")), "bad")]
    for entity in charter.entities.values():
        if resource not in entity.owners():
            continue
        parts = [value(name) for name in spelling(entity, resource)]
        blank, key = f"blank {entity.name}", f"key {entity.name}"
        inner += [sql.named(_is_unfit(parts), blank), sql.named(sql.key_of(parts), key)]
        if prints:
            said = [value(name) for name in fields_of(entity, resource)]
            told = sql.call("hash", sql.key_of(parts), *said)
            inner.append(sql.named(told, f"print {entity.name}"))
        outer += [
            sql.named(sql.call("count_if", sql.column(blank)), blank),
            sql.named(_doubles(sql.column(key)), f"twice {entity.name}"),
        ]
    looked: exp.Query = exp.select(*inner).from_(sql.table(f"land_{resource}"))
    if prints:
        run(bench, sql.create("TABLE", f"told_{resource}", looked))
        looked = exp.select(exp.Star()).from_(sql.table(f"told_{resource}"))
    [counts] = rows(bench, exp.select(*outer).from_(looked.subquery("l")))
    return {one.alias: int(str(count or 0)) for one, count in zip(outer, counts, strict=True)}


def _doubles(key: exp.Expr) -> exp.Expr:
    """Count the records beyond the first of each key."""
    # Hashes are quicker to count; two keys of one hash only cause a closer look.
    alike = sql.case([(sql.given(key), sql.call("hash", key))])
    distinct = exp.Count(this=exp.Distinct(expressions=[alike]))
    return exp.Sub(this=exp.Count(this=key.copy()), expression=distinct)


def _is_unfit(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Say that a key cannot be kept: blank, too long for an index, or holding a NUL."""
    key = sql.key_of(parts)
    long = exp.GT(this=sql.call("strlen", key), expression=exp.Literal.number(LONGEST_KEY))
    return exp.or_(is_blank(parts), long, sql.call("contains", key, sql.call("chr", _ZERO)))


def is_blank(parts: Sequence[exp.Expr]) -> exp.Expr:
    """Say that a part of a key is missing or empty: `12345||2013J` would look like a key."""
    return exp.or_(
        *[
            exp.or_(sql.missing(part), sql.same(sql.cast(part, "VARCHAR"), sql.text("")))
            for part in parts
        ]
    )


def _doubts(schema: pa.Schema, wanted: Mapping[str, ValueType]) -> dict[str, exp.Expr]:
    return {
        name: values.is_bad(sql.column(name), schema.field(name).type, kind)
        for name, kind in wanted.items()
        if values.can_be_bad(schema.field(name).type, kind)
    }


def has_prints(bench: Workbench, resource: ResourceRef) -> bool:
    """Say whether the fingerprints of a resource were taken and still hold."""
    return f"told_{resource}" in bench.sizes


def forget_prints(bench: Workbench, resource: ResourceRef) -> None:
    """Drop the fingerprints of a resource, where there are any."""
    if has_prints(bench, resource):
        run(bench, sql.drop(f"told_{resource}"))


def set_bad_aside(
    bench: Workbench,
    resource: ResourceRef,
    schema: pa.Schema,
    wanted: Mapping[str, ValueType],
) -> None:
    """Leave `bad_R` (`_id`, `field`): which values are not of their type, where any is."""
    told = [
        sql.case([(is_bad, sql.text(name))]) for name, is_bad in _doubts(schema, wanted).items()
    ]
    # One scan for all fields; a list of names is unfolded to one row for each.
    fields = exp.cast(exp.array(*told), "VARCHAR[]")
    any_bad = exp.or_(exp.false(), *[sql.given(one) for one in told])
    unfolded = (
        exp.select(sql.column("_id"), sql.named(sql.call("unnest", fields), "field"))
        .from_(sql.table(f"land_{resource}"))
        .where(any_bad)
    )
    query = exp.select(exp.Star()).from_(unfolded.subquery("told"))
    query = query.where(sql.given(sql.column("field")))
    run(bench, sql.create("TABLE", f"bad_{resource}", query))

"""Resolve: turn every system's own identifiers into the entity's key.

Leaves for entity E and owning resource R the view `found_E:R` (`key`, `_id`, owner fields
under their native names). The roster spells its own key; every other resource is found by
the fields the charter names, or by a decision in the crosswalk, which goes first. Only
equal identifiers link. Two records for one key are nobody's until a person decides:
`twice_E` (`key`, `resource`) holds such keys, and flows leave them alone; where there are
none it is noted only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from matricula.engine import sql, survey
from matricula.engine.read import Fault, wanted_fields
from matricula.engine.workbench import arrow, leave_out, register, rows, run, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.charter.model import Charter, Entity, ResourceRef
    from matricula.engine.workbench import Workbench


_NO_CLAIMS = pa.table(
    {name: pa.array([], pa.string()) for name in ("key", "resource", "external_id")}
)


def resolve(
    bench: Workbench,
    charter: Charter,
    entity: Entity,
    *,
    counted: Mapping[ResourceRef, Mapping[str, int]],
    crosswalk: Mapping[ResourceRef, pa.Table] | None = None,
) -> tuple[Fault, ...]:
    """Find the key of every record that says something about an entity.

    Args:
        bench: After `read.load` of all its owners.
        charter: For the fields wanted.
        entity: Which.
        counted: What the survey of each owner found.
        crosswalk: Per resource, decisions of stewards (`external_id`, `key`); a key of null
            says that the record is nobody's.

    Returns:
        Faults of the roster (it must not be trusted) and, for the others, match cases.
    """
    faults: list[Fault] = []
    twice: list[exp.Query] = []
    for resource in entity.owners():
        # What the roster calls a record is its key; nobody decides otherwise.
        decided = (crosswalk or {}).get(resource) if resource != entity.roster else None
        _find(bench, charter, entity, resource, decided=decided)
        if resource == entity.roster:
            faults += _roster_faults(bench, entity, counted[resource])
            continue
        # A decision gives a record another key than it spells, so the survey knows nothing.
        if decided is None and not counted[resource][f"twice {entity.name}"]:
            continue
        doubled = _doubled(entity, resource)
        keys = [str(row[0]) for row in rows(bench, doubled.order_by("1"))]
        if keys:
            faults.append(_match_case(resource, keys))
            one = exp.select(
                sql.column("key"), sql.named(sql.text(str(resource)), "resource")
            ).from_(doubled.subquery("d"))
            twice.append(one)
    leave_out(bench, f"twice_{entity.name}")
    if twice:
        run(bench, sql.create("TABLE", f"twice_{entity.name}", sql.union_all(twice)))
    return tuple(faults)


def _find(
    bench: Workbench,
    charter: Charter,
    entity: Entity,
    resource: ResourceRef,
    *,
    decided: pa.Table | None,
) -> None:
    key = sql.key_of([sql.column(part, "r") for part in survey.spelling(entity, resource)])
    read = sql.table(f"read_{resource}", "r")
    if decided is not None:
        # Taken under the keys that the records spell, which is not what they are decided to be.
        survey.forget_prints(bench, resource)
        register(bench, f"decided_{entity.name}:{resource}", decided)
        decision = sql.given(sql.column("external_id", "x"))
        key = sql.case([(decision, sql.column("key", "x"))], key)
    columns = [sql.column(name, "r") for name in wanted_fields(charter, resource)]
    query = exp.select(sql.named(key, "key"), sql.column("_id", "r"), *columns).from_(read)
    if decided is not None:
        query = query.join(
            sql.table(f"decided_{entity.name}:{resource}", "x"),
            on=sql.same(sql.column("external_id", "x"), sql.column("_id", "r")),
            join_type="left",
        )
    run(bench, sql.create("VIEW", f"found_{entity.name}:{resource}", query))


def claims(bench: Workbench, entity: Entity) -> pa.Table:
    """List the records behind every key that two of one system claim; after `resolve`.

    Returns:
        `key`, `resource`, `external_id`, sorted.
    """
    if not size(bench, f"twice_{entity.name}"):
        return _NO_CLAIMS
    parts: list[exp.Query] = []
    for resource in entity.owners():
        if resource == entity.roster:
            continue
        named = sql.named(sql.text(str(resource)), "resource")
        doubled = sql.keys_in(f"twice_{entity.name}")
        doubled = doubled.where(sql.same(sql.column("resource"), sql.text(str(resource))))
        part = exp.select(sql.column("key"), named, sql.named(sql.column("_id"), "external_id"))
        part = part.from_(sql.table(f"found_{entity.name}:{resource}"))
        parts.append(part.where(exp.In(this=sql.column("key"), query=doubled.subquery())))
    return arrow(bench, sql.union_all(parts).order_by("1", "2", "3"))


def _doubled(entity: Entity, resource: ResourceRef) -> exp.Select:
    return (
        exp.select(sql.column("key"))
        .from_(sql.table(f"found_{entity.name}:{resource}"))
        .where(sql.given(sql.column("key")))
        .group_by(sql.column("key"))
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )


def _roster_faults(bench: Workbench, entity: Entity, counted: Mapping[str, int]) -> list[Fault]:
    resource = str(entity.roster)
    faults: list[Fault] = []
    if blanks := counted[f"blank {entity.name}"]:
        faults.append(
            Fault(
                resource,
                "M405",
                f"{blanks} record(s) of {resource} have no {', '.join(entity.key)} that can be "
                f"kept: it is empty, longer than {survey.LONGEST_KEY} bytes, or holds a NUL.",
                "Correct the key at the source; nothing was changed anywhere.",
            )
        )
    if not counted[f"twice {entity.name}"]:
        return faults
    doubled = _doubled(entity, entity.roster).order_by("1")
    keys = [str(row[0]) for row in rows(bench, doubled)]
    if keys:
        faults.append(
            Fault(
                resource,
                "M404",
                f"{len(keys)} key(s) stand on more than one record of {resource}, "
                f"first {keys[0]}.",
                "Correct the source so that each key stands on one record; "
                "nothing was changed anywhere.",
                tuple(keys[:1000]),
            )
        )
    return faults


def _match_case(resource: ResourceRef, keys: Sequence[str]) -> Fault:
    return Fault(
        str(resource),
        "M412",
        f"{len(keys)} key(s) stand on more than one record of {resource}, first {keys[0]}.",
        "Correct or merge the records there, or say with `matricula matches different N` which is "
        "not theirs; until then these keys are left as they are.",
        tuple(keys[:1000]),
    )

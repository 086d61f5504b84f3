"""Read: take in what arrived, count it, refuse what cannot be trusted.

Reads a snapshot (Arrow: `_id`, optionally `_suspended`, native columns) and leaves for
every resource R the view `read_R` (`_id`, `_suspended`, the charter's owner fields under
their native names in the engine's types) and the table `bad_R` (`_id`, `field`): values
that are not of their type. Nothing is repaired.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql, values
from matricula.engine.workbench import number, rows, run

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa
    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, ResourceRef, ValueType


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a resource held at one moment.

    Attributes:
        resource: Which.
        rows: As a pyarrow dataset or table; it is scanned more than once.
        declared_rows: A control total the source stated itself.
    """

    resource: ResourceRef
    rows: ds.Dataset | pa.Table
    declared_rows: int | None = None


@dataclass(frozen=True, slots=True)
class Fault:
    """Why a snapshot must not be believed, or what in it is set aside."""

    resource: str
    code: str
    message: str
    cure: str
    keys: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a snapshot is to be trusted.

    Attributes:
        resource: Which.
        rows: How many records.
        faults: Each alone is reason enough not to trust it.
        findings: What is set aside although the rest is trusted.
    """

    resource: str
    rows: int
    faults: tuple[Fault, ...] = ()
    findings: tuple[Fault, ...] = field(default=())

    @property
    def is_trusted(self) -> bool:
        """Whether the flows that read it may run."""
        return not self.faults


def wanted_fields(charter: Charter, resource: ResourceRef) -> dict[str, ValueType]:
    """List what the charter takes from a resource: native field to type, keys included."""
    wanted: dict[str, ValueType] = {}
    for entity in charter.entities.values():
        for owned in entity.fields.values():
            if owned.owner == resource:
                wanted[owned.owner_field] = owned.type
        for native, part in zip(entity.found_by.get(resource, ()), entity.key, strict=False):
            wanted.setdefault(native, entity.fields[part].type)
    return wanted


def load(connection: duckdb.DuckDBPyConnection, charter: Charter, snapshot: Snapshot) -> Verdict:
    """Take a snapshot in and judge it by itself; `damage` judges it by its predecessor.

    Leaves `read_<resource>` and `bad_<resource>`, unless a field is missing.
    """
    resource = str(snapshot.resource)
    landed = f"land_{resource}"
    connection.register(landed, snapshot.rows)
    schema = snapshot.rows.schema
    wanted = wanted_fields(charter, snapshot.resource)
    rows = number(connection, exp.select(exp.Count(this=exp.Star())).from_(sql.table(landed)))
    absent = sorted(set(wanted) - set(schema.names))
    if absent:
        return Verdict(resource, rows, (_absent(resource, absent),))
    columns = [
        sql.named(values.read_value(sql.column(name), schema.field(name).type, kind), name)
        for name, kind in wanted.items()
    ]
    suspended = sql.column("_suspended") if "_suspended" in schema.names else exp.false()
    query = exp.select(sql.column("_id"), sql.named(suspended, "_suspended"), *columns)
    run(connection, sql.create("VIEW", f"read_{resource}", query.from_(sql.table(landed))))
    findings = _set_bad_aside(connection, resource, schema, wanted)
    return Verdict(resource, rows, _count_faults(snapshot, rows), findings)


def _absent(resource: str, absent: list[str]) -> Fault:
    return Fault(
        resource,
        "M403",
        f"{resource} has no field {', '.join(absent)}, which the charter names.",
        "Put the field back in the source, or change its owner in the charter.",
    )


def _count_faults(snapshot: Snapshot, rows: int) -> tuple[Fault, ...]:
    resource = str(snapshot.resource)
    faults: list[Fault] = []
    if rows == 0:
        faults.append(
            Fault(
                resource,
                "M401",
                f"{resource} holds no record at all.",
                "Have the source deliver its records again; nothing was changed anywhere.",
            )
        )
    if snapshot.declared_rows is not None and snapshot.declared_rows != rows:
        faults.append(
            Fault(
                resource,
                "M402",
                f"{resource} declares {snapshot.declared_rows} records and {rows} arrived.",
                "Have the source delivered again, whole; nothing was changed anywhere.",
            )
        )
    return tuple(faults)


def _set_bad_aside(
    connection: duckdb.DuckDBPyConnection,
    resource: str,
    schema: pa.Schema,
    wanted: dict[str, ValueType],
) -> tuple[Fault, ...]:
    doubtful = {
        name: kind
        for name, kind in wanted.items()
        if values.can_be_bad(schema.field(name).type, kind)
    }
    nothing = exp.select(sql.named(sql.text(""), "_id"), sql.named(sql.text(""), "field")).where(
        exp.false()
    )
    query: exp.Query = nothing
    for name, kind in doubtful.items():
        bad = values.is_bad(sql.column(name), schema.field(name).type, kind)
        one = exp.select(sql.column("_id"), sql.named(sql.text(name), "field"))
        query = exp.union(
            query, one.from_(sql.table(f"land_{resource}")).where(bad), distinct=False
        )
    run(connection, sql.create("TABLE", f"bad_{resource}", query))
    return tuple(
        _bad_finding(connection, resource, name, kind)
        for name, kind in doubtful.items()
        if _bad_ids(connection, resource, name, limit=1)
    )


def _bad_ids(
    connection: duckdb.DuckDBPyConnection, resource: str, name: str, *, limit: int
) -> list[str]:
    query = (
        exp.select(sql.column("_id"))
        .from_(sql.table(f"bad_{resource}"))
        .where(sql.same(sql.column("field"), sql.text(name)))
        .order_by(sql.column("_id"))
        .limit(limit)
    )
    return [str(row[0]) for row in rows(connection, query)]


def _bad_finding(
    connection: duckdb.DuckDBPyConnection, resource: str, name: str, kind: ValueType
) -> Fault:
    ids = _bad_ids(connection, resource, name, limit=1000)
    what = f"one of {', '.join(kind.values)}" if kind.kind == "enum" else f"of type {kind.kind}"
    return Fault(
        f"{resource}.{name}",
        "M410",
        f"{resource}.{name} is not {what} in {len(ids)} record(s), first {ids[0]}.",
        "Correct the value at its owner; until then these records are set aside.",
        tuple(ids),
    )

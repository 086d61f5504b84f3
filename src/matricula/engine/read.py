"""Read: take in what arrived, count it, refuse what cannot be trusted.

Reads a snapshot (Arrow: `_id`, optionally `_suspended`, native columns) and leaves for
every resource R the view `read_R` (`_id`, `_suspended`, the charter's owner fields under
their native names in the engine's types) and the table `bad_R` (`_id`, `field`): values
that are not of their type, noted only where there are none. Nothing is repaired.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from matricula.charter.model import ValueType
from matricula.engine import sql, survey, values
from matricula.engine.workbench import leave_out, register, rows, run

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow.dataset as ds

    from matricula.charter.model import Charter, ResourceRef
    from matricula.engine.workbench import Workbench


_AS_IT_STANDS = ValueType("text")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What a resource held at one moment.

    Attributes:
        resource: Which.
        rows: As a pyarrow dataset or table; it is scanned more than once.
        declared_rows: A control total the source stated itself.
        may_be_empty: Whether no record at all is normal there, and no fault.
    """

    resource: ResourceRef
    rows: ds.Dataset | pa.Table
    declared_rows: int | None = None
    may_be_empty: bool = False

    @property
    def count(self) -> int:
        """How many records; never by a scan, for the parts of the data know it already."""
        return self.rows.num_rows if isinstance(self.rows, pa.Table) else self.rows.count_rows()


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
        counted: What the survey found; empty where a field is missing.
    """

    resource: str
    rows: int
    faults: tuple[Fault, ...] = ()
    findings: tuple[Fault, ...] = field(default=())
    counted: Mapping[str, int] = field(default_factory=dict)

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
        for native in survey.compared(entity, resource):
            # As it stands: what is odd in it is no reason to set a record aside.
            wanted.setdefault(native, _AS_IT_STANDS)
    return wanted


def load(
    bench: Workbench,
    charter: Charter,
    snapshot: Snapshot,
    *,
    prints: bool = False,
) -> Verdict:
    """Take a snapshot in and judge it by itself; `damage` judges it by its predecessor.

    Leaves `read_R` and `bad_R` of resource R, unless a field is missing; `told_R` as well
    where `prints`, fingerprints of what it says, are wanted.
    """
    resource = str(snapshot.resource)
    landed = f"land_{resource}"
    register(bench, landed, snapshot.rows)
    schema = snapshot.rows.schema
    wanted = wanted_fields(charter, snapshot.resource)
    rows = snapshot.count
    unclear = _absent(resource, schema, wanted) + _twins(resource, schema, wanted)
    if unclear:
        return Verdict(resource, rows, unclear)
    columns = [
        sql.named(values.read_value(sql.column(name), schema.field(name).type, kind), name)
        for name, kind in wanted.items()
    ]
    suspended = sql.column("_suspended") if "_suspended" in schema.names else exp.false()
    query = exp.select(sql.column("_id"), sql.named(suspended, "_suspended"), *columns)
    run(bench, sql.create("VIEW", f"read_{resource}", query.from_(sql.table(landed))))
    counted = survey.survey(bench, charter, snapshot.resource, schema, wanted, prints=prints)
    findings: tuple[Fault, ...] = ()
    leave_out(bench, f"bad_{resource}")
    if counted["bad"]:
        survey.set_bad_aside(bench, snapshot.resource, schema, wanted)
        findings = _bad_findings(bench, resource, wanted)
    return Verdict(resource, rows, _count_faults(snapshot, rows), findings, counted)


def _absent(
    resource: str, schema: pa.Schema, wanted: Mapping[str, ValueType]
) -> tuple[Fault, ...]:
    absent = sorted(set(wanted) - set(schema.names))
    if not absent:
        return ()
    return (
        Fault(
            resource,
            "M403",
            f"{resource} has no field {', '.join(absent)}, which the charter names.",
            "Put the field back in the source, or change its owner in the charter; "
            "nothing was changed anywhere.",
        ),
    )


def _twins(resource: str, schema: pa.Schema, wanted: Mapping[str, ValueType]) -> tuple[Fault, ...]:
    """Refuse names that SQL cannot tell apart; the wrong one would be read silently."""
    spelled = Counter(name.lower() for name in schema.names)
    twins = sorted(name for name in wanted if spelled[name.lower()] > 1)
    if not twins:
        return ()
    return (
        Fault(
            resource,
            "M406",
            f"{resource} has more than one field called {', '.join(twins)}, capitals aside.",
            "Rename one of them in the source; nothing was changed anywhere.",
        ),
    )


def _count_faults(snapshot: Snapshot, rows: int) -> tuple[Fault, ...]:
    resource = str(snapshot.resource)
    faults: list[Fault] = []
    if rows == 0 and not snapshot.may_be_empty:
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


def _bad_findings(
    bench: Workbench, resource: str, wanted: Mapping[str, ValueType]
) -> tuple[Fault, ...]:
    counted = (
        exp.select(sql.column("field"), exp.Count(this=exp.Star()))
        .from_(sql.table(f"bad_{resource}"))
        .group_by(sql.column("field"))
        .order_by(sql.column("field"))
    )
    return tuple(
        _bad_finding(bench, resource, str(name), kind=wanted[str(name)], count=count)
        for name, count in rows(bench, counted)
    )


def _bad_finding(
    bench: Workbench,
    resource: str,
    name: str,
    *,
    kind: ValueType,
    count: object,
) -> Fault:
    place = f"{resource}.{name}"
    query = (
        exp.select(sql.column("_id"))
        .from_(sql.table(f"bad_{resource}"))
        .where(sql.same(sql.column("field"), sql.text(name)))
        .order_by(sql.column("_id"))
        .limit(1000)
    )
    ids = [str(row[0]) for row in rows(bench, query)]
    what = f"one of {', '.join(kind.values)}" if kind.kind == "enum" else f"of type {kind.kind}"
    return Fault(
        place,
        "M410",
        f"{place} is not {what} in {count} record(s), first {ids[0]}.",
        "Correct the value at its owner; until then these records are set aside.",
        tuple(ids),
    )

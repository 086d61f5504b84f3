"""SCIM records as Arrow tables, and a resource's shape as the kit describes shapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.connectors.kit.odd import read_as_absent
from matricula.connectors.kit.protocol import FieldShape, ResourceShape
from matricula.connectors.scim import mapping, memberships

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.kit.protocol import Value, WriteKind
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.kit.scim.values import Misfit
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.service import Kind
    from matricula.kernel.findings import Finding

MEMBERSHIPS = "memberships"
MEMBERSHIP_SCHEMA = pa.schema(
    [("_id", pa.string()), ("group", pa.string()), ("user", pa.string())]
)
_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "instant": pa.timestamp("us", tz="UTC"),
}
_AS_DESCRIBED = ", as the server's own schema says it must be"


def shape_of(kind: Kind) -> ResourceShape:
    """Describe one kind of record."""
    writes: set[WriteKind] = {"create", "update", "delete"}
    if kind.suspends:
        writes |= {"suspend", "resume"}
    return ResourceShape(
        kind.name, tuple(map(_field, kind.fields.values())), writes=frozenset(writes)
    )


def membership_shape() -> ResourceShape:
    """Describe who is in which group."""
    fields = tuple(FieldShape(name, required=True) for name in memberships.FIELDS)
    return ResourceShape(MEMBERSHIPS, fields, writes=frozenset({"create", "delete"}))


def _field(one: Attribute) -> FieldShape:
    return FieldShape(one.name, one.type, writable=one.writable, required=one.required)


def schema_of(kind: Kind) -> pa.Schema:
    """Name the columns of a kind of record: its fields, `_id`, and `_suspended` if it can be."""
    columns: list[pa.Field[pa.DataType]] = [pa.field("_id", pa.string())]
    if kind.suspends:
        columns.append(pa.field("_suspended", pa.bool_(), metadata={"said_by": "active"}))
    columns += [pa.field(f.name, _ARROW.get(f.type, pa.string())) for f in kind.fields.values()]
    return pa.schema(columns)


def row_of(kind: Kind, record: Record) -> tuple[dict[str, Value], list[Misfit]]:
    """Read a record as a flat row with `_id` and `_suspended`."""
    row, misfits = mapping.flatten(record, kind.fields.values())
    row["_id"] = str(record["id"])
    if kind.suspends:
        # RFC 7643 4.1.1 leaves open what a missing `active` means; servers mean active.
        row["_suspended"] = row.get("active") is False
    return row, misfits


def batch_of(
    kind: Kind, schema: pa.Schema, page: Sequence[Record], findings: list[Finding]
) -> pa.RecordBatch:
    """Turn a page of records into a batch; what cannot be read is null and becomes a finding.

    Args:
        kind: What the records are.
        schema: Of `schema_of(kind)`.
        page: Records as the server wrote them.
        findings: Added to.
    """
    rows = []
    for record in page:
        row, misfits = row_of(kind, record)
        rows.append(row)
        for misfit in misfits:
            place = f"{kind.name}, record {row['_id']}, field {misfit.field}"
            read_as_absent(findings, place, f"{misfit.why}{_AS_DESCRIBED}", office="its office")
    typed = [{name: _typed(schema, name, row.get(name)) for name in schema.names} for row in rows]
    return pa.RecordBatch.from_pylist(typed, schema=schema)


def membership_batch(groups: Sequence[Record]) -> pa.RecordBatch:
    """Turn a page of groups into the memberships it holds."""
    rows = [row for group in groups for row in memberships.rows_of(group)]
    return pa.RecordBatch.from_pylist(rows, schema=MEMBERSHIP_SCHEMA)


def _typed(schema: pa.Schema, name: str, value: Value) -> Value | datetime:
    if value is not None and pa.types.is_timestamp(schema.field(name).type):
        return datetime.fromisoformat(str(value))
    return value

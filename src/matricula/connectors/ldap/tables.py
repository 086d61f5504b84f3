"""Entries as Arrow tables, and a resource's shape as the kit describes shapes."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.odd import read_as_absent
from matricula.connectors.kit.protocol import FieldShape, ResourceShape
from matricula.connectors.ldap import mapping, memberships
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.kit.protocol import Value, WriteKind
    from matricula.connectors.ldap.messages import Entry
    from matricula.connectors.ldap.permissions import Rights
    from matricula.connectors.ldap.resources import Field, Resource

MEMBERSHIP_SCHEMA = pa.schema([(name, pa.string()) for name in ("_id", *memberships.FIELDS)])
_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "integer": pa.int64(),
    "instant": pa.timestamp("us", tz="UTC"),
}
_AS_DESCRIBED = ", as the directory's own schema says it must be"


def shape_of(resource: Resource, rights: Rights, *, read_only: bool) -> ResourceShape:
    """Describe a resource: what it has, and what our account may do with it."""
    fields = tuple(
        _field(one, writable=not read_only and one.name not in rights.closed_fields)
        for one in resource.fields.values()
    )
    writes = frozenset() if read_only else resource.writes - rights.closed_verbs
    return ResourceShape(resource.name, fields, writes=writes)


def membership_shape(name: str, rights: Rights, *, read_only: bool) -> ResourceShape:
    """Describe who is in which group."""
    may = not read_only and not rights.closed_members
    fields = tuple(FieldShape(one, required=True, writable=may) for one in memberships.FIELDS)
    writes: frozenset[WriteKind] = frozenset({"create", "delete"}) if may else frozenset()
    return ResourceShape(name, fields, writes=writes)


def _field(one: Field, *, writable: bool) -> FieldShape:
    kind = "json" if one.is_list else one.attribute.type or "text"
    may = writable and not one.attribute.fixed
    return FieldShape(one.name, kind, writable=may, required=one.required)


def schema_of(resource: Resource) -> pa.Schema:
    """Name the columns of a resource: its fields, `_id`, and `_suspended` if it can be."""
    columns: list[pa.Field[pa.DataType]] = [pa.field("_id", pa.string())]
    if resource.place.suspend:
        columns.append(pa.field("_suspended", pa.bool_()))
    return pa.schema([*columns, *(pa.field(f.name, _type(f)) for f in resource.fields.values())])


def _type(one: Field) -> pa.DataType:
    return pa.string() if one.is_list else _ARROW.get(one.attribute.type or "", pa.string())


def batch_of(
    resource: Resource, schema: pa.Schema, entries: Sequence[Entry], findings: list[Finding]
) -> pa.RecordBatch:
    """Turn entries into a batch; what cannot be read is null and becomes a finding.

    Args:
        resource: What the entries are.
        schema: Of `schema_of(resource)`.
        entries: A page of them.
        findings: Added to.

    Raises:
        Untrusted: The directory shows an entry without its identifier (M441).
    """
    columns: dict[str, list[Value | datetime]] = {}
    for place, entry in enumerate(entries):
        row, misfits = mapping.row_of(resource, entry)
        if not row["_id"]:
            raise Untrusted(
                f"The directory shows no {resource.layout.id_attribute} for an entry of "
                f"{resource.name}.",
                code="M441",
                cure="Have us granted to read it, and `layout:` say what the directory is.",
            )
        for name, why in misfits:
            odd = f"{resource.name}, record {row['_id']}, field {name}"
            read_as_absent(findings, odd, f"{why}{_AS_DESCRIBED}", office="the directory's office")
        for name, value in row.items():
            column = columns.get(name)
            if column is None:
                column = columns[name] = [None] * len(entries)
            column[place] = value
    return pa.RecordBatch.from_arrays(
        [_array(columns.get(field.name), field.type, len(entries)) for field in schema],
        schema=schema,
    )


def _array(
    values: list[Value | datetime] | None, kind: pa.DataType, size: int
) -> pa.Array[pa.Scalar[pa.DataType]]:
    if values is None:
        return pa.array([None] * size, kind)
    if pa.types.is_timestamp(kind):
        values = [datetime.fromisoformat(str(one)) if one is not None else None for one in values]
    elif pa.types.is_string(kind):
        return pa.array(values, kind)
    # Several values where one is usual read as a list in JSON, which a number has no place for.
    fitting = [None if isinstance(one, str) else one for one in values]
    return pa.array(fitting, kind)


def membership_batch(rows: Sequence[dict[str, str]]) -> pa.RecordBatch:
    """Turn memberships into a batch."""
    return pa.RecordBatch.from_pylist(list(rows), schema=MEMBERSHIP_SCHEMA)


def elsewhere(base: str, count: int) -> Finding:
    """Tell of parts of a branch that lie in other directories, which nobody followed."""
    return Finding(
        place=base,
        code="M744",
        message=f"{count} parts of the branch lie in other directories and were not read.",
        cure="Connect the other directory as a system of its own, or choose a branch without "
        "referrals.",
        severity="warning",
    )

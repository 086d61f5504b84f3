"""Rows as Arrow tables, and a resource's shape as the kit describes shapes."""

from __future__ import annotations

from datetime import date, datetime
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.connectors.kit.protocol import FieldShape, ResourceShape

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.moodle.fields import Column, Table
    from matricula.connectors.moodle.mapping import Row
    from matricula.connectors.moodle.service import Service

_ARROW: dict[str, pa.DataType] = {
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": pa.timestamp("us", tz="UTC"),
}


def shape_of(table: Table, service: Service) -> ResourceShape:
    """Describe a resource as the token's service lets us have it."""
    return ResourceShape(
        table.name,
        tuple(map(_field, table.columns.values())),
        readable=service.reads(table.name),
        writes=service.writes(table.name),
    )


def _field(column: Column) -> FieldShape:
    return FieldShape(
        column.name,
        column.type,
        writable=column.is_writable,
        required=column.is_required,
        max_length=column.most,
    )


def schema_of(table: Table) -> pa.Schema:
    """Name the columns of a resource: its fields, `_id`, and `_suspended` if it can be."""
    columns: list[pa.Field[pa.DataType]] = [pa.field("_id", pa.string())]
    if table.suspends:
        columns.append(pa.field("_suspended", pa.bool_(), metadata={"said_by": table.said_by}))
    columns += [
        pa.field(one.name, _ARROW.get(one.type, pa.string())) for one in table.columns.values()
    ]
    return pa.schema(columns)


def batch_of(schema: pa.Schema, rows: Sequence[Row]) -> pa.RecordBatch:
    """Turn rows into a batch."""
    columns = [
        pa.array(_typed(one.type, [row.get(one.name) for row in rows]), one.type) for one in schema
    ]
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _typed(kind: pa.DataType, values: list[Value]) -> Sequence[Value | date]:
    if pa.types.is_timestamp(kind):
        return [one and datetime.fromisoformat(str(one)) for one in values]
    if pa.types.is_date(kind):
        return [one and date.fromisoformat(str(one)) for one in values]
    return values

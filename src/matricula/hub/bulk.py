"""Rows in and out of the database in sets, on SQLite and on PostgreSQL.

Everything runs on Django's own connection and so inside the caller's transaction. The
hub reads its embedded database with the library that writes it: two SQLite libraries in
one process drop each other's file locks (decision 0013).
"""

from __future__ import annotations

import json
from datetime import datetime
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import connection

from matricula.audit.sets import copy, quoted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What a database takes as a value.
Cell = str | int | float | bool | datetime | list[str] | None
Row = tuple[Cell, ...]
_CHUNK = 50_000


def parts(rows: Sequence[Any], *, of: int) -> Iterator[Sequence[Any]]:
    """Give rows in parts of at most so many: databases take no more parameters at once."""
    for start in range(0, len(rows), of):
        yield rows[start : start + of]


def merge(
    table: str,
    columns: Sequence[str],
    identity: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Insert rows, or overwrite those whose identity is already there.

    Args:
        table: With a unique constraint over `identity`.
        columns: Of each row, `identity` among them.
        identity: What makes two rows the same.
        rows: No two of one identity.
    """
    if not rows:
        return
    kept = [name for name in columns if name not in identity]
    setting = ", ".join(f"{quoted([n])} = excluded.{quoted([n])}" for n in kept)
    conflict = f"ON CONFLICT ({quoted(identity)}) DO UPDATE SET {setting}"
    target, names = quoted([table]), quoted(columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            staged = _stage(table, columns, rows)
            cursor.execute(
                f"INSERT INTO {target} ({names}) SELECT {names} FROM {staged} {conflict}"  # noqa: S608 - quoted names
            )
            return
        marks = ", ".join(["%s"] * len(columns))
        cursor.executemany(
            f"INSERT INTO {target} ({names}) VALUES ({marks}) {conflict}",  # noqa: S608 - quoted names
            rows,
        )


def amend(
    table: str,
    columns: Sequence[str],
    identity: Sequence[str],
    rows: Sequence[Row],
) -> None:
    """Overwrite columns of rows that are there; rows that are not are left out."""
    if not rows:
        return
    kept = [name for name in columns if name not in identity]
    target = quoted([table])
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            staged = _stage(table, columns, rows)
            setting = ", ".join(f"{quoted([n])} = s.{quoted([n])}" for n in kept)
            same = " AND ".join(f"{target}.{quoted([n])} = s.{quoted([n])}" for n in identity)
            cursor.execute(f"UPDATE {target} SET {setting} FROM {staged} AS s WHERE {same}")  # noqa: S608 - quoted names
            return
        setting = ", ".join(f"{quoted([n])} = %s" for n in kept)
        same = " AND ".join(f"{quoted([n])} = %s" for n in identity)
        in_order = itemgetter(*[columns.index(name) for name in (*kept, *identity)])
        cursor.executemany(
            f"UPDATE {target} SET {setting} WHERE {same}",  # noqa: S608 - quoted names
            [in_order(row) for row in rows],
        )


def _stage(table: str, columns: Sequence[str], rows: Sequence[Row]) -> str:
    """Put rows beside their table; made once for a connection, empty when a transaction begins."""
    name = f"staged_{table}"
    staged = quoted([name])
    with connection.cursor() as cursor:
        cursor.execute(
            f"CREATE TEMPORARY TABLE IF NOT EXISTS {staged} ON COMMIT DELETE ROWS AS "  # noqa: S608 - quoted names
            f"SELECT * FROM {quoted([table])} WITH NO DATA"
        )
        cursor.execute(f"DELETE FROM {staged}")  # noqa: S608 - quoted names
    copy(name, columns, rows)
    return staged


def any_of(column: str, values: Sequence[str]) -> tuple[str, list[Cell]]:
    """Say, in SQL with its parameter, that a column is one of any number of texts."""
    if connection.vendor == "postgresql":
        return f"{quoted([column])} = ANY(%s)", [list(values)]
    chosen = f"{quoted([column])} IN (SELECT value FROM json_each(%s))"  # noqa: S608 - quoted names
    return chosen, [json.dumps(list(values))]


def moment(at: datetime | None) -> Cell:
    """Write an instant as the database keeps it."""
    cell: Cell = connection.ops.adapt_datetimefield_value(at)
    return cell


def read(query: str, parameters: Sequence[Cell], schema: pa.Schema) -> pa.Table:
    """Fetch a query's rows as Arrow, in chunks.

    Fetched here and now, not when somebody scans them: a database connection belongs to
    the thread that opened it, and DuckDB scans from threads of its own.
    """
    batches = []
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        while rows := cursor.fetchmany(_CHUNK):
            columns = list(zip(*rows, strict=True))
            arrays = [_array(c, f.type) for c, f in zip(columns, schema, strict=True)]
            batches.append(pa.record_batch(arrays, schema=schema))
    return pa.Table.from_batches(batches, schema)


def _array(values: Row, kind: pa.DataType) -> pa.Array[pa.Scalar[pa.DataType]]:
    # SQLite has no truth values, only 0 and 1.
    if pa.types.is_boolean(kind):
        return pa.array([None if v is None else bool(v) for v in values], kind)
    return pa.array(values, kind)

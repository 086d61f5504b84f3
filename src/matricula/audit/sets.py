"""Rows into the database in sets, on SQLite and on PostgreSQL, on Django's own connection.

The one way in for many rows at once: of the audit, which stands below every other room with
a database, and of all who stand on it. Everything joins the caller's transaction.
"""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import pyarrow as pa

# So many rows become Python values at once.
_CHUNK = 20_000
_TRIES = 10


def quoted(names: Iterable[str]) -> str:
    """Write names the way the database wants them, with commas between."""
    return ", ".join(connection.ops.quote_name(name) for name in names)


def insert(table: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """Insert rows; none of them may be there yet.

    Args:
        table: Its name.
        columns: Of each row, in order.
        rows: Values as the database takes them.
    """
    if not rows:
        return
    if connection.vendor == "postgresql":
        copy(table, columns, rows)
        return
    with connection.cursor() as cursor:
        cursor.executemany(_insertion(table, columns), rows)


def copy(table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """Copy rows into a table; PostgreSQL alone."""
    statement = f"COPY {quoted([table])} ({quoted(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as stream:
        for row in rows:
            stream.write_row(row)


def insert_arrow(table: str, rows: Iterable[pa.RecordBatch]) -> int:
    """Insert rows as they come, batch by batch; none of them may be there yet.

    Args:
        table: Its name.
        rows: Columns named as the table's: texts, whole numbers, truth values and days. What
            else there is comes as the text that the database keeps.

    Returns:
        How many.
    """
    count = 0
    for batch in rows:
        if connection.vendor == "postgresql":
            _copy_arrow(table, batch)
        else:
            _insert_arrow(table, batch)
        count += batch.num_rows
    return count


def _copy_arrow(table: str, batch: pa.RecordBatch) -> None:
    from pyarrow import csv

    # As text from Arrow's own writer: no value becomes a Python object. What is quoted is a
    # value, what is empty and bare is none.
    written = io.BytesIO()
    csv.write_csv(
        batch, written, csv.WriteOptions(include_header=False, quoting_style="all_valid")
    )
    statement = f"COPY {quoted([table])} ({quoted(batch.schema.names)}) FROM STDIN (FORMAT csv)"
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as stream:
        stream.write(written.getbuffer())


def _insert_arrow(table: str, batch: pa.RecordBatch) -> None:
    statement = _insertion(table, batch.schema.names)
    for start in range(0, batch.num_rows, _CHUNK):
        part = batch.slice(start, _CHUNK)
        columns = [_plain(column).to_pylist() for column in part.columns]
        with connection.cursor() as cursor:
            cursor.executemany(statement, list(zip(*columns, strict=True)))


def _plain(column: Any) -> Any:  # noqa: ANN401 - any Arrow array
    """Bring a column to what SQLite keeps: it has no days of its own, only texts."""
    return column.cast("string") if str(column.type).startswith("date") else column


def _insertion(table: str, columns: Sequence[str]) -> str:
    marks = ", ".join(["%s"] * len(columns))
    return f"INSERT INTO {quoted([table])} ({quoted(columns)}) VALUES ({marks})"  # noqa: S608 - quoted names


def take_numbers(table: str, count: int) -> int:
    """Take so many of a table's own numbers, one after the other, for rows still to be inserted.

    On SQLite they are only taken by inserting them, and nobody else writes meanwhile.

    Args:
        table: With a column `id` that counts by itself.
        count: How many.

    Returns:
        The first.
    """
    with connection.cursor() as cursor:
        if connection.vendor != "postgresql":
            cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", (table,))
            found = cursor.fetchone()
            return (found[0] if found else 0) + 1
        for _ in range(_TRIES):
            cursor.execute(
                "SELECT min(n), max(n) FROM (SELECT nextval(pg_get_serial_sequence(%s, 'id')) "
                "AS n FROM generate_series(1, %s)) AS taken",
                (quoted([table]), max(count, 1)),
            )
            first, last = cursor.fetchone()
            # Somebody else may have taken some in between; a gap harms nobody.
            if last - first + 1 == max(count, 1):
                return int(first)
    message = f"{table} is written to by so many that its numbers never come in one piece"
    raise TimeoutError(message)

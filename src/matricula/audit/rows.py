"""Rows of the audit in and out of the database, in sets, on Django's own connection."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = tuple[int | str, ...]

ENTRY = (
    "seq", "at", "actor", "action", "entity", "why", "flow", "charter_version", "run",
    "values_digest", "leaf",
)  # fmt: skip
VALUE = ("seq", "salt", "key", "before", "after")
BATCH = ("number", "first_seq", "last_seq", "root", "previous", "chain", "sealed_at")
# The columns of an entry and of its value; nulls stand for a value that was erased.
_BOTH = f"SELECT {', '.join(f'e.{name}' for name in ENTRY)}, v.salt, v.key, v.before, v.after "
JOINED = _BOTH + "FROM audit_entry e LEFT JOIN audit_value v ON v.seq = e.seq "
# The bounds stand on both sides: PostgreSQL would not carry them over to the values.
ENTRIES = (
    _BOTH + "FROM audit_entry e LEFT JOIN audit_value v "
    "ON v.seq = e.seq AND v.seq BETWEEN %s AND %s WHERE e.seq BETWEEN %s AND %s ORDER BY e.seq"
)
BATCHES = (
    f"SELECT {', '.join(BATCH)} FROM audit_batch WHERE number BETWEEN %s AND %s ORDER BY number"  # noqa: S608 - our own names
)
_CHUNK = 10_000


def insert(table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert rows; none of them may be there yet."""
    names = ", ".join(connection.ops.quote_name(name) for name in columns)
    if connection.vendor == "postgresql":
        _copy(f"COPY {table} ({names}) FROM STDIN", rows)
        return
    marks = ", ".join(["%s"] * len(columns))
    with connection.cursor() as cursor:
        cursor.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)  # noqa: S608 - our own names


def _copy(statement: str, rows: Sequence[Row]) -> None:
    with connection.cursor() as cursor, cursor.cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def numbers_about(entity: str, key: str) -> list[int]:
    """List the entries about one record whose values are still there, in order."""
    found = fetch(
        "SELECT v.seq FROM audit_value v JOIN audit_entry e ON e.seq = v.seq "
        "WHERE v.key = %s AND e.entity = %s ORDER BY v.seq",
        (key, entity),
    )
    return [int(row[0]) for row in found]


def delete_values(erased_by: int) -> None:
    """Delete the values that an erasure names."""
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            # Otherwise the bytes stay in the file until something else needs the room.
            cursor.execute("PRAGMA secure_delete = ON")
        cursor.execute(
            "DELETE FROM audit_value WHERE seq IN "
            "(SELECT seq FROM audit_erasure WHERE erased_by = %s)",
            (erased_by,),
        )


def in_order(query: str, first: int, last: int) -> Iterator[Row]:
    """Stream the rows that a query finds between two numbers, a stretch at a time.

    Every stretch is a query of its own: no transaction stays open, nobody is kept waiting.
    An empty stretch is the end: numbers have no gaps.

    Args:
        query: Takes the bounds of a stretch, both included, once or more; orders its rows.
        first: The lowest number.
        last: The highest.
    """
    for start in range(first, last + 1, _CHUNK):
        found = stretch(query, start, min(start + _CHUNK - 1, last))
        if not found:
            return
        yield from found


def stretch(query: str, first: int, last: int) -> list[Row]:
    """Read the rows between two numbers, both included."""
    return fetch(query, (first, last) * (query.count("%s") // 2))


def fetch(query: str, parameters: Sequence[int | str] = ()) -> list[Row]:
    """Run one query of our own."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[Row] = cursor.fetchall()
        return found

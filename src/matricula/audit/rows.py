"""Rows of the audit in and out of the database, in sets, on Django's own connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import connection

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matricula.audit import seal

Row = tuple[int | str, ...]

ACT = ("number", "at", "actor", "action", "entity", "why", "flow", "charter_version", "run")
ENTRY = ("seq", "act", "values_digest", "leaf")
VALUE = ("seq", "salt", "key", "before", "after")
BATCH = ("number", "first_seq", "last_seq", "root", "previous", "chain", "sealed_at")
# The bounds stand on both sides: PostgreSQL would not carry them over to the values.
_ENTRIES = (
    "SELECT e.seq, e.act, e.values_digest, e.leaf, v.salt, v.key, v.before, v.after "
    "FROM audit_entry e LEFT JOIN audit_value v ON v.seq = e.seq AND v.seq BETWEEN %s AND %s "
    "WHERE e.seq BETWEEN %s AND %s ORDER BY e.seq"
)
_ACTS = f"SELECT {', '.join(ACT)} FROM audit_act WHERE number BETWEEN %s AND %s"  # noqa: S608 - our own names
_BATCHES = (
    f"SELECT {', '.join(BATCH)} FROM audit_batch WHERE number BETWEEN %s AND %s ORDER BY number"  # noqa: S608 - our own names
)
_CHUNK = 10_000


def numbers_about(entity: str, key: str) -> list[int]:
    """List the entries about one record whose values are still there, in order."""
    found = fetch(
        "SELECT e.seq FROM audit_value v JOIN audit_entry e ON e.seq = v.seq "
        "JOIN audit_act a ON a.number = e.act WHERE v.key = %s AND a.entity = %s ORDER BY e.seq",
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


class Stored(NamedTuple):
    """An entry as it is kept, with its act and its values; nones stand for what is gone."""

    seq: int
    act: seal.Act | None
    values_digest: str
    leaf: str
    salt: str | None
    key: str | None
    before: str | None
    after: str | None


class Batch(NamedTuple):
    """A batch as it is kept."""

    number: int
    first_seq: int
    last_seq: int
    root: str
    previous: str
    chain: str
    sealed_at: str


def entries(first: int, last: int) -> Iterator[Stored]:
    """Stream entries by their number, both bounds included.

    A query for every stretch: no transaction stays open, nobody is kept waiting. An empty
    stretch is the end, for numbers have no gaps.
    """
    for start in range(first, last + 1, _CHUNK):
        bounds = (start, min(start + _CHUNK - 1, last))
        found = fetch(_ENTRIES, bounds * 2)
        if not found:
            return
        numbers = [row[1] for row in found]
        acts = {row[0]: row[1:] for row in fetch(_ACTS, (min(numbers), max(numbers)))}
        for row in found:
            yield Stored(row[0], acts.get(row[1]), *row[2:])  # type: ignore[arg-type]  # as the query selects them


def batches(first: int, last: int) -> Iterator[Batch]:
    """Stream batches by their number, both bounds included, in the same way."""
    for start in range(first, last + 1, _CHUNK):
        found = fetch(_BATCHES, (start, min(start + _CHUNK - 1, last)))
        if not found:
            return
        yield from (Batch(*row) for row in found)  # type: ignore[arg-type]  # as the query selects them


def fetch(query: str, parameters: Sequence[int | str] = ()) -> list[Row]:
    """Run one query of our own."""
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        found: list[Row] = cursor.fetchall()
        return found

"""The few statements that are put together by hand: sets of rows, on SQLite and PostgreSQL.

Names come from the standard's own list of columns and are quoted; values are parameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from matricula.connectors.kit.oneroster.tables import ACTIVE
from matricula.connectors.oneroster_provider.mapping import columns_of
from matricula.connectors.oneroster_provider.models import SERVED
from matricula.connectors.shelves import portions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence


def quoted(name: str) -> str:
    """Quote a name: those of the standard have capitals."""
    return connection.ops.quote_name(name)


def table_of(table: str) -> str:
    """Give the quoted name of the table behind a resource."""
    return quoted(SERVED[table]._meta.db_table)  # noqa: SLF001 - Django's own name for it


def select(
    table: str,
    shelf: int,
    *,
    columns: Sequence[str],
    where: str,
    among: Iterable[str],
    status: str = ACTIVE,
) -> Iterator[tuple[str | None, ...]]:
    """Select rows whose column is among some values; of any status where none is given."""
    wanted = ", ".join(quoted(name) for name in columns)
    alive = f" AND {quoted('status')} = %s" if status else ""
    for some in portions(among):
        marks = ", ".join(["%s"] * len(some))
        query = (
            f"SELECT {wanted} FROM {table_of(table)} "  # noqa: S608 - quoted names of the standard
            f"WHERE shelf_id = %s AND {quoted(where)} IN ({marks}){alive}"
        )
        with connection.cursor() as cursor:
            cursor.execute(query, [shelf, *some, *([status] if status else [])])
            yield from cursor.fetchall()


def upsert(
    table: str, shelf: int, rows: Sequence[tuple[int | None, tuple[str | None, ...]]]
) -> None:
    """Write rows over those of the same identifier, which keep their place."""
    names = columns_of(table)
    listed = ", ".join(quoted(name) for name in names)
    marks = ", ".join(["%s"] * (len(names) + 2))
    over = ", ".join(f"{quoted(n)} = excluded.{quoted(n)}" for n in names if n != "sourcedId")
    query = (
        f"INSERT INTO {table_of(table)} (shelf_id, place, {listed}) VALUES ({marks}) "  # noqa: S608
        f"ON CONFLICT (shelf_id, {quoted('sourcedId')}) DO UPDATE SET {over}"
    )
    with connection.cursor() as cursor:
        cursor.executemany(query, [(shelf, place, *values) for place, values in rows])


def update(table: str, shelf: int, values: Mapping[str, str | None], among: Iterable[str]) -> None:
    """Set the same values in the rows of some identifiers."""
    sets = ", ".join(f"{quoted(name)} = %s" for name in values)
    for some in portions(among):
        marks = ", ".join(["%s"] * len(some))
        query = (
            f"UPDATE {table_of(table)} SET {sets} "  # noqa: S608
            f"WHERE shelf_id = %s AND {quoted('sourcedId')} IN ({marks})"
        )
        with connection.cursor() as cursor:
            cursor.execute(query, [*values.values(), shelf, *some])


def give_places(table: str, shelf: int, first: int, identifiers: Sequence[str]) -> None:
    """Number rows that had no place, one after the other."""
    query = (
        f"UPDATE {table_of(table)} SET place = %s "  # noqa: S608
        f"WHERE shelf_id = %s AND {quoted('sourcedId')} = %s"
    )
    with connection.cursor() as cursor:
        cursor.executemany(query, [(first + n, shelf, one) for n, one in enumerate(identifiers)])


def filled(table: str, shelf: int, *, columns: Sequence[str]) -> list[tuple[str | None, ...]]:
    """Select all rows that are there and have a value in the last of some columns."""
    wanted = ", ".join(quoted(name) for name in columns)
    query = (
        f"SELECT {wanted} FROM {table_of(table)} "  # noqa: S608
        f"WHERE shelf_id = %s AND {quoted('status')} = %s AND {quoted(columns[-1])} IS NOT NULL"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [shelf, ACTIVE])
        return list(cursor.fetchall())

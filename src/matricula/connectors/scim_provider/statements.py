"""The few statements on sets of rows that the ORM would send one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import connection

from matricula.connectors.scim_provider.models import Entry, Record
from matricula.connectors.shelves import portions

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from django.db.models import Model, QuerySet

# So many signs of a value stand in the index; 64 of any script fit where an index has least room.
HEAD = 64
_ENTRY = ("shelf_id", "record_id", "field", "path", "entry", "head", "text")


def rewrite(rows: Sequence[tuple[str, int, str, int]]) -> None:
    """Write records over.

    Args:
        rows: Document, revision, instant of the change, number of the record.
    """
    _many(
        f"UPDATE {_table(Record)} SET document = %s, revision = %s, modified = %s "  # noqa: S608 - the model's own name
        "WHERE id = %s",
        rows,
    )


def lay_entries(rows: Sequence[tuple[int, int, str, str, int, str, str]]) -> None:
    """Add values by which records are found: shelf, record, field, path, entry, head, text."""
    names = ", ".join(connection.ops.quote_name(name) for name in _ENTRY)
    marks = ", ".join(["%s"] * len(_ENTRY))
    _many(f"INSERT INTO {_table(Entry)} ({names}) VALUES ({marks})", rows)  # noqa: S608


def holding(
    shelf: int, *, field: str, path: str, texts: Iterable[str]
) -> Iterator[tuple[str, str]]:
    """Find who has one of some values in a flat field.

    Yields:
        The value as it is asked by, and the record's identifier.
    """
    wanted = set(texts)
    for heads in portions({text[:HEAD] for text in wanted}):
        rows = Entry.objects.filter(shelf_id=shelf, path=path, field=field, head__in=heads)
        for text, identifier in rows.values_list("text", "record__identifier"):
            if text in wanted:
                yield text, identifier


def in_portions(rows: QuerySet[Record], identifiers: Iterable[str]) -> Iterator[Record]:
    """Fetch records by identifier, in a few statements."""
    for some in portions(identifiers):
        yield from rows.filter(identifier__in=some)


def _many(query: str, rows: Sequence[tuple[str | int, ...]]) -> None:
    if rows:
        with connection.cursor() as cursor:
            cursor.executemany(query, rows)


def _table(model: type[Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)  # noqa: SLF001 - Django's own name

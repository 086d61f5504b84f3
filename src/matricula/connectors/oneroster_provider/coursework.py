"""One mark for each student in each class, as a source: the results of one category.

A gradebook has many results for a student in a class. Which of them is the mark of coursework
is the consumer's to say, by the category of its line item; the charter names that category.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from django.db import connection

from matricula.connectors.kit.oneroster.mapping import as_text
from matricula.connectors.kit.oneroster.tables import ACTIVE
from matricula.connectors.kit.protocol import Found, asks_for_nobody
from matricula.connectors.oneroster_provider.models import Shelf
from matricula.connectors.oneroster_provider.settings import COURSEWORK_FIELDS
from matricula.connectors.oneroster_provider.statements import quoted, table_of
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value

_CHUNK = 20_000
SCHEMA = pa.schema([pa.field(name, pa.string()) for name in ("_id", *COURSEWORK_FIELDS)])
_Row = dict[str, str | None]


def batches(system: str, category: str) -> Iterator[pa.RecordBatch]:
    """Read every mark.

    Args:
        system: Whose copy.
        category: The identifier of the category that coursework marks are in.

    Returns:
        `_id` is class and student; two line items of the category in one class make two rows
        of one `_id`, which no reading is trusted with.
    """
    with connection.cursor() as cursor:
        query, values = _query(system, category)
        cursor.execute(query, values)
        while some := cursor.fetchmany(_CHUNK):
            rows = [_row(values) for values in some]
            yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)


def find(system: str, category: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
    """Look marks up, in one reading of all."""
    rows = [row for batch in batches(system, category) for row in batch.to_pylist()]
    return [
        [
            Found(str(row["_id"]), {n: v for n, v in row.items() if n != "_id"})
            for row in rows
            if not asks_for_nobody(match)
            and all(row.get(name) == as_text(value) for name, value in match.items())
        ]
        for match in matches
    ]


def _query(system: str, category: str) -> tuple[str, list[str | int]]:
    shelves = dict(Shelf.objects.filter(system=system).values_list("table", "pk"))
    told = ", ".join(f"r.{quoted(name)}" for name in COURSEWORK_FIELDS[1:])
    item, at, status = quoted("lineItemSourcedId"), quoted("sourcedId"), quoted("status")
    query = (
        f"SELECT l.{quoted('classSourcedId')}, {told} FROM {table_of('results')} r "  # noqa: S608 - quoted names of the standard
        f"JOIN {table_of('lineItems')} l ON l.shelf_id = %s AND l.{at} = r.{item} "
        f"WHERE r.shelf_id = %s AND r.{status} = %s AND l.{status} = %s "
        f"AND l.{quoted('categorySourcedId')} = %s"
    )
    # A shelf that nobody has put up yet holds nothing; no shelf has this number.
    numbers = [int(shelves.get(name, 0)) for name in ("lineItems", "results")]
    return query, [*numbers, ACTIVE, ACTIVE, category]


def _row(values: Sequence[str | None]) -> _Row:
    found: _Row = dict(zip(COURSEWORK_FIELDS, values, strict=True))
    key = join_key((str(found["classSourcedId"]), str(found["studentSourcedId"])))
    return {"_id": key, **found}

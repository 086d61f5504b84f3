"""Read what is served back, as a connected system's rows, and look records up."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors.kit.oneroster.mapping import ENABLED, USERS, as_text
from matricula.connectors.kit.oneroster.objects import METADATA_COLUMN
from matricula.connectors.kit.oneroster.tables import ACTIVE, KEY, METADATA
from matricula.connectors.kit.protocol import Found, asks_for_nobody
from matricula.connectors.oneroster_provider import statements
from matricula.connectors.oneroster_provider.mapping import columns_of, row_of
from matricula.connectors.oneroster_provider.models import SERVED, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.models import Model, QuerySet

    from matricula.connectors.kit.oneroster.mapping import Row
    from matricula.connectors.kit.protocol import Value

_CHUNK = 20_000


def how_many(system: str) -> int:
    """Count what a system is served."""
    return sum(Shelf.objects.filter(system=system).values_list("records", flat=True))


def schema_of(table: str, names: Sequence[str]) -> pa.Schema:
    """Say how a table reads: `_id`, for users `_suspended`, then its fields as text."""
    front: list[pa.Field[Any]] = [pa.field("_id", pa.string())]
    if table == USERS:
        said = {"said_by": ENABLED}
        front.append(pa.field("_suspended", pa.bool_(), metadata=said))
    return pa.schema([*front, *(pa.field(name, pa.string()) for name in names)])


def batches(system: str, table: str, names: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Read all records of a table that have not left."""
    schema = schema_of(table, names)
    columns = columns_of(table)
    has_metadata = any(name.startswith(METADATA) for name in names)
    found = _rows(system, table).values_list(*columns).iterator(chunk_size=_CHUNK)
    while some := [row for _, row in zip(range(_CHUNK), found, strict=False)]:
        told: dict[str, Sequence[Any]] = dict(zip(columns, zip(*some, strict=True), strict=True))
        if has_metadata:
            told |= _extensions(table, some, names)
        told["_id"] = told[KEY]
        if table == USERS:
            told["_suspended"] = [value == "false" for value in told[ENABLED]]
        told.pop(METADATA_COLUMN)
        yield pa.record_batch([pa.array(told[n], schema.field(n).type) for n in schema.names],
                              schema=schema)  # fmt: skip


def find(system: str, table: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
    """Look records up; those asked for by the same first field in one statement."""
    shelf = Shelf.objects.filter(system=system, table=table).first()
    wanted = [None if asks_for_nobody(match) or not match else _asked(match) for match in matches]
    if shelf is None:
        return [[] for _ in matches]
    known = set(columns_of(table)) - {METADATA_COLUMN}
    by_first: dict[str, set[str]] = {}
    for one in wanted:
        for name, value in list((one or {}).items())[:1]:
            by_first.setdefault(name, set()).add(value)
    rows = {
        name: _by_value(shelf.pk, table, name, values)
        for name, values in by_first.items()
        if name in known
    }
    return [[] if one is None else _equal(rows, one) for one in wanted]


def _asked(match: Mapping[str, Value]) -> dict[str, str]:
    told = {name: str(as_text(value)) for name, value in match.items() if name != "_id"}
    if "_id" not in match:
        return told
    identifier = str(match["_id"])
    # Two identifiers at once are nobody's.
    if told.get(KEY, identifier) != identifier:
        return {KEY: ""}
    return {KEY: identifier, **told}


def _by_value(shelf: int, table: str, name: str, values: set[str]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for told in statements.select(
        table, shelf, columns=columns_of(table), where=name, among=values
    ):
        row = row_of(table, told)
        found.setdefault(str(row[name]), []).append(row)
    return found


def _equal(
    rows: Mapping[str, Mapping[str, Sequence[Row]]], asked: Mapping[str, str]
) -> list[Found]:
    first, value = next(iter(asked.items()))
    return [
        Found(str(row[KEY]), dict(row))
        for row in rows.get(first, {}).get(value, ())
        if all(row.get(name) == told for name, told in asked.items())
    ]


def _extensions(
    table: str, some: Sequence[Sequence[str | None]], names: Sequence[str]
) -> dict[str, Sequence[str | None]]:
    rows = [row_of(table, values) for values in some]
    return {n: [row.get(n) for row in rows] for n in names if n.startswith(METADATA)}


def _rows(system: str, table: str) -> QuerySet[Model]:
    return SERVED[table]._default_manager.filter(  # noqa: SLF001 - Django's own name for it
        shelf__system=system, status=ACTIVE
    )

"""Read the register's record, look rows up, and take a batch in: what needs the database."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from django.db import OperationalError, connection, models

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Found, Outcome, asks_for_nobody
from matricula.connectors.sis import apart
from matricula.connectors.sis.mapping import ABSENT, Table, as_value
from matricula.sis.received import actions as received
from matricula.sis.received import queries as told
from matricula.sis.record import queries as record

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from django.db.models import Model, QuerySet

    from matricula.connectors.kit.protocol import Value, Write

_CHUNK = 20_000
# So many rows are worth a connection, or a process, of their own.
_MANY = 50_000
_SOME = 500
_OURS = {name: Table(name, model, is_ours=True) for name, model in record.RESOURCES.items()}
_TOLD = {name: Table(name, model, is_ours=False) for name, model in told.RESOURCES.items()}
TABLES: Mapping[str, Table] = {**_OURS, **_TOLD}


def rows_of(table: Table) -> QuerySet[Model]:
    """Give the rows behind a resource."""
    return table.model._default_manager.all()  # noqa: SLF001 - Django's own name for it


def batches(table: Table) -> Iterator[pa.RecordBatch]:
    """Read a whole resource: as it is in the transaction under way, if there is one."""
    with _in_our_words():
        if not connection.in_atomic_block and rows_of(table).count() > _MANY:
            yield from _apart(table)
            return
        names = [field.name for field in table.fields]
        found = rows_of(table).values_list(*names).iterator(chunk_size=_CHUNK)
        while some := [row for _, row in zip(range(_CHUNK), found, strict=False)]:
            yield table.batch(some)


def _apart(table: Table) -> Iterator[pa.RecordBatch]:
    quoted = connection.ops.quote_name
    columns = ", ".join(_as_text(f, quoted(str(f.column))) for f in table.fields)
    query = f"SELECT {columns} FROM {quoted(table.model._meta.db_table)}"  # noqa: S608, SLF001 - quoted names, Django's own
    expected, read = rows_of(table).count(), 0
    with apart.reading(connection.settings_dict, query) as found:
        for batch in found:
            read += batch.num_rows
            yield table.arranged(batch)
    if read < expected:
        message = f"{read} of {expected} rows were read"
        raise OSError(message)


def _as_text(field: models.Field[Any, Any], column: str) -> str:
    """Ask for a column as text, unless it can be nothing else.

    On SQLite the driver takes a column's type from its first rows, and stumbles over a later
    one that differs: what is not there is given a sign of its own.
    """
    if isinstance(field, models.TextField) and not field.null:
        return column
    text = f"CAST({column} AS TEXT)"
    return text if connection.vendor == "postgresql" else f"COALESCE({text}, char({ord(ABSENT)}))"


def find(table: Table, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
    """Look rows up by any of their fields, or by `_id`; those asked for alike in one query."""
    asked: dict[tuple[str, ...], dict[int, tuple[object, ...]]] = {}
    for place, match in enumerate(matches):
        told = _told(table, match)
        if told is not None:
            asked.setdefault(tuple(told), {})[place] = tuple(told.values())
    found: list[list[Found]] = [[] for _ in matches]
    with _in_our_words():
        for columns, of in asked.items():
            rows = _by(table, columns, set(of.values()))
            for place, values in of.items():
                found[place] = rows.get(values, [])
    return found


def _told(table: Table, match: Mapping[str, Value]) -> dict[str, object] | None:
    """Say which values a mapping asks for; None where no row can have them."""
    if asks_for_nobody(match):
        return None
    wanted = [(name, value) for name, value in match.items() if name != "_id"]
    if "_id" in match:
        parts = table.parts_of(str(match["_id"]))
        if parts is None:
            return None
        wanted += zip(table.identity, parts, strict=True)
    told: dict[str, object] = {}
    try:
        for name, value in wanted:
            taken = table.value_of(name, value)
            if told.setdefault(name, taken) != taken:
                return None
    except SkipRow:
        # No row holds what does not fit its field.
        return None
    return told


def _by(
    table: Table, columns: tuple[str, ...], values: set[tuple[object, ...]]
) -> dict[tuple[object, ...], list[Found]]:
    """Give the rows that hold some values in some columns, by those values."""
    found: dict[tuple[object, ...], list[Found]] = {}
    names = [field.name for field in table.fields]
    first = sorted({one[0] for one in values}, key=str)
    for start in range(0, len(first), _SOME):
        chosen = rows_of(table).filter(**{f"{columns[0]}__in": first[start : start + _SOME]})
        for row in chosen.values(*names):
            key = tuple(row[name] for name in columns)
            if key in values:
                fields = {name: as_value(value) for name, value in row.items()}
                found.setdefault(key, []).append(Found(table.id_of(row), fields))
    return found


def write(table: Table, writes: Sequence[Write]) -> list[Outcome]:
    """Take a batch in, in one transaction."""
    with _in_our_words():
        batch = _Batch(table, _there(table, rows_of(table), writes))
        outcomes = [batch.outcome(one) for one in writes]
        received.keep(table.name, table.identity, batch.kept.values(), batch.gone)
    return outcomes


class _Batch:
    """What a batch comes to; filled write by write, in their order."""

    def __init__(self, table: Table, there: set[str]) -> None:
        self._table, self._there, self._claims = table, there, Claims()
        self.kept: dict[str, dict[str, Any]] = {}
        self.gone: list[tuple[Any, ...]] = []

    def outcome(self, write: Write) -> Outcome:
        """Take one write in, and say what becomes of it."""
        try:
            if write.kind == "delete":
                return self._delete(write)
            row = self._table.row_of(write.fields)
            identifier = self._table.id_of(row)
            if write.kind == "create":
                return self._create(write, identifier, row)
            return self._update(write, identifier, row)
        except ConnectorError as error:
            return Outcome(write.key, error=error)

    def _create(self, write: Write, identifier: str, row: dict[str, Any]) -> Outcome:
        was_there = identifier in self._there or identifier in self.kept
        if was_there:
            self._claims.take_over(write, identifier)
        else:
            self._claims.made(write, identifier)
        self.kept[identifier] = row
        return Outcome(write.key, identifier, adopted=identifier in self._there)

    def _update(self, write: Write, identifier: str, row: dict[str, Any]) -> Outcome:
        if write.external_id not in self._there:
            raise SkipRow(
                f"{self._table.name} has no row {write.external_id}.", code="M984",
                cure="Nothing to do by hand: the next full run sees that it is gone.",
            )  # fmt: skip
        if identifier != write.external_id:
            raise SkipRow(
                f"{self._table.name} tells rows apart by {', '.join(self._table.identity)}, which "
                "never changes.", code="M983",
                cure="Let the record leave and come again under its new number.",
            )  # fmt: skip
        self.kept[identifier] = row
        return Outcome(write.key, identifier)

    def _delete(self, write: Write) -> Outcome:
        parts = self._table.parts_of(write.external_id or "")
        if parts is not None:
            self.gone.append(parts)
            self._there.discard(write.external_id or "")
            self.kept.pop(write.external_id or "", None)
        return Outcome(write.key, write.external_id)


def _there(table: Table, rows: QuerySet[Model], writes: Sequence[Write]) -> set[str]:
    """List which of the rows that a batch speaks of are there."""
    first = table.identity[0]
    asked = {str(write.fields.get(first, "")) for write in writes}
    for write in writes:
        parts = table.parts_of(write.external_id or "")
        asked |= {parts[0]} if parts else set()
    found = rows.filter(**{f"{first}__in": sorted(asked)}).values(*table.identity)
    return {table.id_of(row) for row in found}


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (OperationalError, OSError, pa.ArrowException) as error:
        raise TryAgain(
            "The register's database does not answer.", code="M985",
            cure="Nothing to do by hand unless it lasts: it is tried again.",
        ) from error  # fmt: skip

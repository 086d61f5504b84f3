"""The reporting warehouse as a connected system: a star schema with its whole history.

A record's key is its identifier. What a write changes, closes one version and opens the
next; see `matricula.connectors.warehouse.history`. Nothing is ever removed.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.protocol import (
    Capabilities,
    FieldShape,
    Found,
    Health,
    Outcome,
    Reading,
    ResourceShape,
)
from matricula.connectors.warehouse import lookup, statements, writing
from matricula.connectors.warehouse.duck import DuckStore
from matricula.connectors.warehouse.mapping import FIXED
from matricula.connectors.warehouse.postgres import PostgresStore
from matricula.connectors.warehouse.settings import Settings as WarehouseSettings
from matricula.connectors.warehouse.store import found_layouts
from matricula.connectors.warehouse.tables import Tables

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, Value, Write, WriteKind
    from matricula.connectors.warehouse.store import Layout, Store

BATCH_SIZE = 50_000
WRITES: frozenset[WriteKind] = frozenset({"create", "update", "suspend", "resume", "delete"})


class WarehouseConnector:
    """A folder with a DuckDB file, or a schema of PostgreSQL, that keeps every version.

    Args:
        settings: See `matricula.connectors.warehouse.settings`.
        context: The system's name and the folder that a relative `folder:` starts from.
    """

    Settings: ClassVar[type[BaseModel]] = WarehouseSettings

    def __init__(self, settings: WarehouseSettings, context: Context) -> None:
        self.capabilities = Capabilities(
            batch_size=BATCH_SIZE, makes_resources=not settings.resources
        )
        self._settings = settings
        self._context = context
        self._store: Store = (
            DuckStore(settings.folder, context, parquet=settings.parquet)
            if settings.folder
            else PostgresStore(settings)
        )
        self._tables = Tables(settings, self._store)

    def describe(self) -> Sequence[ResourceShape]:
        """Describe what is there, and what the settings say will be."""
        found = found_layouts(self._store)
        names = set(self._settings.resources) or set(found)
        return [self._shape(name, self._tables.columns(name, found)) for name in sorted(names)]

    def ping(self) -> Health:
        """Open it, and say so when copies are behind."""
        try:
            behind = self._store.behind()
            found_layouts(self._store)
            lacking = self._store.lacking()
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        if lacking:
            sentence = (
                f"Our account lacks {', '.join(lacking)}. Have it granted, or own the schema."
            )
            return Health(well=False, sentence=sentence)
        late = f" The Parquet copy of {', '.join(behind)} is behind." if behind else ""
        return Health(well=True, sentence=f"The warehouse answers.{late}")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read what stands: current records, and suspended ones as they last were."""
        layout = self._layout(resource)
        columns = {n: t for n, t in layout.items() if n not in FIXED}
        fields = [pa.field(name, type_.arrow()) for name, type_ in columns.items()]
        fields.append(pa.field("_id", pa.string(), nullable=False))
        fields.append(pa.field(statements.SUSPENDED, pa.bool_()))
        schema = pa.schema(fields)
        if not layout:
            yield Reading(schema, iter(()))
            return
        table = self._tables.table(resource, columns)
        chosen = statements.standing(table, list(columns))
        with self._store.stream(chosen, schema) as batches:
            yield Reading(schema, batches)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up that stand, by any of their fields or by `_id`."""
        layout = self._layout(resource)
        if not layout:
            return [[] for _ in matches]
        columns = {n: t for n, t in layout.items() if n not in FIXED}
        table = self._tables.table(resource, columns)
        with self._store.transaction() as session:
            return lookup.find(session, table, columns, matches)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Write a batch in one transaction; the same batch again changes nothing."""
        self._tables.must_be_allowed(resource)
        if not writes:
            return []
        names = dict.fromkeys(name for write in writes for name in write.fields)
        self._tables.ensure(resource, list(names))
        return writing.write(self._store, self._tables, resource, writes, at=at)

    def export(self) -> list[str]:
        """Refresh the Parquet copies that are behind; return the resources that were.

        Raises:
            TryAgain: A copy could not be written; the one before still stands.
        """
        return self._store.export()

    def close(self) -> None:
        """Refresh the copies and let go of connections; the next verb opens new ones.

        A copy that cannot be written stays behind, which `ping` says.
        """
        with suppress(ConnectorError):
            self._store.export()
        self._store.close()

    def _layout(self, resource: str) -> Layout:
        """Find a resource's columns; empty when nothing was ever written to it."""
        self._tables.must_be_allowed(resource)
        return found_layouts(self._store).get(resource, {})

    def _shape(self, name: str, columns: Layout) -> ResourceShape:
        made_here = self._tables.reference_columns(name)
        fields = tuple(
            FieldShape(column, type_.name, writable=column not in made_here)
            for column, type_ in columns.items()
        )
        return ResourceShape(name=name, fields=fields, writes=WRITES, open_ended=True)

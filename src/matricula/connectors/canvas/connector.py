"""Canvas as a connector: written by SIS import, read back over REST.

A batch of writes is one import (two, where some fields may override what somebody changed in
Canvas). Its rows are settled one by one: by what Canvas says of them and by what it holds.
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from matricula.connectors.canvas import mapping, refusals, tables
from matricula.connectors.canvas.imports import Importer
from matricula.connectors.canvas.lookup import Lookup
from matricula.connectors.canvas.reading import Reader
from matricula.connectors.canvas.settings import CanvasSettings
from matricula.connectors.canvas.standing import Standing, standing_of
from matricula.connectors.canvas.wire import Wire
from matricula.connectors.canvas.writing import Batch
from matricula.connectors.kit.errors import ConnectorError, TryAgain
from matricula.connectors.kit.protocol import Capabilities, Found, Health, Outcome, Reading
from matricula.connectors.kit.refuse import must_have_fields, no_resource

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from pydantic import BaseModel

    from matricula.connectors.canvas.mapping import Row
    from matricula.connectors.canvas.tables import Spec
    from matricula.connectors.kit.http import Clock
    from matricula.connectors.kit.protocol import Context, ResourceShape, Value, Write


class CanvasConnector:
    """One Canvas. See the README beside this file for what it needs and its traps.

    Args:
        settings: What the charter says.
        context: Its name.
        clock: For tests.
    """

    Settings: ClassVar[type[BaseModel]] = CanvasSettings

    def __init__(
        self, settings: CanvasSettings, context: Context, clock: Clock | None = None
    ) -> None:
        self._settings = settings
        self._system = context.system
        self._wire = Wire(settings, context.folder, clock)
        self._standing: Standing | None = None
        self._reader = Reader(self._wire, settings.concurrency)
        self.capabilities = Capabilities(batch_size=settings.batch_size)

    def describe(self) -> list[ResourceShape]:
        """Describe what Canvas has and what our token may do to it; asks anew every time.

        Raises:
            TryAgain: It is away. Stop: The token is refused. GiveUp: There is no such account.
        """
        self._standing = standing = standing_of(self._wire)
        may_write = standing.may_import and not self._settings.read_only
        return [
            tables.shape_of(spec, may_read=not standing.lacking(spec.name), may_write=may_write)
            for spec in self._specs().values()
        ]

    def ping(self) -> Health:
        """Ask for the account and our permissions; names what is missing. Never raises."""
        try:
            standing = standing_of(self._wire)
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        wrong = self._unwell(standing)
        told = f"Root account {standing.account} lets us in."
        return Health(well=not wrong, sentence=wrong or told)

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a whole resource, page by page, but for what has no SIS ID.

        Those are records that people made in Canvas, and no import can name them; `find` does.

        Raises:
            GiveUp: There is no such resource. TryAgain. Stop: A permission is missing, without
                which Canvas would leave things out.
        """
        spec = self._spec(resource)
        self._known().must_read(resource)
        self._reader.forget()
        schema = tables.schema_of(spec)
        pages = (_batch(_ours(page), schema) for page in self._reader.rows(resource))
        yield Reading(schema, pages)

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up; every answer is compared here.

        Raises:
            GiveUp: No such resource or field. Stop. TryAgain: Also while an import of ours is
                under way, since nobody can tell what it is about to bring.
        """
        spec = self._spec(resource)
        self._must_know(spec, {name for match in matches for name in match} - {"_id"})
        if not matches:
            return []
        standing = self._known()
        standing.must_read(resource)
        if standing.may_import and not self._settings.read_only:
            self._must_be_through()
        return [
            [_found(spec, row) for row in rows] for rows in self._lookup().matching(spec, matches)
        ]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - rows of an import carry no date of ours
        """Do what is intended as one import; outcomes in the order of writes.

        Raises:
            GiveUp: No such resource or field. TryAgain, Stop: Nothing of it happened.
        """
        spec = self._spec(resource)
        if not writes:
            return []
        for write in writes:
            if write.kind not in spec.writes or self._settings.read_only:
                raise refusals.no_verb(spec, write.kind)
            self._must_know(spec, {*write.fields, *write.match})
        standing = self._known()
        standing.must_import()
        standing.must_read(resource)
        outcomes = Batch(spec, self._settings, self._importer(), self._lookup).write(writes)
        return [outcomes[write.key] for write in writes]

    def close(self) -> None:
        """Let go of connections; the connector may be used again."""
        self._wire.close()

    def _unwell(self, standing: Standing) -> str:
        writing = not self._settings.read_only
        if not standing.is_root:
            return "The account is below a root account, and SIS imports go to root accounts."
        missing = standing.missing(writing=writing, grades=self._settings.grades)
        if missing:
            return f"The token's owner lacks {', '.join(missing)}; have it granted to their role."
        if writing and not standing.imports:
            return "SIS imports are not enabled for this account; have them enabled."
        return ""

    def _specs(self) -> dict[str, Spec]:
        every = tables.SPECS
        return (
            every if self._settings.grades else {n: s for n, s in every.items() if n != "grades"}
        )

    def _known(self) -> Standing:
        if self._standing is None:
            self._standing = standing_of(self._wire)
        return self._standing

    def _importer(self) -> Importer:
        return Importer(
            self._wire,
            self._system,
            self._settings.import_deadline_seconds,
            self._settings.label_imports,
        )

    def _must_be_through(self) -> None:
        if self._importer().is_under_way():
            raise TryAgain(
                "An import of ours is still under way, so nobody can tell what will be there.",
                code="M611",
                cure="Nothing to do by hand unless it lasts: then look at it in Canvas.",
            )

    def _lookup(self) -> Lookup:
        self._reader.forget()
        return Lookup(self._wire, self._reader, self._settings.concurrency)

    def _spec(self, resource: str) -> Spec:
        specs = self._specs()
        if resource not in specs:
            raise no_resource(self._system, resource, specs)
        return specs[resource]

    def _must_know(self, spec: Spec, names: set[str]) -> None:
        must_have_fields(f"{self._system}.{spec.name}", names, spec.by_name)


def _ours(page: Sequence[Row]) -> list[Row]:
    return [row for row in page if not str(row["_id"]).startswith(mapping.FOREIGN)]


def _batch(page: Sequence[Row], schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_pylist(
        [{name: _typed(schema, name, row.get(name)) for name in schema.names} for row in page],
        schema=schema,
    )


def _typed(schema: pa.Schema, name: str, value: Value) -> Value | datetime:
    if value is not None and pa.types.is_timestamp(schema.field(name).type):
        return datetime.fromisoformat(str(value))
    return value


def _found(spec: Spec, row: Row) -> Found:
    return Found(str(row["_id"]), {name: row.get(name) for name in spec.by_name})

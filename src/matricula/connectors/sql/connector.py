"""Read and write the tables of any SQL database that SQLAlchemy knows.

Nothing is created, altered or dropped here: tables are the system's own. This is the only
file of the folder that begins and ends transactions.
"""

from __future__ import annotations

from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import chain
from typing import TYPE_CHECKING, ClassVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from matricula.connectors.kit.database import answered_in_time
from matricula.connectors.kit.errors import ConnectorError, GiveUp, ReadBack
from matricula.connectors.kit.protocol import (
    Capabilities,
    Changes,
    Found,
    Health,
    Reading,
    Whole,
)
from matricula.connectors.sql import (
    changes,
    feed_script,
    lookup,
    reading,
    refusals,
    statements,
    tables,
    writing,
)
from matricula.connectors.sql.changes import Told
from matricula.connectors.sql.engine import WRITES, must_be_there, open_engine
from matricula.connectors.sql.rights import rights_on
from matricula.connectors.sql.settings import Settings as SqlSettings

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pyarrow as pa
    from pydantic import BaseModel

    from matricula.connectors.kit.protocol import Context, Outcome, ResourceShape, Value, Write
    from matricula.connectors.sql.tables import Mirror

BATCH_SIZE = 5_000


class SqlConnector:
    """A database as a connected system.

    Args:
        settings: See `matricula.connectors.sql.settings`.
        context: The system's name and the folder that relative SQLite files start from.
    """

    Settings: ClassVar[type[BaseModel]] = SqlSettings

    def __init__(self, settings: SqlSettings, context: Context) -> None:
        self.capabilities = Capabilities(batch_size=BATCH_SIZE)
        self._settings = settings
        self._context = context
        self._engine: sa.Engine | None = None
        self._mirrors: dict[str, Mirror] = {}

    def describe(self) -> Sequence[ResourceShape]:
        """Describe every resource that is there, as the database has it now.

        A resource whose table is gone is left out: that it is missing is what the charter
        has to be told. See the protocol for the rest.
        """
        self._mirrors.clear()
        found = []
        with self._connection() as connection:
            for name in self._settings.resources:
                try:
                    mirror = self._mirror(connection, name)
                except GiveUp:
                    continue
                found.append(mirror.shape(rights_on(connection, mirror).writing))
        return found

    def ping(self) -> Health:
        """Ask for one row of nothing."""
        try:
            with self._connection() as connection:
                connection.execute(sa.select(sa.literal(1)))
        except ConnectorError as error:
            return Health(well=False, sentence=f"{error.message} {error.cure}")
        return Health(well=True, sentence=f"The {connection.dialect.name} database answers.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """Read a table in one statement, and so as it was at one moment."""
        with self._connection() as connection:
            mirror = self._mirror(connection, resource)
            told = self._told(connection, mirror)
            token = changes.token(connection, told, ours=_now) if told.tells else ""
        schema = reading.schema_of(mirror)
        select = statements.select_all(mirror, self._open().dialect.name)
        with self._in_our_words(), reading.raw_batches(self._open(), select) as raw:
            batches = (reading.arranged(mirror, batch, schema) for batch in raw)
            yield Reading(schema, self._spoken_for(batches), token=token)

    @contextmanager
    def changes(
        self, resource: str, since: str, *, also: Sequence[str] = ()
    ) -> Iterator[Changes | Whole]:
        """Read the records that may differ, by the column or the feed that the settings name."""
        with self._connection() as connection:
            told = self._told(connection, self._mirror(connection, resource))
            found = changes.look(connection, told, since, also=also, ours=_now)
        if isinstance(found, Whole):
            yield found
            return
        with closing(changes.batches(self._open(), told, found)) as batches:
            schema = reading.schema_of(told.mirror)
            read = Reading(schema, self._spoken_for(batches), may_be_empty=True, token=found.token)
            yield Changes(read, found.named, tells_gone=told.resource.feed is not None)

    def acknowledge(self, resource: str, token: str) -> None:
        """Have a feed forget what came before a token."""
        with self._connection(writes=True) as connection, connection.begin():
            told = self._told(connection, self._mirror(connection, resource))
            if told.resource.feed:
                changes.acknowledge(connection, told, token)

    def feed_script(self, resource: str) -> str:
        """Write what the administrator of a PostgreSQL database runs for a resource's feed."""
        with self._connection() as connection:
            told = self._told(connection, self._mirror(connection, resource))
            changes.must_be_watched(told)
        account = self._open().url.username or ""
        name = f"{self._context.system}.{resource}"
        return feed_script.script(told.outbox(), resource=name, account=account)

    def lacking(self) -> Sequence[ConnectorError]:
        """Say what it may not read, which queries it cannot put, which changes are not told."""
        found = []
        for name in self._settings.resources:
            try:
                self._must_be_of_use(name)
            except GiveUp as error:
                found.append(error)
        return found

    def _must_be_of_use(self, name: str) -> None:
        resource = self._settings.resources[name]
        tells = bool(resource.query or resource.changed_by or resource.feed)
        with self._connection() as connection:
            try:
                mirror = self._mirror(connection, name)
            except GiveUp:
                if tells:
                    raise
                # That it is missing is seen by its not being described.
                return
            rights_on(connection, mirror).must_read(f"{self._context.system}.{name}")
            if tells:
                changes.must_tell(connection, self._told(connection, mirror))

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up by any of their fields, or by `_id`."""
        with self._connection() as connection:
            return lookup.find(connection, self._mirror(connection, resource), matches)

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:  # noqa: ARG002 - the database keeps no time of ours
        """Write a batch in one transaction."""
        if not writes:
            return []
        with self._connection() as connection:
            mirror = self._mirror(connection, resource)
        tasks = writing.prepared(mirror, writes)
        self._transact(mirror, tasks)
        return writing.outcomes(mirror, tasks)

    def close(self) -> None:
        """Let go of all connections; the next verb opens new ones."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None
        self._mirrors.clear()

    def _transact(self, mirror: Mirror, tasks: list[writing.Task]) -> None:
        refused = self._tried(mirror, tasks)
        if refused is not None:
            self._in_parts(mirror, tasks, refused)

    def _tried(self, mirror: Mirror, tasks: list[writing.Task]) -> SQLAlchemyError | None:
        """Do all in one transaction; return the refusal of a constraint checked at commit."""
        with (
            self._in_our_words(),
            reading.alone(reading.sqlite_file(self._open())),
            self._connection(writes=True) as connection,
        ):
            # Whatever is raised before the commit closes the connection, which rolls back.
            transaction = connection.begin()
            writing.carry_out(connection, mirror, tasks)
            return _commit(transaction)

    def _in_parts(
        self, mirror: Mirror, tasks: list[writing.Task], refused: SQLAlchemyError
    ) -> None:
        """Halve until the records that a constraint checked only at commit refuses stand alone.

        Each part is committed by itself, so from the first commit on, a failure is that of
        its own part and of the parts not yet sent.
        """
        parts, committed = _halved(mirror, tasks, refused), False
        while parts:
            part = parts.pop(0)
            again = writing.prepared(mirror, [task.write for task in part])
            try:
                still = self._tried(mirror, again)
            except ConnectorError as error:
                if not committed and not isinstance(error, ReadBack):
                    raise
                later = refusals.not_sent(error)
                writing.leave(part, error if isinstance(error, ReadBack) else later)
                writing.leave(chain.from_iterable(parts), later)
                return
            if still is not None:
                parts[:0] = _halved(mirror, part, still)
                continue
            committed = True
            for task, settled in zip(part, again, strict=True):
                task.act, task.identity, task.error = settled.act, settled.identity, settled.error

    def _told(self, connection: sa.Connection, mirror: Mirror) -> Told:
        resource, schema = self._settings.resources[mirror.name], self._settings.database_schema
        if not schema and resource.feed and connection.dialect.name == "postgresql":
            schema = connection.execute(sa.select(sa.func.current_schema())).scalar_one()
        return Told(mirror, resource, schema or "")

    def _mirror(self, connection: sa.Connection, name: str) -> Mirror:
        if name not in self._settings.resources:
            raise GiveUp(
                f"The settings of {self._context.system} have no resource {name}.",
                code="M602",
                cure="Add it under `resources:`, or correct the flow.",
            )
        if name not in self._mirrors:
            resource = self._settings.resources[name]
            schema = self._settings.database_schema
            self._mirrors[name] = tables.mirror_of(connection, name, resource, schema)
        return self._mirrors[name]

    @contextmanager
    def _connection(self, *, writes: bool = False) -> Iterator[sa.Connection]:
        with (
            self._in_our_words(),
            self._open().connect() as connection,
            answered_in_time(connection),
        ):
            only = {} if writes else reading.reads_only(self._open())
            yield connection.execution_options(**{WRITES: writes}, **only)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        try:
            yield
        except refusals.FAILURES as error:
            # What was reflected may be what is wrong: look again next time.
            self._mirrors.clear()
            raise refusals.explained(error) from None

    def _spoken_for(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        with self._in_our_words():
            yield from batches

    def _open(self) -> sa.Engine:
        if self._engine is None:
            self._engine = open_engine(self._settings, self._context)
        must_be_there(self._engine, self._context.system)
        return self._engine


def _now() -> datetime:
    # To see whether the database's clock was put back; no record ever bears this instant.
    return datetime.now(UTC)


def _halved(
    mirror: Mirror, tasks: list[writing.Task], refused: SQLAlchemyError
) -> list[list[writing.Task]]:
    """Halve what was refused; a record that stands alone is the one at fault."""
    if len(tasks) == 1:
        tasks[0].set_aside(refusals.row_refused(mirror, tasks[0].write.key, refused))
        return []
    middle = len(tasks) // 2
    return [tasks[:middle], tasks[middle:]]


def _commit(transaction: sa.RootTransaction) -> SQLAlchemyError | None:
    """Commit; return the error when a constraint was checked only now, and refused."""
    try:
        transaction.commit()
    except SQLAlchemyError as error:
        if not refusals.is_about_a_row(error):
            raise refusals.after_commit(error) from None
        return error
    return None

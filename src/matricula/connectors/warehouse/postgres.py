"""A warehouse in a schema of PostgreSQL."""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import pyarrow as pa
import sqlalchemy as sa
from psycopg import sql
from sqlalchemy.dialects.postgresql import OID
from sqlalchemy.dialects.postgresql.base import PGDialect
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from matricula.connectors.kit.database import (
    answered_in_time,
    bounded,
    lock_timeout,
    waits_shortly,
)
from matricula.connectors.kit.errors import ConnectorError, GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.secrets import credential
from matricula.connectors.warehouse import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import psycopg

    from matricula.connectors.warehouse.mapping import ColumnType
    from matricula.connectors.warehouse.settings import Settings
    from matricula.connectors.warehouse.statements import Selection
    from matricula.connectors.warehouse.store import Session

_ANALYSE = sa.text(f"ANALYZE pg_temp.{statements.STAGED}")
_LATER = "Nothing to do by hand unless it lasts: it is tried again."
# A refused connection has no number: only its words tell it from a server that is away.
_NO_ENTRY = re.compile(
    r"authentication failed|no password supplied|pg_hba\.conf|role .* does not exist"
    r"|database .* does not exist|is not permitted to log in|permission denied for database"
)


class PostgresSession:
    """A transaction on PostgreSQL."""

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def run(self, statement: sa.Executable | sa.ExecutableDDLElement) -> None:
        """Execute a statement that yields nothing."""
        self._connection.execute(statement)

    def fetch(self, statement: Selection) -> list[tuple[object, ...]]:
        """Execute a small selection."""
        return [tuple(row) for row in self._connection.execute(statement)]

    def stage(self, rows: pa.Table, columns: Mapping[str, ColumnType]) -> None:
        """Copy the rows into a table of this transaction."""
        named = [sa.Column(name, type_.sql()) for name, type_ in columns.items()]
        table = sa.Table(
            statements.STAGED,
            sa.MetaData(),
            *named,
            prefixes=["TEMPORARY"],
            postgresql_on_commit="DROP",
        )
        if self._is_staged():
            table.drop(self._connection, checkfirst=False)
        table.create(self._connection, checkfirst=False)
        copy = sql.SQL("COPY pg_temp.{} ({}) FROM STDIN").format(
            sql.Identifier(statements.STAGED),
            sql.SQL(", ").join(sql.Identifier(name) for name in columns),
        )
        driver = cast("psycopg.Connection", self._connection.connection.driver_connection)
        with driver.cursor() as cursor, cursor.copy(copy) as stream:
            lists = [rows.column(name).to_pylist() for name in columns]
            for row in zip(*lists, strict=True):
                stream.write_row(row)
        # Without its size the planner takes a batch for a handful of rows.
        self._connection.execute(_ANALYSE)

    def _is_staged(self) -> bool:
        there = sa.select(sa.func.to_regclass(f"pg_temp.{statements.STAGED}"))
        return self._connection.execute(there).scalar() is not None


class PostgresStore:
    """A schema of a PostgreSQL database.

    Args:
        settings: Of the warehouse, with `url`.
    """

    indexed = True

    def __init__(self, settings: Settings) -> None:
        self.schema: str | None = settings.database_schema
        self.catalogue_schema = settings.database_schema
        self.dialect: sa.Dialect = PGDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so
        self._settings = settings
        self._engine: sa.Engine | None = None

    def is_begun(self) -> bool:
        """Say yes: without its schema there is simply no table in it."""
        return True

    @contextmanager
    def transaction(self, *, changes: str = "") -> Iterator[Session]:
        """Begin, and commit at the end; see the protocol."""
        with (
            _in_our_words(),
            self._open().connect() as connection,
            answered_in_time(connection),
        ):
            transaction = connection.begin()
            if changes:
                name = sa.func.hashtextextended(f"{self.schema}.{changes}", 0)
                connection.execute(sa.select(sa.func.pg_advisory_xact_lock(name)))
            yield PostgresSession(connection)
            _commit(transaction)

    @contextmanager
    def stream(
        self, statement: Selection, schema: pa.Schema
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        """Execute a selection of any size through the Arrow driver."""
        told = statement.compile(dialect=self.dialect)
        parameters = [told.params[name] for name in told.positiontup or ()]
        url = self._url().set(drivername="postgresql").render_as_string(hide_password=False)
        with (
            _in_our_words(),
            adbc_driver_postgresql.dbapi.connect(url) as connection,
            connection.cursor() as cursor,
        ):
            cursor.executescript(lock_timeout())
            cursor.execute(str(told), parameters or None)
            reader = cursor.fetch_record_batch()
            yield (_conforming(batch, schema) for batch in reader)

    def prepare(self, session: Session) -> None:
        """Make the schema."""
        session.run(sa.schema.CreateSchema(self.catalogue_schema, if_not_exists=True))

    def export(self) -> list[str]:
        """There are no copies to refresh."""
        return []

    def behind(self) -> list[str]:
        """There are no copies that could be behind."""
        return []

    def lacking(self) -> list[str]:
        """Ask for the rights on the schema, or on the database where there is none yet."""
        with self.transaction() as session:
            ((is_there, may_begin, may_make, may_use),) = session.fetch(_rights(self.schema))
        if not is_there:
            return [] if may_begin else ["CREATE on the database"]
        held = {"CREATE": may_make, "USAGE": may_use}
        return [f"{right} on schema {self.schema}" for right, has in held.items() if not has]

    def close(self) -> None:
        """Let go of all connections."""
        if self._engine is not None:
            self._engine.dispose()
        self._engine = None

    def _open(self) -> sa.Engine:
        if self._engine is None:
            url = self._url().set(drivername="postgresql+psycopg")
            self._engine = waits_shortly(sa.create_engine(url, hide_parameters=True))
        return self._engine

    def _url(self) -> URL:
        text = self._settings.url
        try:
            url = make_url(credential(text) if text.startswith(("env:", "file:")) else text)
            if self._settings.password is not None:
                url = url.set(password=credential(self._settings.password))
        except ArgumentError:
            raise Stop(
                f"{text} is no URL.",
                code="M613",
                cure="Provide the secret: postgresql://user@host/database.",
            ) from None
        return bounded(url)


def _rights(schema: str | None) -> sa.Select[tuple[Any, ...]]:
    # Of a schema that is not there these two say nothing, and would be refused by its name.
    number = sa.func.to_regnamespace(schema)
    return sa.select(
        number.is_not(None),
        sa.func.has_database_privilege(sa.func.current_database(), "CREATE"),
        sa.func.has_schema_privilege(sa.cast(number, OID), "CREATE"),
        sa.func.has_schema_privilege(sa.cast(number, OID), "USAGE"),
    )


def _conforming(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [_cast(batch.column(number), field.type) for number, field in enumerate(schema)],
        schema=schema,
    )


def _cast(
    values: pa.Array[pa.Scalar[pa.DataType]], type_: pa.DataType
) -> pa.Array[pa.Scalar[pa.DataType]]:
    # The driver gives a NUMERIC as text in a type of its own.
    return (values.storage if isinstance(values, pa.ExtensionArray) else values).cast(type_)


def _commit(transaction: sa.RootTransaction) -> None:
    try:
        transaction.commit()
    except SQLAlchemyError as error:
        if _number(error).startswith("40"):
            raise
        raise ReadBack(
            "The connection was lost while the batch was committed.",
            code="M612",
            cure="Nothing to do by hand: the records are read back before anything else.",
        ) from None


def _number(error: BaseException) -> str:
    origin = getattr(error, "orig", None) or error
    return str(getattr(origin, "sqlstate", None) or "").strip("\x00")


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except (SQLAlchemyError, adbc_driver_manager.Error) as error:
        raise _explained(error) from None


def _explained(error: Exception) -> ConnectorError:
    number = _number(error)
    words = str(getattr(error, "orig", None) or error)
    shown = f" (error {number})" if number else ""
    if number.startswith(("28", "3D")) or _NO_ENTRY.search(words):
        return Stop(
            f"The database does not let us in{shown}.",
            code="M613",
            cure="Check the account, its password and its rights on this database.",
        )
    if number == "42501":
        return GiveUp(
            f"The account may not do this in the warehouse's schema{shown}.",
            code="M613",
            cure="Let the account own the schema, or grant it CREATE and USAGE.",
        )
    return TryAgain(f"The database does not answer{shown}.", code="M610", cure=_LATER)

"""A warehouse in a folder: one DuckDB file, and a Parquet copy of every table.

DuckDB lets one program at a time write a file; readers that must not wait for the writer
use the Parquet copies, which are replaced in one step.
"""

from __future__ import annotations

from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, cast

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import sqlalchemy as sa

from matricula.connectors.kit.errors import ReadBack, TryAgain
from matricula.connectors.kit.places import let_read, replacement, resolved
from matricula.connectors.warehouse import statements

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matricula.connectors.kit.protocol import Context
    from matricula.connectors.warehouse.mapping import ColumnType
    from matricula.connectors.warehouse.statements import Selection
    from matricula.connectors.warehouse.store import Session

FILE = "warehouse.duckdb"
ROWS = 100_000
_DUE = sa.Table("matricula_export", sa.MetaData(), sa.Column("resource", sa.Text()))
_LATER = "Nothing to do by hand unless it lasts: it is tried again."
_SEALED = (
    "SET TimeZone = 'UTC'",
    "SET enable_external_access = false",
    "SET autoinstall_known_extensions = false",
    "SET autoload_known_extensions = false",
    "SET python_enable_replacements = false",
    "SET lock_configuration = true",
)


class DuckSession:
    """A transaction on the DuckDB file."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, dialect: sa.Dialect) -> None:
        self._connection = connection
        self._dialect = dialect

    def run(self, statement: sa.Executable | sa.ExecutableDDLElement) -> None:
        """Execute a statement that yields nothing."""
        text, values = compiled(statement, self._dialect)
        self._connection.execute(text, values).fetchall()

    def fetch(self, statement: Selection) -> list[tuple[object, ...]]:
        """Execute a small selection."""
        text, values = compiled(statement, self._dialect)
        # Through Arrow: DuckDB's own rows want another library for every instant.
        rows = reader(self._connection, text, values).read_all().to_pydict()
        return list(zip(*rows.values(), strict=True))

    def stage(self, rows: pa.Table, columns: Mapping[str, ColumnType]) -> None:  # noqa: ARG002 - Arrow knows the types
        """Lend the rows to DuckDB; nothing is copied."""
        self._connection.register(statements.STAGED, rows)


class DuckStore:
    """A folder with a DuckDB file.

    Args:
        stated: The folder, as the charter states it; made when it is not there, its parent
            must be.
        context: The system's name and the folder that a relative one starts from.
        parquet: Whether to keep Parquet copies.
    """

    schema: str | None = None
    catalogue_schema = "main"
    indexed = False

    def __init__(self, stated: str, context: Context, *, parquet: bool) -> None:
        self.dialect: sa.Dialect = statements.duck_dialect()
        self._stated, self._context = stated, context
        self._parquet = parquet
        self._connection: duckdb.DuckDBPyConnection | None = None

    @cached_property
    def _folder(self) -> Path:
        return resolved(self._stated, self._context)

    def is_begun(self) -> bool:
        """Say whether the DuckDB file is there.

        Raises:
            GiveUp: The folder leads out of the charter's (M620).
            TryAgain: Not even the folder is there that the warehouse's stands in.
        """
        if not self._folder.parent.is_dir():
            raise self._nowhere()
        return (self._folder / FILE).exists()

    @contextmanager
    def transaction(self, *, changes: str = "") -> Iterator[Session]:
        """Begin, and commit at the end; see the protocol."""
        with _in_our_words():
            connection = self._open()
            session = DuckSession(connection, self.dialect)
            connection.begin()
            try:
                yield session
                if changes and self._parquet:
                    self._mark(session, changes)
            except BaseException:
                connection.rollback()
                raise
            _commit(connection)

    @contextmanager
    def stream(
        self, statement: Selection, schema: pa.Schema
    ) -> Iterator[Iterator[pa.RecordBatch]]:
        """Execute a selection of any size on a connection of its own."""
        with _in_our_words():
            text, values = compiled(statement, self.dialect)
            cursor = self._open().cursor()
            try:
                rows = reader(cursor, text, values)
                yield (_conforming(batch, schema) for batch in rows)
            finally:
                cursor.close()

    def prepare(self, session: Session) -> None:
        """Make the list of tables whose Parquet copies are behind."""
        for statement in statements.create(_DUE):
            session.run(statement)

    def behind(self) -> list[str]:
        """List the tables that changed since their Parquet copy was made."""
        if not self._parquet or not self.is_begun() or not self._is_prepared():
            return []
        with self.transaction() as session:
            return sorted(str(row[0]) for row in session.fetch(sa.select(_DUE.c.resource)))

    def lacking(self) -> list[str]:
        """A file knows no rights of its own; whether it opens is seen by opening it."""
        return []

    def export(self) -> list[str]:
        """Write the Parquet copies that are behind, each replaced in one step."""
        due = self.behind()
        for resource in due:
            try:
                self._copy(f"{resource}{statements.HISTORY_ENDING}")
            except OSError as error:
                raise TryAgain(
                    f"The Parquet copy of {resource} could not be written "
                    f"({type(error).__name__}).",
                    code="M610",
                    cure="See that the folder is there and has room.",
                ) from None
            with self.transaction() as session:
                session.run(sa.delete(_DUE).where(_DUE.c.resource == resource))
        return due

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None

    def _mark(self, session: DuckSession, resource: str) -> None:
        session.run(sa.delete(_DUE).where(_DUE.c.resource == resource))
        session.run(sa.insert(_DUE).values(resource=resource))

    def _is_prepared(self) -> bool:
        tables = sa.table("tables", sa.column("table_name"), schema="information_schema")
        found = sa.select(tables.c.table_name).where(tables.c.table_name == _DUE.name)
        with self.transaction() as session:
            return bool(session.fetch(found))

    def _copy(self, table: str) -> None:
        whole = sa.select(sa.text("*")).select_from(sa.table(table))
        text, values = compiled(whole.order_by(sa.column("surrogate_key")), self.dialect)
        cursor = self._open().cursor()
        try:
            rows = reader(cursor, text, values)
            with (
                replacement(self._folder / f"{table}.parquet") as temporary,
                pq.ParquetWriter(temporary, rows.schema, compression="zstd") as writer,
            ):
                for batch in rows:
                    writer.write_batch(batch)
        finally:
            cursor.close()

    def _nowhere(self) -> TryAgain:
        return TryAgain(
            f"The folder {self._folder.name} cannot be made, because the folder it "
            "stands in is not there.",
            code="M610",
            cure="Correct `folder:`, or see that the drive is mounted.",
        )

    def _open(self) -> duckdb.DuckDBPyConnection:
        if self._connection is None:
            file = self._folder / FILE
            try:
                if not self._folder.exists():
                    self._folder.mkdir()
                    let_read(self._folder)
            except OSError:
                raise self._nowhere() from None
            is_new = not file.exists()
            connection = duckdb.connect(str(file))
            if is_new:
                let_read(file)
            for setting in _SEALED:
                connection.execute(setting)
            self._connection = connection
        return self._connection


def reader(
    connection: duckdb.DuckDBPyConnection, text: str, values: list[Any]
) -> pa.RecordBatchReader:
    """Execute a query and stream its rows."""
    relation = connection.sql(text, params=values)
    # The stubs allow for a statement that yields nothing.
    return cast("pa.RecordBatchReader", relation.to_arrow_reader(ROWS))


def compiled(
    statement: sa.Executable | sa.ExecutableDDLElement, dialect: sa.Dialect
) -> tuple[str, list[Any]]:
    """Write a statement as DuckDB reads it, its values apart."""
    text = cast("sa.ClauseElement", statement).compile(dialect=dialect)
    names = getattr(text, "positiontup", None) or ()
    return str(text), [text.params[name] for name in names]


def _conforming(batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    return pa.RecordBatch.from_arrays(
        [batch.column(field.name).cast(field.type) for field in schema], schema=schema
    )


def _commit(connection: duckdb.DuckDBPyConnection) -> None:
    try:
        connection.commit()
    except duckdb.TransactionException:
        # Refused for a conflict, and so undone.
        raise
    except duckdb.Error:
        raise ReadBack(
            "The batch could not be committed to the DuckDB file, and may have been.",
            code="M612",
            cure="Nothing to do by hand: the records are read back before anything else.",
        ) from None


@contextmanager
def _in_our_words() -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        in_use = "Could not set lock" in str(error) or isinstance(
            error, duckdb.TransactionException
        )
        what = "is in use by another program" if in_use else "cannot be used"
        raise TryAgain(
            f"The DuckDB file {what} ({type(error).__name__}).",
            code="M621" if in_use else "M610",
            cure=_LATER if in_use else "See that it is a DuckDB file and the disk has room.",
        ) from None

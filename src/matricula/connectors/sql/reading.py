"""Read a table as Arrow record batches, in one statement and so in one state of the data.

SQLite and PostgreSQL are read through their Arrow drivers; whatever these cannot do, and
every other database, goes through SQLAlchemy's server-side cursor. Both ways end in the
same casts, so a value reads the same whichever way it came.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import adbc_driver_manager
import adbc_driver_postgresql.dbapi
import adbc_driver_sqlite.dbapi
import pyarrow as pa
import pyarrow.compute as pc
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from matricula.connectors.kit.database import lock_timeout
from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.sql import statements
from matricula.connectors.sql.mapping import INSTANT, as_text
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from matricula.connectors.sql.mapping import Canonical, Column
    from matricula.connectors.sql.tables import Mirror

Values: TypeAlias = "pa.Array[Any]"

ROWS = 50_000
# What SQLAlchemy's dialect turns into a transaction that only reads.
READS_ONLY = "postgresql_readonly"
WAIT_SECONDS = 30.0
_PLAIN_IDENTITY = frozenset({"text", "integer", "uuid"})
_ZONE = r"(Z|[+-][0-9]{2}:?[0-9]{2})$"
_files: dict[Path, threading.Lock] = {}


def schema_of(mirror: Mirror) -> pa.Schema:
    """State the columns of a reading: the fields, `_id`, and `_suspended` where it is known."""
    fields = [pa.field(name, mirror.columns[name].arrow) for name in mirror.fields]
    fields.append(pa.field("_id", pa.string(), nullable=False))
    if mirror.suspended:
        said_by = {"said_by": mirror.suspended[0]}
        fields.append(pa.field(statements.SUSPENDED, pa.bool_(), metadata=said_by))
    return pa.schema(fields)


@contextmanager
def raw_batches(
    engine: sa.Engine, select: statements.Selection
) -> Iterator[Iterator[pa.RecordBatch]]:
    """Open a streaming read of what is selected, before casts."""
    name = engine.dialect.name
    path = sqlite_file(engine)
    if path is not None:
        with alone(path), _from_sqlite(engine, select, path) as batches:
            yield batches
    elif name == "postgresql":
        with _from_postgresql(engine, select) as batches:
            yield batches
    else:
        with _from_sqlalchemy(engine, select) as batches:
            yield batches


def reads_only(engine: sa.Engine) -> dict[str, bool]:
    """Give the options under which a transaction can only read, where the database has them."""
    return {READS_ONLY: True} if engine.dialect.name == "postgresql" else {}


@contextmanager
def alone(path: Path | None) -> Iterator[None]:
    """Keep this program's other uses of a SQLite file away meanwhile; None is no such file.

    The Arrow driver brings a SQLite of its own. Two of them in one program do not see
    each other's locks, so a read beside a write could see half of it, or worse.

    Raises:
        TryAgain: The file stayed in use (M621).
    """
    if path is None:
        yield
        return
    lock = _files.setdefault(path, threading.Lock())
    if not lock.acquire(timeout=WAIT_SECONDS):
        raise TryAgain(
            "The database file is being read or written by another part of this program.",
            code="M621",
            cure="Nothing to do by hand: it is tried again.",
        )
    try:
        yield
    finally:
        lock.release()


def sqlite_file(engine: sa.Engine) -> Path | None:
    """Find the file of a SQLite engine; None in memory, and for every other database."""
    name = engine.url.database or ""
    if engine.dialect.name != "sqlite" or name in {"", ":memory:"} or name.startswith("file:"):
        return None
    return Path(name).resolve()


def arranged(mirror: Mirror, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
    """Cast a batch to the schema and give each row its `_id`.

    Raises:
        Untrusted: A value is not of its column's type (M445) or a row has no key (M446).
    """
    cast = {
        name: _cast(mirror, mirror.columns[name], batch.column(name))
        for name in statements.needed(mirror)
    }
    found = [cast[name] for name in mirror.fields]
    found.append(_identifiers(mirror, [cast[name] for name in mirror.identity]))
    if mirror.suspended:
        numbers = batch.column(statements.SUSPENDED).cast(pa.int64())
        found.append(numbers.cast(pa.bool_()))
    return pa.RecordBatch.from_arrays(found, schema=schema)


def fetch_tuples(
    connection: sa.Connection,
    mirror: Mirror,
    select: statements.Selection,
    names: Sequence[str],
) -> Iterator[tuple[Canonical, ...]]:
    """Run a small selection and yield the named columns, as canonical values."""
    for part in connection.execute(select).partitions(ROWS):
        batch = _from_rows(part)
        columns = [_canonical(mirror, mirror.columns[n], batch.column(n)) for n in names]
        yield from zip(*columns, strict=True)


def _canonical(mirror: Mirror, column: Column, values: Values) -> list[Canonical]:
    found = _cast(mirror, column, values).to_pylist()
    if column.kind == "decimal":
        return [None if value is None else Decimal(value) for value in found]
    return found


@contextmanager
def _from_sqlite(
    engine: sa.Engine, select: statements.Selection, path: Path
) -> Iterator[Iterator[pa.RecordBatch]]:
    # The driver guesses types from the first rows; a first row of texts leaves no guess.
    first: statements.Selection = sa.select(
        *(sa.literal_column("''") for _ in select.selected_columns)
    )
    told = sa.union_all(first, select).compile(dialect=sqlite.dialect())
    try:
        connection = adbc_driver_sqlite.dbapi.connect(f"{path.as_uri()}?mode=ro")
    except adbc_driver_manager.Error:
        connection = None
    if connection is None:
        with _from_sqlalchemy(engine, select) as batches:
            yield batches
        return
    with connection, connection.cursor() as cursor:
        cursor.adbc_statement.set_options(**{"adbc.sqlite.query.batch_rows": str(ROWS)})
        parameters = [told.params[name] for name in told.positiontup or ()]
        names = [column.name for column in select.selected_columns]
        cursor.execute(str(told), parameters or None)
        reader = cursor.fetch_record_batch()
        yield _without_first(batch.rename_columns(names) for batch in reader)


def _without_first(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    first = next(batches)
    yield first.slice(1)
    yield from batches


@contextmanager
def _from_postgresql(
    engine: sa.Engine, select: statements.Selection
) -> Iterator[Iterator[pa.RecordBatch]]:
    numbered = postgresql.dialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so
    told = select.compile(dialect=numbered)
    url = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    parameters = [told.params[name] for name in told.positiontup or ()]
    connection = cursor = None
    try:
        connection = adbc_driver_postgresql.dbapi.connect(url)
        cursor = connection.cursor()
        cursor.executescript(f"SET TRANSACTION READ ONLY; {lock_timeout()}")
        cursor.execute(str(told), parameters or None)
        reader = cursor.fetch_record_batch()
    except adbc_driver_manager.Error:
        # What SQLAlchemy's driver then says about the same thing is told apart better.
        reader = None
    try:
        if reader is not None:
            yield _streamed(reader)
            return
        with _from_sqlalchemy(engine, select) as batches:
            yield batches
    finally:
        if cursor is not None:
            cursor.close()
        if connection is not None:
            connection.close()


def _streamed(reader: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Give what fails while rows arrive back the form that it has when a statement begins."""
    try:
        yield from reader
    except pa.ArrowException as error:
        # Arrow passes on the words alone; the one kind that somebody must act on is known by them.
        number = "25006" if "read-only transaction" in str(error) else None
        unknown = adbc_driver_manager.AdbcStatusCode.UNKNOWN
        raise adbc_driver_manager.OperationalError(
            "It failed while rows arrived.", status_code=unknown, sqlstate=number
        ) from None


@contextmanager
def _from_sqlalchemy(
    engine: sa.Engine, select: statements.Selection
) -> Iterator[Iterator[pa.RecordBatch]]:
    with engine.connect() as connection:
        streaming = connection.execution_options(
            stream_results=True, yield_per=ROWS, **reads_only(engine)
        )
        result = streaming.execute(select)
        yield (_from_rows(part) for part in result.partitions(ROWS))


def _from_rows(rows: object) -> pa.RecordBatch:
    part = list(rows)  # type: ignore[call-overload]  # a partition is a sequence of rows
    names = list(part[0]._fields)
    return pa.RecordBatch.from_arrays(
        [pa.array(list(values)) for values in zip(*part, strict=True)], names=names
    )


def _cast(mirror: Mirror, column: Column, values: Values) -> Values:
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    try:
        if column.arrow == INSTANT and pa.types.is_string(values.type):
            values = _with_zone(values)
        elif column.arrow == INSTANT and pa.types.is_timestamp(values.type):
            values = values.cast(pa.timestamp("us", tz=values.type.tz))
        cast = values.cast(column.arrow)
        cast.validate(full=True)
    except pa.ArrowInvalid as error:
        raise Untrusted(
            f"{mirror.name}.{column.name}: a value is not what the column's type, "
            f"{column.native}, says.",
            code="M445",
            cure="Have the value corrected in the database, or leave the column out with "
            "`columns:`.",
        ) from error
    return cast


def _with_zone(values: Values) -> Values:
    # An instant without a zone is UTC; see the protocol's conventions.
    has_zone = pc.match_substring_regex(values, _ZONE)
    return _array(pc.if_else(has_zone, values, _joined([values, "Z"], "")))


def _identifiers(mirror: Mirror, parts: list[Values]) -> Values:
    if any(part.null_count for part in parts):
        raise Untrusted(
            f"{mirror.name}: a record has nothing in {', '.join(mirror.identity)}.",
            code="M446",
            cure="Name columns that are never empty in `key:` or `external_id:`.",
        )
    kinds = {mirror.columns[name].kind for name in mirror.identity}
    if not kinds <= _PLAIN_IDENTITY:
        tuples = zip(*(part.to_pylist() for part in parts), strict=True)
        return pa.array([join_key(map(as_text, values)) for values in tuples], pa.string())
    texts = [part.cast(pa.string()) for part in parts]
    if len(texts) == 1:
        return texts[0]
    escaped = [
        pc.replace_substring(pc.replace_substring(text, "\\", "\\\\"), "|", "\\|")
        for text in texts
    ]
    return _joined(escaped, "|")


def _joined(texts: Sequence[Values | str], separator: str) -> Values:
    # The stubs want arrays only; a text stands for the same in every row.
    return _array(pc.binary_join_element_wise(*texts, separator))  # type: ignore[call-overload]


def _array(computed: object) -> Values:
    return cast("Values", computed)

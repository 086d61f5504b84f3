"""A query in place of a table: one SELECT that only reads, with columns as the database tells.

Two things keep it from writing: its text is taken apart here, and what it calls runs in a
transaction that the database itself lets only read.
"""

from __future__ import annotations

import re
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa
import sqlglot
from psycopg import adapters
from sqlglot import exp
from sqlglot.errors import SqlglotError

from matricula.connectors.kit.errors import GiveUp

if TYPE_CHECKING:
    from collections.abc import Iterator

Columns: TypeAlias = "list[tuple[str, sa.types.TypeEngine[Any]]]"

ASKED = "asked"
_DESCRIBED = "matricula_described"
_NUMBERED = re.compile(r":[0-9]+$")
# Dialects by SQLAlchemy's names, where sqlglot calls them otherwise.
_DIALECTS = {"postgresql": "postgres", "mariadb": "mysql", "mssql": "tsql"}
_NO_READING = (
    exp.Insert, exp.Update, exp.Delete, exp.Merge, exp.DDL, exp.Command, exp.Into, exp.Lock,
    exp.Placeholder, exp.Parameter, exp.Drop, exp.TruncateTable,
)  # fmt: skip
_POSTGRESQL: dict[str, type[sa.types.TypeEngine[Any]]] = {
    "bool": sa.Boolean,
    "int2": sa.SmallInteger,
    "int4": sa.Integer,
    "int8": sa.BigInteger,
    "float4": sa.Float,
    "float8": sa.Float,
    "date": sa.Date,
    "time": sa.Time,
    "timestamp": sa.DateTime,
    "json": sa.JSON,
    "jsonb": sa.JSON,
    "uuid": sa.Uuid,
    "text": sa.Text,
    "name": sa.Text,
}


def mirrored(connection: sa.Connection, name: str, query: str) -> sa.Table:
    """Describe a query's columns as a table that is never written to.

    Args:
        connection: In a transaction, or about to begin one.
        name: Of the resource.
        query: As in the settings.

    Raises:
        GiveUp: It is not one SELECT that only reads, or two columns have one name (M624).
    """
    text = _must_only_read(name, query, connection.dialect.name)
    describe = {"postgresql": _of_postgresql, "sqlite": _of_sqlite}
    columns = describe.get(connection.dialect.name, _of_any)(connection, text)
    called = [column for column, _ in columns]
    if len(set(called)) < len(called) or "" in called:
        raise _refused(name, "two of its columns have the same name, or one has none")
    return sa.Table(ASKED, sa.MetaData(), *(sa.Column(c, type_) for c, type_ in columns))


def as_selected(query: str, table: sa.Table) -> sa.FromClause:
    """Put the query where its table stands in statements."""
    typed = [sa.column(column.name, column.type) for column in table.columns]
    # On a line of its own: it may end in a comment.
    return sa.text(f"{_literal(_bare(query))}\n").columns(*typed).subquery(ASKED)


def _must_only_read(name: str, query: str, dialect: str) -> str:
    text = _bare(query)
    try:
        told = sqlglot.parse(text, read=_DIALECTS.get(dialect, dialect))
    except (SqlglotError, ValueError):
        # What it says may quote the query, and the query may name somebody.
        raise _refused(name, "it cannot be taken apart as SQL of this database") from None
    if len(told) != 1 or not isinstance(told[0], exp.Query):
        raise _refused(name, "it is not one SELECT")
    if told[0].find(*_NO_READING) is not None:
        raise _refused(name, "it writes, locks rows or has parameters")
    return text


def _bare(query: str) -> str:
    return query.strip().removesuffix(";").strip()


def _literal(text: str) -> str:
    """Keep SQLAlchemy from taking `:name` in somebody's text for a parameter."""
    return text.replace(":", "\\:")


def _of_postgresql(connection: sa.Connection, text: str) -> Columns:
    told: Any = connection.execute(_none_of(text)).cursor.description
    return [(str(column.name), _postgresql_type(column)) for column in told]


def _postgresql_type(column: Any) -> sa.types.TypeEngine[Any]:  # noqa: ANN401 - the driver's own
    known = adapters.types.get(column.type_code)
    kind = known.name if known else ""
    if kind == "numeric":
        return sa.Numeric(column.precision, column.scale)
    if kind == "varchar":
        return sa.String(column.display_size)
    if kind == "bpchar":
        return sa.CHAR(column.display_size)
    if kind == "timestamptz":
        return sa.DateTime(timezone=True)
    # A type of the database's own, an enumeration say, reads as text.
    return _POSTGRESQL.get(kind, sa.types.NullType)()


def _of_sqlite(connection: sa.Connection, text: str) -> Columns:
    # Only of a view does SQLite tell the types; this one lies in its own memory.
    with _may_describe(connection):
        connection.execute(sa.text(f"CREATE TEMP VIEW {_DESCRIBED} AS {_literal(text)}"))
        try:
            found = sa.inspect(connection).get_columns(_DESCRIBED, schema="temp")
        finally:
            connection.execute(sa.text(f"DROP VIEW temp.{_DESCRIBED}"))
    # Two columns of one name it tells apart by a number; we refuse them.
    return [(_NUMBERED.sub("", column["name"]), column["type"]) for column in found]


@contextmanager
def _may_describe(connection: sa.Connection) -> Iterator[None]:
    connection.exec_driver_sql("PRAGMA query_only = OFF")
    try:
        yield
    finally:
        connection.exec_driver_sql("PRAGMA query_only = ON")


def _of_any(connection: sa.Connection, text: str) -> Columns:
    # Drivers tell types each in their own way: all is read as text, and typed by the charter.
    told = connection.execute(_none_of(text)).keys()
    return [(str(column), sa.types.NullType()) for column in told]


def _none_of(text: str) -> sa.TextClause:
    return sa.text(f"SELECT * FROM (\n{_literal(text)}\n) {ASKED} WHERE 1 = 0")  # noqa: S608 - the charter's own text, taken apart above


def _refused(name: str, why: str) -> GiveUp:
    return GiveUp(
        f"{name}: the query is refused, because {why}.",
        code="M624",
        cure="Correct `query:`, or have a view made of it and name that with `table:`.",
    )

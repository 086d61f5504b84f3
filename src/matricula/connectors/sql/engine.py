"""Open a database the way the connector needs it: no values in errors, real transactions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from matricula.connectors.kit.database import bounded, waits_shortly
from matricula.connectors.kit.errors import Stop, TryAgain
from matricula.connectors.kit.secrets import credential
from matricula.connectors.sql.reading import sqlite_file

if TYPE_CHECKING:
    from sqlalchemy.engine.interfaces import DBAPIConnection
    from sqlalchemy.pool import ConnectionPoolEntry

    from matricula.connectors.kit.protocol import Context
    from matricula.connectors.sql.settings import Settings

WRITES = "matricula_writes"
_BUSY_SECONDS = 15


def open_engine(settings: Settings, context: Context) -> sa.Engine:
    """Make an engine; nothing is connected yet.

    Raises:
        Stop: The secret holds no database URL (M613).
    """
    text = settings.url
    try:
        url = make_url(credential(text) if text.startswith(("env:", "file:")) else text)
    except ArgumentError:
        raise Stop(
            f"The secret {text} holds no database URL.",
            code="M613",
            cure="Write it as dialect+driver://user@host/database.",
        ) from None
    if settings.password is not None:
        url = url.set(password=credential(settings.password))
    if url.drivername == "postgresql":
        url = url.set(drivername="postgresql+psycopg")
    name = url.get_backend_name()
    if name == "sqlite":
        return _sqlite(url, context)
    if name == "postgresql":
        return waits_shortly(sa.create_engine(bounded(url), hide_parameters=True))
    return sa.create_engine(url, hide_parameters=True)


def must_be_there(engine: sa.Engine, system: str) -> None:
    """Refuse a SQLite file that is missing: opening it would make an empty database.

    Raises:
        TryAgain: It is not there (M616).
    """
    path = sqlite_file(engine)
    if path is not None and not path.is_file():
        raise TryAgain(
            f"The database file of {system} is not there.",
            code="M616",
            cure="Provide the file, or correct `url:`.",
        )


def _sqlite(url: URL, context: Context) -> sa.Engine:
    if url.database and url.database != ":memory:" and not url.database.startswith("file:"):
        url = url.set(database=str(context.folder / url.database))
    waits = {} if "timeout" in url.query else {"timeout": _BUSY_SECONDS}
    engine = sa.create_engine(url, hide_parameters=True, connect_args=waits)
    sa.event.listen(engine, "connect", _as_it_should_be)
    sa.event.listen(engine, "begin", _begin)
    return engine


def _as_it_should_be(connection: DBAPIConnection, _entry: ConnectionPoolEntry) -> None:
    # Python's driver begins transactions by its own rules, under which savepoints fail.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")


def _begin(connection: sa.Connection) -> None:
    # A writer that begins as a reader can be refused half-way; this one waits its turn first.
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql(f"PRAGMA query_only = {'OFF' if writes else 'ON'}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

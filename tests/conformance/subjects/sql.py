"""The sql connector on a SQLite file and, where one is installed, on a PostgreSQL server."""

from __future__ import annotations

import atexit
import os
import secrets
import sqlite3
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context
from matricula.connectors.sql.connector import SqlConnector
from tests.postgres import SHARED_SERVER, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TABLE = """
CREATE TABLE students (
    student_no VARCHAR(20) PRIMARY KEY,
    name TEXT NOT NULL,
    note TEXT,
    credits INTEGER CHECK (credits >= 0),
    fee NUMERIC(12, 2),
    born_on DATE,
    seen_at TIMESTAMP,
    is_resident BOOLEAN,
    status VARCHAR(10) NOT NULL DEFAULT 'active',
    touched_at TIMESTAMP DEFAULT CURRENT_TIMESTAMP
)
"""
STAMPED = """
CREATE TRIGGER stamped AFTER UPDATE OF name, note, status ON students BEGIN
UPDATE students SET touched_at = CURRENT_TIMESTAMP WHERE student_no = new.student_no; END
"""
RESOURCES = {
    "students": {
        "key": ["student_no"],
        "suspend": {"column": "status", "value": "suspended", "resume_value": "active"},
    }
}
NOBODY_LISTENS = "postgresql+psycopg://matricula@127.0.0.1:1/nowhere"


def row(n: int) -> dict[str, str | int | bool | None]:
    return {
        "student_no": f"S{n:04d}",
        "name": f"Amara {n}",
        "note": f"note {n}",
        "credits": n,
        "fee": f"{n}.25",
        "born_on": "2004-02-29",
        "seen_at": "2026-03-01T10:20:30+00:00",
        "is_resident": n % 2 == 0,
    }


@cache
def database_url() -> str:
    """A database of our own, on the server that the suite shares where there is one."""
    stack = ExitStack()
    atexit.register(stack.close)
    server = os.environ.get(SHARED_SERVER, "") or stack.enter_context(postgres_server())
    return stack.enter_context(fresh_database(server))


@contextmanager
def on_sqlite(folder: Path) -> Iterator[SqlConnector]:
    with closing(sqlite3.connect(folder / "campus.db")) as database:
        database.execute(TABLE)
        database.execute(STAMPED)
    with closing(_connector("sqlite:///campus.db", folder, changed_by="touched_at")) as connector:
        yield connector


@contextmanager
def away_from_sqlite(folder: Path) -> Iterator[SqlConnector]:
    with closing(_connector("sqlite:///nowhere.db", folder)) as connector:
        yield connector


@contextmanager
def on_postgresql(folder: Path) -> Iterator[SqlConnector]:
    schema = f"t_{secrets.token_hex(8)}"
    (folder / "url").write_text(database_url(), encoding="utf-8")
    with psycopg.connect(database_url(), autocommit=True) as database:
        name = sql.Identifier(schema)
        database.execute(sql.SQL("CREATE SCHEMA {}").format(name))
        database.execute(sql.SQL("SET search_path TO {}").format(name))
        database.execute(TABLE)
        url = f"file:{folder / 'url'}"
        with closing(_connector(url, folder, schema=schema, feed={})) as connector:
            database.execute(connector.feed_script("students"))
            yield connector
        database.execute(sql.SQL("DROP SCHEMA {} CASCADE").format(name))


@contextmanager
def away_from_postgresql(folder: Path) -> Iterator[SqlConnector]:
    with closing(_connector(NOBODY_LISTENS, folder)) as connector:
        yield connector


def _connector(
    url: str, folder: Path, *, schema: str | None = None, **more: object
) -> SqlConnector:
    told = {"students": {**RESOURCES["students"], **more}}
    settings = SqlConnector.Settings.model_validate(
        {"url": url, "schema": schema, "resources": told}
    )
    return SqlConnector(settings, Context("campus", folder))


def _subject(name: str, make: object, away: object) -> Subject:
    return Subject(
        name=name,
        make=make,
        away=away,
        resource="students",
        row=row,
        match=("student_no",),
        change=("name", "Bela"),
        text="note",
        clears="note",
        identity="student_no",
        refused={"credits": -1},
        tells=True,
    )


SUBJECTS = [_subject("sql-sqlite", on_sqlite, away_from_sqlite)]
if server_binaries() is not None or os.environ.get(SHARED_SERVER):
    SUBJECTS.append(_subject("sql-postgresql", on_postgresql, away_from_postgresql))

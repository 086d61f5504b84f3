"""A campus database for the tests: the same tables on SQLite and on PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import psycopg

from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.sql.connector import SqlConnector

if TYPE_CHECKING:
    from pathlib import Path

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
STUDENTS = """
CREATE TABLE students (
    student_no VARCHAR(8) PRIMARY KEY,
    email VARCHAR(40) UNIQUE,
    name TEXT NOT NULL,
    credits SMALLINT CHECK (credits >= 0),
    fee NUMERIC(9, 2),
    born_on DATE,
    seen_at TIMESTAMP,
    is_resident BOOLEAN,
    campus VARCHAR(10) DEFAULT 'north'
)
"""


@dataclass(frozen=True, slots=True)
class Campus:
    """A database that the tests look into by its own driver."""

    kind: str
    place: str
    folder: Path

    def run(self, *statements: str) -> None:
        for statement in statements:
            self.rows(statement)

    def rows(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        if self.kind == "sqlite":
            with closing(sqlite3.connect(self.folder / "campus.db")) as database, database:
                return database.execute(statement.replace("%s", "?"), values).fetchall()
        with psycopg.connect(self.place, autocommit=True) as database:
            cursor = database.execute(statement, values or None)
            return cursor.fetchall() if cursor.description else []

    def connector(self, **resources: dict[str, Any]) -> SqlConnector:
        if self.kind == "sqlite":
            url = "sqlite:///campus.db?timeout=0.2"
        else:
            (self.folder / "url").write_text(self.place, encoding="utf-8")
            url = f"file:{self.folder / 'url'}"
        told = resources or {"students": {"key": ["student_no"]}}
        settings = SqlConnector.Settings.model_validate({"url": url, "resources": told})
        return SqlConnector(settings, Context("campus", self.folder))


def student(number: str, **over: Any) -> dict[str, Any]:
    return {"student_no": number, "name": "Amara", "email": f"{number}@x.example", **over}


def creation(number: str, **over: Any) -> Write:
    fields = student(number, **over)
    return Write(number, "create", None, fields, frozenset(fields), {"student_no": number})


def update(number: str, **fields: Any) -> Write:
    return Write(number, "update", number, student(number, **fields), frozenset(fields))

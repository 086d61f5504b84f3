"""A warehouse for the tests, looked into by DuckDB or psycopg and never by the connector."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import psycopg

from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.warehouse.connector import WarehouseConnector

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.connectors.kit.protocol import Outcome, WriteKind

RESOURCES = {
    "students": {"columns": {"credits": "integer", "born_on": "date"}},
    "enrolments": {"kind": "fact", "refs": {"student_no": "students"}},
}


def day(number: int) -> datetime:
    return datetime(2026, 9, number, 6, 0, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Reporting:
    kind: str
    place: str
    folder: Path

    def connector(self, **settings: Any) -> WarehouseConnector:
        if self.kind == "folder":
            where = {"folder": "warehouse"}
        else:
            (self.folder / "url").write_text(self.place, encoding="utf-8")
            where = {"url": f"file:{self.folder / 'url'}", "schema": "warehouse"}
        told = {"resources": RESOURCES, **where, **settings}
        checked = WarehouseConnector.Settings.model_validate(told)
        return WarehouseConnector(checked, Context("reporting", self.folder))

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask the store itself; instants come back as text in UTC."""
        if self.kind == "folder":
            path = str(self.folder / "warehouse" / "warehouse.duckdb")
            with closing(duckdb.connect(path, read_only=True)) as database:
                database.execute("SET TimeZone = 'UTC'")
                return database.execute(query.replace("%s", "?"), list(values)).fetchall()
        options = "-c search_path=warehouse -c TimeZone=UTC"
        with psycopg.connect(self.place, options=options) as database:
            return database.execute(query, values or None).fetchall()

    def write(self, *writes: Write, on: int, resource: str = "students") -> list[Outcome]:
        """Write as a run on that day of September would, and close."""
        with closing(self.connector()) as connector:
            return connector.write(resource, writes, at=day(on))


def creation(key: str, **fields: Any) -> Write:
    told = {"name": "Amara", "credits": 0, **fields}
    return Write(key, "create", None, told, frozenset(told))


def update(key: str, **fields: Any) -> Write:
    told = {"name": "Amara", "credits": 0, **fields}
    return Write(key, "update", key, told, frozenset(fields))


def act(kind: WriteKind, key: str) -> Write:
    return Write(key, kind, key, {"name": "Amara", "credits": 0})

"""The warehouse in a folder and, where one is installed, in a PostgreSQL server."""

from __future__ import annotations

import atexit
import os
import secrets
from contextlib import ExitStack, closing, contextmanager
from functools import cache
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import Subject
from matricula.connectors.kit.protocol import Context
from matricula.connectors.warehouse.connector import WarehouseConnector
from tests.postgres import SHARED_SERVER, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

COLUMNS = {"credits": "integer", "fee": "decimal(12,2)", "born_on": "date", "seen_at": "instant"}
RESOURCES = {"students": {"columns": COLUMNS}}
NOBODY_LISTENS = "postgresql://matricula@127.0.0.1:1/nowhere"


def row(n: int) -> dict[str, str | int | bool | None]:
    return {
        "student_no": f"S{n:04d}",
        "name": f"Amara {n}",
        "note": f"note {n}",
        "credits": n,
        "fee": f"{n}.25",
        "born_on": "2004-02-29",
        "seen_at": "2026-03-01T10:20:30+00:00",
    }


@cache
def database_url() -> str:
    """A database of our own, on the server that the suite shares where there is one."""
    stack = ExitStack()
    atexit.register(stack.close)
    server = os.environ.get(SHARED_SERVER, "") or stack.enter_context(postgres_server())
    return stack.enter_context(fresh_database(server))


@contextmanager
def in_a_folder(folder: Path) -> Iterator[WarehouseConnector]:
    with closing(_connector(folder, folder="warehouse")) as connector:
        yield connector


@contextmanager
def in_no_folder(folder: Path) -> Iterator[WarehouseConnector]:
    with closing(_connector(folder, folder="no/such/warehouse")) as connector:
        yield connector


@contextmanager
def in_postgresql(folder: Path) -> Iterator[WarehouseConnector]:
    (folder / "url").write_text(database_url(), encoding="utf-8")
    schema = f"w_{secrets.token_hex(8)}"
    with closing(_connector(folder, url=f"file:{folder / 'url'}", schema=schema)) as connector:
        yield connector


@contextmanager
def in_no_server(folder: Path) -> Iterator[WarehouseConnector]:
    with closing(_connector(folder, url=NOBODY_LISTENS)) as connector:
        yield connector


def _connector(place: Path, **settings: object) -> WarehouseConnector:
    told = WarehouseConnector.Settings.model_validate({"resources": RESOURCES, **settings})
    return WarehouseConnector(told, Context("warehouse", place))


Make = "Callable[[Path], AbstractContextManager[WarehouseConnector]]"


def _subject(name: str, make: Make, away: Make) -> Subject:
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
        refused={"credits": "many"},
    )


SUBJECTS = [_subject("warehouse-folder", in_a_folder, in_no_folder)]
if server_binaries() is not None or os.environ.get(SHARED_SERVER):
    SUBJECTS.append(_subject("warehouse-postgresql", in_postgresql, in_no_server))

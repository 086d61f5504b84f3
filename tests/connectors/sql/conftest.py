"""The campus database, once on SQLite and once on PostgreSQL."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from tests.connectors.sql.campus import STUDENTS, Campus

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def sqlite_campus(tmp_path: Path) -> Campus:
    with closing(sqlite3.connect(tmp_path / "campus.db")) as database:
        database.execute(STUDENTS)
    return Campus("sqlite", "", tmp_path)


@pytest.fixture
def postgres_campus(postgres_database: str, tmp_path: Path) -> Campus:
    campus = Campus("postgresql", postgres_database, tmp_path)
    campus.run(STUDENTS)
    return campus


@pytest.fixture(params=["sqlite", "postgresql"])
def campus(request: pytest.FixtureRequest) -> Campus:
    kinds = {"sqlite": "sqlite_campus", "postgresql": "postgres_campus"}
    return request.getfixturevalue(kinds[request.param])

"""The warehouse, once in a folder and once in PostgreSQL, and a way to look into each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.connectors.warehouse.reporting import Reporting

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path) -> Reporting:
    return Reporting("folder", "", tmp_path)


@pytest.fixture(params=["folder", "postgresql"])
def reporting(request: pytest.FixtureRequest, tmp_path: Path) -> Reporting:
    if request.param == "folder":
        return Reporting("folder", "", tmp_path)
    place = request.getfixturevalue("postgres_database")
    return Reporting("postgresql", place, tmp_path)

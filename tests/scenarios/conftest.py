"""A settled college for a whole module: loaded once, put back as it was for every test.

Its state lies in an SQLite file in its own home, as in the product, and is put back with it.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest
from django.conf import settings
from django.db import connection

from tests.alone import begin_in
from tests.scenarios.college import build, copy_of, return_to

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.scenarios.college import College


@contextmanager
def _at_home(home: Path) -> Iterator[None]:
    """Let the commands keep their state in a home and a database of its own."""
    if connection.vendor != "sqlite":
        pytest.skip("a settled college is kept as a file, so it is tried on SQLite alone")
    before = settings.HOME, connection.settings_dict["NAME"]
    connection.close()
    settings.HOME, connection.settings_dict["NAME"] = home, str(home / "matricula.sqlite3")
    try:
        yield
    finally:
        connection.close()
        settings.HOME, connection.settings_dict["NAME"] = before


@pytest.fixture(scope="module")
def make_college() -> Callable[[Path], College]:
    """How the college of a module is made; a module may make one of its own."""
    return build


@pytest.fixture(scope="module")
def _settled(
    make_college: Callable[[Path], College],
    django_db_setup: str,
    django_db_blocker,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[College, Path]]:
    place = tmp_path_factory.mktemp("college")
    college = make_college(place / "now")
    begin_in(college.folder / "home", django_db_setup)
    with django_db_blocker.unblock(), _at_home(college.folder / "home"):
        college.settle()
        connection.close()
        copy_of(college, place / "kept")
        yield college, place / "kept"


@pytest.fixture
def college(_settled: tuple[College, Path]) -> Iterator[College]:
    """A college whose targets all hold what they should; nothing done to it outlasts a test."""
    college, kept = _settled
    yield college
    connection.close()
    return_to(college, kept)

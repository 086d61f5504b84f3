"""What every test may ask for: a PostgreSQL database, the shared data, a database of ours."""

from __future__ import annotations

import gc
import os
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.alone import begin_in
from tests.postgres import (
    MISSING,
    SHARED_SERVER,
    TOUCHING,
    fresh_database,
    postgres_server,
    server_binaries,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from tests.world import World

REPOSITORY = Path(__file__).parents[1]
# As the command line has it; thousands of tests stay, and are looked through again and again.
gc.set_threshold(20_000, 20, 20)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A running PostgreSQL server: the URL of its first database, which stays empty."""
    running = os.environ.get(SHARED_SERVER, "")
    if running:
        yield running
        return
    if server_binaries() is None:
        pytest.skip(MISSING)
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="module")
def quiet_postgres_url() -> Iterator[str]:
    """A server for the tests of one file alone: a feed waits for all that goes on at its server.

    Other tests' transactions, in whatever database, would keep it from forgetting.
    """
    if server_binaries() is None:
        pytest.skip(MISSING)
    with postgres_server() as url:
        yield url


@pytest.fixture
def quiet_database(quiet_postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database on a server where nothing else happens: its URL."""
    with fresh_database(quiet_postgres_url) as url:
        yield url


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """An empty PostgreSQL database for one test: its URL."""
    with fresh_database(postgres_url) as url:
        yield url


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of real data that the tests read; never copied into the project."""
    folder = Path(os.environ.get("MATRICULA_SHARED", REPOSITORY.parent / "shared"))
    if not (folder / "data").is_dir():
        pytest.skip(f"the shared data is not at {folder}; set MATRICULA_SHARED")
    return folder


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Keep SQLite's test database in a file, as the product does; threads then share it."""
    from django.conf import settings

    database = settings.DATABASES["default"]
    if database["ENGINE"].endswith("sqlite3"):
        folder = tmp_path_factory.mktemp("database")
        database.setdefault("TEST", {})["NAME"] = str(folder / "matricula.sqlite3")


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """Make the tests' database, and keep a copy of it from before the first test.

    Gives the copy: a file on SQLite, on PostgreSQL the name of a database.
    """
    from django.db import connection

    with django_db_blocker.unblock():
        place = str(connection.settings_dict["NAME"])
        connection.close()
    if connection.vendor == "sqlite":
        kept = tmp_path_factory.mktemp("untouched") / "matricula.sqlite3"
        with closing(sqlite3.connect(place)) as made, closing(sqlite3.connect(kept)) as copy:
            made.backup(copy)
        yield str(kept)
        return
    with fresh_database(os.environ["MATRICULA_DATABASE_URL"], like=place) as url:
        yield url.rpartition("/")[2]


@pytest.fixture(scope="session", autouse=True)
def nobody_looks() -> None:
    """Print as to a file: pytest's workers claim a terminal's width, which no test is about."""
    os.environ.pop("COLUMNS", None)


@pytest.fixture(scope="session", autouse=True)
def audit_lets_go_between_tests() -> Iterator[None]:
    """Let the flush after a transactional test through; the audit refuses it everywhere else."""
    from django.db import connection
    from django.test import TransactionTestCase

    from matricula.audit import guards

    empty = TransactionTestCase._fixture_teardown

    def empty_unguarded(case: TransactionTestCase) -> None:
        guards.remove(connection)
        empty(case)
        guards.install(connection)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", empty_unguarded)
        yield


@pytest.fixture
def own_database(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, str]:
    """The environment for commands that need a home and a database of their own.

    On PostgreSQL in the second pass of `tests/run.py`, otherwise SQLite in the home.
    """
    environment = {"MATRICULA_HOME": str(tmp_path / "home"), "MATRICULA_DATABASE_URL": ""}
    if os.environ.get("MATRICULA_DATABASE_URL", ""):
        environment["MATRICULA_DATABASE_URL"] = request.getfixturevalue("postgres_database")
    return environment


@pytest.fixture
def ready_database(tmp_path: Path, django_db_setup: str) -> Iterator[dict[str, str]]:
    """The same as `own_database`, with every table made: that takes longer than most commands."""
    home = tmp_path / "home"
    server = os.environ.get("MATRICULA_DATABASE_URL", "")
    if not server:
        begin_in(home, django_db_setup)
        yield {"MATRICULA_HOME": str(home), "MATRICULA_DATABASE_URL": ""}
        return
    with fresh_database(server, like=django_db_setup) as url:
        yield {"MATRICULA_HOME": str(home), "MATRICULA_DATABASE_URL": url}


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what touches the database, and begin with the longest: no worker waits at the end."""
    longest = {
        "examples", "machine", "protocol", "scenarios", "oracle", "test_many_workers.py",
        "test_mass_changes_at_once.py", "test_worker_process.py",
    }  # fmt: skip
    items.sort(key=lambda item: longest.isdisjoint(item.path.parts))
    touching = {"db", "transactional_db", "own_database", "ready_database"}
    for item in items:
        fixtures = set(getattr(item, "fixturenames", ()))
        touches = item.get_closest_marker("django_db") or fixtures & touching
        if touches and not item.get_closest_marker("any_database"):
            item.add_marker("both_databases")
    # Every worker collects the same; one of them tells.
    if TOUCHING in os.environ and os.environ.get("PYTEST_XDIST_WORKER", "gw0") == "gw0":
        files = {str(i.path): None for i in items if i.get_closest_marker("both_databases")}
        Path(os.environ[TOUCHING]).write_text("\n".join(files), encoding="utf-8")


class _ByFile(LoadScopeScheduling):
    """A file stays with one worker, for what its tests share; episodes share nothing.

    The marks by which xdist would group tests are not read any more since pytest 9.2.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.split("::", 1)[0]
        return nodeid if file.endswith("test_machine.py") else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> _ByFile:
    """Share the tests out by file."""
    return _ByFile(config, log)


@pytest.fixture
def world(db: None, tmp_path: Path, capsys: pytest.CaptureFixture[str], settings: Any) -> World:
    """A small university, with Matricula's state in the tests' own database."""
    from tests.world import build

    settings.HOME = tmp_path / "home"
    return build(tmp_path, capsys)

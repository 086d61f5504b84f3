"""What the suite itself promises: servers on loopback, not as root, and gone afterwards."""

from __future__ import annotations

import socket
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries


@pytest.fixture
def _installed() -> None:
    if server_binaries() is None:
        pytest.skip(MISSING)


def _facts(url: str) -> tuple[str, int]:
    with psycopg.connect(url) as connection:
        (listens,) = connection.execute("SHOW listen_addresses").fetchone()
        return listens, int(_first_line_of_postmaster(connection))


def _first_line_of_postmaster(connection: psycopg.Connection) -> str:
    (folder,) = connection.execute("SHOW data_directory").fetchone()
    return (Path(folder) / "postmaster.pid").read_text(encoding="ascii").splitlines()[0]


@pytest.mark.usefixtures("_installed")
@pytest.mark.skipif(not Path("/proc/self").exists(), reason="processes are looked up in /proc")
def test_the_suites_server_listens_on_loopback_runs_as_nobody_special_and_is_gone_after():
    with postgres_server() as url:
        listens, number = _facts(url)
        status = Path(f"/proc/{number}/status")
        owner = status.read_text(encoding="utf-8").split("Uid:")[1].split()[0]

    assert listens == "127.0.0.1"
    assert owner != "0"
    assert not status.exists()
    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", urlsplit(url).port)) != 0


def test_a_database_of_its_own_is_empty_and_dropped_with_whoever_is_connected(postgres_url: str):
    with fresh_database(postgres_url) as url:
        lingering = psycopg.connect(url)
        found = lingering.execute("SELECT count(*) FROM pg_stat_user_tables").fetchone()

    with psycopg.connect(postgres_url) as connection:
        names = {row[0] for row in connection.execute("SELECT datname FROM pg_database")}

    assert found == (0,)
    assert urlsplit(url).path.lstrip("/") not in names
    lingering.close()

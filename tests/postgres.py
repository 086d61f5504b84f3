"""A PostgreSQL server of the tests' own: made, used, stopped and gone.

It listens on a free loopback port with a password of the moment, keeps nothing safe from
a crash (that is what makes it quick), and runs as another user where we are root, because
PostgreSQL refuses root. Where no server is installed, `MISSING` is the one line to say.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

if TYPE_CHECKING:
    from collections.abc import Iterator

SHARED_SERVER = "MATRICULA_TEST_POSTGRES"
# Where the first pass of `tests/run.py` writes down which files the second one is to read.
TOUCHING = "MATRICULA_TEST_TOUCHING"
MISSING = (
    "PostgreSQL is not installed (Debian: apt-get install postgresql); its tests are left out."
)
_INSTALLED = Path("/usr/lib/postgresql")
_QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "64MB",
    "max_connections": "100",
    "log_min_messages": "fatal",
}


def server_binaries() -> Path | None:
    """Find the folder that holds `postgres` and `initdb`; the newest version wins."""
    on_path = shutil.which("initdb")
    by_version = sorted(
        _INSTALLED.glob("*/bin"), key=lambda folder: float(folder.parent.name), reverse=True
    )
    for folder in [Path(on_path).resolve().parent, *by_version] if on_path else by_version:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    return None


@dataclass
class PostgresServer:
    """A server with its data in a folder of its own; it can be stopped and started again."""

    binaries: Path
    folder: Path
    password: str
    port: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The URL of its first database."""
        return f"postgresql://matricula:{self.password}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it, on the port that it had before."""
        self.process, self.port = _start(self.binaries, self.folder, self.password, port=self.port)

    def stop(self) -> None:
        """Stop it, by its own process id."""
        if self.process is not None:
            _stop(self.process)
        self.process = None


@contextmanager
def postgres_server() -> Iterator[str]:
    """Run a server and yield the URL of its first database.

    Raises:
        FileNotFoundError: No server is installed (the message is `MISSING`).
        RuntimeError: It did not start; the message is the end of its log.
    """
    with own_postgres_server() as server:
        yield server.url


@contextmanager
def own_postgres_server() -> Iterator[PostgresServer]:
    """Run a server that whoever asks may stop and start; raises as `postgres_server`."""
    binaries = server_binaries()
    if binaries is None:
        raise FileNotFoundError(MISSING)
    folder = Path(tempfile.mkdtemp(prefix="matricula-pg-"))
    server = PostgresServer(binaries, folder, secrets.token_hex(16))
    try:
        _initialise(binaries, folder, server.password)
        server.start()
        try:
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def fresh_database(server_url: str, *, like: str = "template1") -> Iterator[str]:
    """Create a database, yield its URL, and drop it with whoever is still connected.

    Args:
        server_url: Of any database of the server.
        like: The database that it begins as a copy of, to which nobody is connected; usually
            an empty one.
    """
    name = f"t_{secrets.token_hex(8)}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        create = sql.SQL("CREATE DATABASE {} TEMPLATE {}")
        connection.execute(create.format(sql.Identifier(name), sql.Identifier(like)))
    try:
        yield f"{server_url.rpartition('/')[0]}/{name}"
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            drop = sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name))
            connection.execute(drop)


def _account() -> pwd.struct_passwd | None:
    """Choose who runs the server: ourselves, unless we are root."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwnam("nobody")


def _popen(command: list[str], folder: Path, log: Path) -> subprocess.Popen[bytes]:
    account = _account()
    as_other = (
        {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []} if account else {}
    )
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
            # Its own session: an interrupt at the keyboard must reach the tests, not the server.
            start_new_session=True,
            **as_other,
        )


def _initialise(binaries: Path, folder: Path, password: str) -> None:
    secret = folder / "password"
    secret.write_text(password, encoding="ascii")
    account = _account()
    if account:
        for path in (folder, secret):
            os.chown(path, account.pw_uid, account.pw_gid)
    command = [
        str(binaries / "initdb"),
        "--no-sync",
        "--no-instructions",
        "--encoding=UTF8",
        "--locale=C.UTF-8",
        "--auth=scram-sha-256",
        "--username=matricula",
        f"--pwfile={secret}",
        f"--pgdata={folder / 'cluster'}",
    ]
    log = folder / "log"
    if _popen(command, folder, log).wait() != 0:
        raise RuntimeError(_tail(log))


def _start(
    binaries: Path, folder: Path, password: str, *, port: int
) -> tuple[subprocess.Popen[bytes], int]:
    log, wanted = folder / "log", port
    for _ in range(5):
        port = wanted or _free_port()
        command = [str(binaries / "postgres"), "-D", str(folder / "cluster"), "-p", str(port)]
        command += ["-h", "127.0.0.1", "-k", str(folder)]
        for name, value in _QUICK.items():
            command += ["-c", f"{name}={value}"]
        server = _popen(command, folder, log)
        if _answers(server, port, password):
            return server, port
        # Most likely somebody took the port between our asking and the server's binding.
        _stop(server)
    raise RuntimeError(_tail(log))


def _answers(server: subprocess.Popen[bytes], port: int, password: str) -> bool:
    deadline = time.monotonic() + 30
    while server.poll() is None and time.monotonic() < deadline:
        try:
            psycopg.connect(
                host="127.0.0.1",
                port=port,
                user="matricula",
                password=password,
                dbname="postgres",
                connect_timeout=2,
            ).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return True
    return False


def _stop(server: subprocess.Popen[bytes]) -> None:
    """Stop the server we started, by its own process id: fast, then at once."""
    for how in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
        if server.poll() is not None:
            return
        server.send_signal(how)
        try:
            server.wait(timeout=10)
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-20:])

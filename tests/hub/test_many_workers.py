"""Workers on PostgreSQL share the work, and a killed one's work is taken over; real processes."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from django.db import connection

from matricula.connectors.sql.connector import SqlConnector

REPOSITORY = Path(__file__).parents[2]
STUDENTS = 5_000
TARGETS = ("lms", "library", "print", "sport")
CHARTER = """
institution: Testing University
timezone: Europe/London
currency: GBP
stewards: {it: {name: Identity and Access, notify: it@example.org}}
systems:
  sis:
    connector: sql
    steward: it
    settings:
      url: "sqlite:///PLACE/sis.db"
      resources: {students: {table: students, key: [student_no]}}
SYSTEMS
entities:
  student:
    key: student_no
    roster: sis.students
    fields:
      student_no: {owner: sis.students, type: text}
      version: {owner: sis.students, type: integer}
flows:
FLOWS
"""
SYSTEM = """  NAME:
    connector: sql
    steward: it
    settings:
      url: "sqlite:///PLACE/NAME.db"
      resources: {users: {table: users, key: [idnumber], external_id: id}}
"""
FLOW = """  NAME-accounts:
    purpose: Students use it.
    from: student
    to: NAME.users
    match: {idnumber: student_no}
    fields:
      idnumber: {is: student_no, because: the stable key}
      version: {is: version, because: it is watched}
    cadence: {on_change: true}
    on_exit: leave
    on_drift: restore
    if_unavailable: {queue: true}
    guard: {exits: {share: 10%}, creations: {share: 100%}, changes: {share: 100%}}
    errors_to: it
"""
# Whatever is written is written down beside it, in the order in which it came.
_TARGET = """
CREATE TABLE users (id INTEGER PRIMARY KEY, idnumber TEXT UNIQUE, version INTEGER);
CREATE TABLE log (n INTEGER PRIMARY KEY, idnumber TEXT, version INTEGER);
CREATE TRIGGER made AFTER INSERT ON users BEGIN
    INSERT INTO log (idnumber, version) VALUES (new.idnumber, new.version); END;
CREATE TRIGGER changed AFTER UPDATE ON users BEGIN
    INSERT INTO log (idnumber, version) VALUES (new.idnumber, new.version); END;
"""


class Campus:
    """A student system and four targets in files, and Matricula's state in PostgreSQL."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder = folder
        self.environment = {**os.environ, **environment, "MATRICULA_LEASE_SECONDS": "4"}
        (folder / "charter").mkdir()
        text = CHARTER.replace("SYSTEMS\n", "".join(SYSTEM.replace("NAME", n) for n in TARGETS))
        text = text.replace("FLOWS\n", "".join(FLOW.replace("NAME", n) for n in TARGETS))
        text = text.replace("PLACE", folder.as_posix())
        (folder / "charter" / "charter.yaml").write_text(text, encoding="utf-8")
        with closing(sqlite3.connect(folder / "sis.db")) as database, database:
            database.execute("CREATE TABLE students (student_no TEXT PRIMARY KEY, version INT)")
            rows = [(f"{n:05d}",) for n in range(STUDENTS)]
            database.executemany("INSERT INTO students VALUES (?, 0)", rows)
        for name in TARGETS:
            with closing(sqlite3.connect(folder / f"{name}.db")) as database, database:
                database.executescript(_TARGET)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            self._command(*words), cwd=self.folder, env=self.environment, text=True,
            capture_output=True, check=False, timeout=240,
        )  # fmt: skip

    def start(self) -> subprocess.Popen[str]:
        """Start a worker that looks at the owners every second."""
        return subprocess.Popen(
            self._command("worker", "--look-every", "1"), cwd=self.folder,
            env=self.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-c", "from matricula.cli.main import main; main()", *words]

    def change(self, version: int) -> None:
        """Change everybody at the owner."""
        with closing(sqlite3.connect(self.folder / "sis.db", timeout=30)) as database, database:
            database.execute("UPDATE students SET version = ?", (version,))

    def log(self, name: str) -> list[tuple[str, int]]:
        """What a target was told, in order."""
        with closing(sqlite3.connect(self.folder / f"{name}.db", timeout=30)) as database:
            return database.execute("SELECT idnumber, version FROM log ORDER BY n").fetchall()

    def behind(self, version: int) -> int:
        """How many copies are not at a version yet."""
        total = 0
        for name in TARGETS:
            with closing(sqlite3.connect(self.folder / f"{name}.db", timeout=30)) as database:
                query = "SELECT count(*) FROM users WHERE version <> ?"
                total += database.execute(query, (version,)).fetchone()[0]
        return total


@pytest.fixture
def campus(ready_database: dict[str, str], tmp_path: Path) -> Campus:
    if not ready_database["MATRICULA_DATABASE_URL"]:
        pytest.skip("many workers need PostgreSQL")
    made = Campus(tmp_path, ready_database)
    assert made.run("sign", "--as", "it").returncode == 0
    loaded = made.run("sync")
    assert loaded.returncode == 0, loaded.stdout + loaded.stderr
    return made


def _wait_until(done, seconds: float = 150) -> None:
    until = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.05)


@pytest.mark.parametrize("count", [2, 4])
@pytest.mark.timeout(400)
def test_workers_share_changes_once_each_in_order_though_one_is_killed(campus: Campus, count: int):
    workers = [campus.start() for _ in range(count)]
    try:
        campus.change(1)
        _wait_until(lambda: 0 < campus.behind(1) < len(TARGETS) * STUDENTS)
        workers[0].send_signal(signal.SIGKILL)
        campus.change(2)
        _wait_until(lambda: campus.behind(2) == 0)
        for worker in workers[1:]:
            worker.send_signal(signal.SIGTERM)
        said = [worker.communicate(timeout=60)[0] for worker in workers[1:]]
    finally:
        for worker in workers:
            worker.kill()

    for name in TARGETS:
        told = campus.log(name)
        assert max(Counter(told).values()) == 1, f"{name} was told something twice"
        versions: dict[str, list[int]] = {}
        for key, version in told:
            versions.setdefault(key, []).append(version)
        assert len(versions) == STUDENTS
        assert all(seen == sorted(seen) and seen[-1] == 2 for seen in versions.values())
    assert all("Traceback" not in text for text in said)
    assert campus.run("sync").returncode == 0
    assert campus.run("audit", "verify").returncode == 0
    assert sum(len(campus.log(name)) for name in TARGETS) <= 3 * len(TARGETS) * STUDENTS


@pytest.mark.timeout(200)
def test_two_commands_for_one_target_take_turns_and_for_two_targets_do_not(campus: Campus):
    campus.change(1)
    together = [
        subprocess.Popen(
            campus._command("sync", "--flow", f"{name}-accounts"), cwd=campus.folder,
            env=campus.environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )
        for name in ("lms", "library", "lms")
    ]  # fmt: skip

    said = [one.communicate(timeout=120)[0] for one in together]

    codes = [one.returncode for one in together]
    assert codes[1] == 0, said[1]
    assert codes.count(0) >= 2
    assert all("M516" in text for text, code in zip(said, codes, strict=True) if code)
    assert max(Counter(campus.log("lms")).values()) == 1


@pytest.mark.django_db(transaction=True)
def test_a_run_that_lost_its_lease_sends_nothing_more_and_the_rest_is_still_to_come(
    world, monkeypatch, settings
):
    if connection.vendor != "postgresql":
        pytest.skip("leases need PostgreSQL")
    world.settle()
    settings.LEASE_SECONDS = 1
    world.sis("UPDATE students SET name = 'Ada Byron' WHERE student_no = '00001'")
    world.sis("UPDATE sections SET title = 'Laws' WHERE code = 'LAW1'")
    write = SqlConnector.write

    def slowly(connector, name, writes, *, at):
        # As if this machine had stood still: meanwhile another took over.
        with connection.cursor() as cursor:
            taken = "UPDATE hub_lease SET holder = 'another', until = now() + interval '1 hour'"
            cursor.execute(taken)
        time.sleep(1.2)
        return write(connector, name, writes, at=at)

    with monkeypatch.context() as standing_still:
        standing_still.setattr(SqlConnector, "write", slowly)
        lost = world.run("sync", "--flow", "lms-accounts", "--flow", "lms-courses")
    in_between = world.everything_in_lms()
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM hub_lease")
    after = world.run("sync")

    assert lost.code == 1
    assert "M529" in lost.err
    assert ("Ada Byron" in str(in_between), "Laws" in str(in_between)) in {
        (True, False),
        (False, True),
    }
    assert after.code == 0, after.out
    held = str(world.everything_in_lms())
    assert ("Ada Byron" in held, "Laws" in held) == (True, True)


def test_a_second_worker_on_sqlite_is_refused(tmp_path: Path):
    made = Campus(
        tmp_path, {"MATRICULA_HOME": str(tmp_path / "home"), "MATRICULA_DATABASE_URL": ""}
    )
    made.run("sign", "--as", "it")
    first = made.start()
    try:
        assert first.stdout is not None
        assert "working" in first.stdout.readline()
        time.sleep(1)

        second = made.run("worker", "--rounds", "1")
    finally:
        first.send_signal(signal.SIGTERM)
        first.communicate(timeout=60)

    assert second.returncode == 1
    assert "M528" in second.stderr

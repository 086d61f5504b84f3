"""The mass-change matrix against two workers, as real processes on PostgreSQL.

Both work on while one source after another is broken and mended, so that every broken one is
met by both. Some of the matrix unless `MATRICULA_TEST_WHOLE=1`: one of each way of being told.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import psycopg
import pytest

from tests.scenarios.broken import MATRIX, departments
from tests.scenarios.college import STEWARDS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.scenarios.college import College

_MAIN = "from matricula.cli.main import main; main()"
_LOAD = f"""
from matricula.cli.main import run
for office in {STEWARDS!r}:
    run(["sign", "--as", office])
run(["sync"])
"""
_OPEN = "SELECT code, place, steward FROM hub_incident WHERE closed_at IS NULL"
_PATIENCE = 60
_SOME = ("is truncated", "is half", "empties a class of thirty", "updates everybody")
_TRIED = MATRIX if os.environ.get("MATRICULA_TEST_WHOLE") else {s: MATRIX[s] for s in _SOME}


class Working:
    """A worker whose log is read."""

    def __init__(self, college: College, environment: dict[str, str]) -> None:
        words = ["worker", "--look-every", "1", "--log-json"]
        self.log = college.folder / f"{id(self)}.log"
        with self.log.open("w") as told:
            self.process = subprocess.Popen(
                [sys.executable, "-c", _MAIN, *words], cwd=college.folder, env=environment,
                stdout=subprocess.DEVNULL, stderr=told,
            )  # fmt: skip

    def told(self) -> list[dict[str, object]]:
        """What it told so far."""
        lines = self.log.read_text(encoding="utf-8").splitlines(keepends=True)
        return [json.loads(line) for line in lines if line.endswith("\n")]


@pytest.fixture
def college(ready_database: dict[str, str], tmp_path: Path) -> tuple[College, dict[str, str]]:
    if not ready_database["MATRICULA_DATABASE_URL"]:
        pytest.skip("two workers need PostgreSQL")
    made = departments(tmp_path / "college")
    environment = {**os.environ, **ready_database, "MATRICULA_LEASE_SECONDS": "10"}
    subprocess.run(
        [sys.executable, "-c", _LOAD], cwd=made.folder, env=environment, check=True,
        stdout=subprocess.DEVNULL, timeout=120,
    )  # fmt: skip
    return made, environment


@contextmanager
def two_workers(college: College, environment: dict[str, str]) -> Iterator[list[Working]]:
    workers = [Working(college, environment) for _ in range(2)]
    try:
        yield workers
        for worker in workers:
            worker.process.send_signal(signal.SIGTERM)
        assert [worker.process.wait(timeout=60) for worker in workers] == [0, 0]
    finally:
        for worker in workers:
            worker.process.kill()


def _until(holds: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE
    while not holds():
        assert time.monotonic() < until, "it did not come about in time"
        time.sleep(0.1)


def _runs(worker: Working) -> int:
    return sum(event["event"] == "run" for event in worker.told())


def _two_more_runs(workers: list[Working]) -> None:
    enough = [_runs(worker) + 2 for worker in workers]
    _until(lambda: all(_runs(w) >= n for w, n in zip(workers, enough, strict=True)))


@pytest.mark.timeout(400)
def test_two_workers_let_nothing_through_and_tell_one_office_once_whatever_is_broken(
    college: tuple[College, dict[str, str]],
):
    made, environment = college
    before, rows, campus = made.targets(), made.students.read_bytes(), made.folder / "campus.db"
    copy_of_campus = campus.read_bytes()
    met = {}

    with psycopg.connect(environment["MATRICULA_DATABASE_URL"], autocommit=True) as database:

        def told() -> list[tuple[str, str, str]]:
            return database.execute(_OPEN).fetchall()

        with two_workers(made, environment) as workers:
            for said, broken in _TRIED.items():
                broken.breaks(made)
                _until(lambda: told() != [])
                # The run in hand may have read what was whole; the next has read what is broken.
                _two_more_runs(workers)
                met[said] = (told(), made.targets() == before)
                made.rewrite(made.students, lambda _: rows)
                made.rewrite(campus, lambda _: copy_of_campus)
                _until(lambda: told() == [])
            log = [event for worker in workers for event in worker.told()]

    assert met == {
        said: ([(broken.code, broken.place, broken.steward)], True)
        for said, broken in _TRIED.items()
    }
    assert made.targets() == before
    assert [event for event in log if event["event"] == "failed"] == []
    assert all(_runs(worker) > len(_TRIED) for worker in workers)

"""Bench small changes through the durable hub: how long one takes, and how many go by a second.

    python bench/small.py [--people 1000] [--times 40] [--only sqlite]

The university of `bench/hub.py`: one source, four targets in this process that accept
everything. One person changes at the owner, again and again, and each time it is measured
until all four targets have taken it, every step durable. Then most people change at once,
again and again. On PostgreSQL also with two processes, each towards two of the targets.
Then a target comes back after having been away while most people changed; it takes its time
for every batch, and the yardstick is a bare loop that hands it the same batches.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import hub
from measure import table

from matricula.connectors.kit.errors import TryAgain
from matricula.connectors.kit.protocol import Write
from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Outcome

HEADS = ("what", "found", "ratio", "reach")
LIMITS = {"SQLite": (30, 150, 2_000), "PostgreSQL": (50, 200, 1_500)}
PACE = 0.2  # seconds a batch of 1,000
OUTAGE = 40_000
# The guard lets three quarters of everybody change in a day.
SOME = "student_no[9:] < '7'"


class Slow(hub.Accepting):
    """A target that takes its time, and that is away while a file says so."""

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        if (self._folder / f"{self._system}.away").exists():
            message = f"{self._system} does not answer."
            raise TryAgain(message, code="M601", cure="Wait until it does.")
        if (self._folder / "slow").exists():
            time.sleep(PACE * len(writes) / hub.BATCH)
        return super().write(resource, writes, at=at)


# What the university's charter calls its targets by.
hub.Accepting = Slow  # type: ignore[misc]  # a class in a class's place


def change(folder: Path, people: int, turn: int, *, whom: str = SOME) -> None:
    """Give some people a new address for mail, at their owner."""
    path = folder / "students.parquet"
    fresh = path.with_suffix(".new")
    mail = f"CASE WHEN {whom} THEN 't{turn}.' || student_no || '@n.example' ELSE email END"
    told = f"SELECT * REPLACE ({mail} AS email) FROM ({hub.PEOPLE.format(rows=people)})"
    duckdb.connect().execute(f"COPY ({told}) TO '{fresh}' (FORMAT parquet)")
    fresh.replace(path)


def passed(
    folder: Path, turn: int, flows: tuple[str, ...] = (), *, whole: bool = True
) -> tuple[int, float]:
    """Make one pass over what changed; give the effects and the seconds."""
    from matricula.hub import runs
    from matricula.hub.planning import Scope

    desk = hub.desk(folder, 48 * turn)
    before = time.perf_counter()
    done = runs.sync(desk, Scope(flows, full=False))
    seconds = time.perf_counter() - before
    assert done.is_whole == whole, done.plan.flows
    return sum(part.counts["answered"] for part in done.delivered), seconds


def ready() -> None:
    """Make the hub ready in this process, its database being there."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    from matricula.hub import runs as _  # noqa: F401 - for its side: what a pass needs is loaded


def one_by_one(folder: Path, people: int, times: int) -> list[float]:
    """Time how long one change takes, in milliseconds."""
    took = []
    for turn in range(1, times + 1):
        change(folder, people, turn, whom=f"student_no = 'S{turn:08d}'")
        # The one before goes back as well: two people change, and eight copies.
        effects, seconds = passed(folder, turn)
        assert effects in {4, 8}, effects
        took.append(seconds * 1000)
    return took


def all_at_once(folder: Path, people: int, flows: tuple[str, ...], turns: range) -> float:
    """Say how many effects a second a process has when most people change, again and again."""
    effects, seconds = 0, 0.0
    for turn in turns:
        change(folder, people, turn)
        more, took = passed(folder, turn, flows)
        effects, seconds = effects + more, seconds + took
    return effects / seconds


def side_by_side(folder: Path, people: int, turn: int) -> float:
    """Say how many effects a second two processes have, each towards two targets."""
    change(folder, people, turn)
    names = [f"{system}-people" for system in hub.TARGETS]
    shares = (names[:2], names[2:])
    workers = [
        subprocess.Popen(
            [sys.executable, __file__, "--share", str(folder), str(turn), ",".join(share)],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )
        for share in shares
    ]  # fmt: skip
    for worker in workers:
        assert worker.stdout is not None
        worker.stdout.readline()
    before = time.perf_counter()
    for worker in workers:
        assert worker.stdin is not None
        worker.stdin.write("now\n")
        worker.stdin.flush()
    told = [json.loads(worker.communicate()[0]) for worker in workers]
    return sum(told) / (time.perf_counter() - before)


def share(folder: Path, turn: int, flows: str) -> None:
    """Be one of the processes that work side by side."""
    ready()
    print("ready", flush=True)
    sys.stdin.readline()
    effects, _ = passed(folder, turn, tuple(flows.split(",")))
    print(json.dumps(effects))


def back_again(folder: Path, people: int, turn: int) -> tuple[int, float, float]:
    """Time how long a target that was away takes to be as it should, and a bare loop."""
    away = folder / "lms.away"
    away.touch()
    change(folder, people, turn)
    passed(folder, turn, whole=False)
    away.unlink()
    (folder / "slow").touch()
    effects, ours = passed(folder, turn + 1)
    target = Slow(hub.NoSettings(), _Place(folder))  # type: ignore[arg-type]  # what it reads of it
    before = time.perf_counter()
    for batch in batches(effects):
        target.write("people", batch, at=hub.START)
    return effects, ours, time.perf_counter() - before


class _Place:
    system = "lms"

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def batches(count: int) -> Iterator[list[Write]]:
    """Make as many changes of one form, in batches."""
    fields = {"email": "t1.S00000001@n.example"}
    one = Write("key", "update", "xS00000001", fields, frozenset(fields))
    for start in range(0, count, hub.BATCH):
        yield [one] * min(hub.BATCH, count - start)


def one_change(database: str, folder: Path, people: int, times: int) -> list[tuple[str, ...]]:
    """Tell how long one change takes."""
    p50, p99, _ = LIMITS[database]
    took = sorted(one_by_one(loaded(folder, people), people, times))
    middle, last = statistics.median(took), took[int(len(took) * 0.99)]
    what = f"{database}: one change to four targets"
    return [
        (f"{what}, p50", f"{middle:.0f} ms", f"{middle / p50:.2f}", f"{p50} ms"),
        (f"{what}, p99", f"{last:.0f} ms", f"{last / p99:.2f}", f"{p99} ms"),
    ]


def many_changes(database: str, folder: Path) -> list[tuple[str, ...]]:
    """Tell how many changes go by."""
    rate, people = LIMITS[database][2], 2_000
    loaded(folder, people)
    one = all_at_once(folder, people, (), range(1, 6))
    what = f"{database}: most of {people:,} people at once, again and again"
    rows = [(what, f"{one:,.0f} effects/s", f"{one / rate:.2f}", f"{rate:,}/s")]
    if database == "PostgreSQL":
        two = statistics.median(side_by_side(folder, people, turn) for turn in (6, 7, 8))
        told = f"{two / one:.2f} of one"
        rows.append((f"{database}: two processes", f"{two:,.0f} effects/s", told, "1.6 of one"))
    return rows


def outage(database: str, folder: Path) -> list[tuple[str, ...]]:
    """Tell how long a target that was away takes."""
    effects, ours, bare = back_again(loaded(folder, OUTAGE), OUTAGE, 1)
    told = f"{ours / bare:.2f} of a bare loop"
    return [(f"{database}: {effects:,} copies after an outage", f"{ours:.1f} s", told, "1.05")]


def loaded(folder: Path, people: int) -> Path:
    """Make the university, and load it."""
    hub.make(folder, people)
    hub.load(folder)
    return folder


def alone(what: str, database: str, people: int, times: int) -> list[tuple[str, ...]]:
    """Bench in a process and a folder of its own; the environment says which database."""
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as place:
        home = Path(place) / "home"
        home.mkdir()
        words = ["--alone", what, database, place, str(people), str(times)]
        ran = subprocess.run(
            [sys.executable, __file__, *words], text=True, stdout=subprocess.PIPE, check=True,
            env={**os.environ, "MATRICULA_HOME": str(home)},
        )  # fmt: skip
    return [tuple(row) for row in json.loads(ran.stdout.splitlines()[-1])]


def measured(what: str, database: str, place: str, *sizes: str) -> list[tuple[str, ...]]:
    """Be the process that benches one thing."""
    ready()
    if what == "one":
        return one_change(database, Path(place), *map(int, sizes))
    return (many_changes if what == "many" else outage)(database, Path(place))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=1_000)
    parser.add_argument("--times", type=int, default=40)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--alone", nargs=5, help=argparse.SUPPRESS)
    parser.add_argument("--share", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.share:
        folder, turn, flows = chosen.share
        share(Path(folder), int(turn), flows)
        return
    if chosen.alone:
        print(json.dumps(measured(*chosen.alone)))
        return
    rows: list[tuple[str, ...]] = []
    for what in ("one", "many", "away"):
        if chosen.only != "postgresql":
            os.environ["MATRICULA_DATABASE_URL"] = ""
            rows += alone(what, "SQLite", chosen.people, chosen.times)
        if chosen.only != "sqlite" and server_binaries() is not None:
            with postgres_server() as url, fresh_database(url) as fresh:
                os.environ["MATRICULA_DATABASE_URL"] = fresh
                rows += alone(what, "PostgreSQL", chosen.people, chosen.times)
    if server_binaries() is None:
        print(MISSING)
    print(table(rows, HEADS))


if __name__ == "__main__":
    main()

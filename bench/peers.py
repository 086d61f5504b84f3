"""Bench the diff step for one target against other ways to compare two tables.

    python bench/peers.py [--times 3] [--people 1000000]

What is compared: eight fields of a million people as one target should hold them, with
what it holds; 0.5 % differ. The peers get both tables ready made as Parquet, typed. Ours is
measured twice. *The step alone* gets the same two tables and says which fields of which
keys differ (`bench/step.py`). *The whole line* begins with the three owners' files, judges,
composes, projects and diffs, and has the target's copies by their fingerprints. Each peer
runs in an environment of its own, made here from the names and versions below; what cannot
be installed is said.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import duckdb
import pyarrow.dataset as ds
from made import FLOWS, make, people_charter
from measure import HEADS, Measured, child, in_turns, measure, row, table

if TYPE_CHECKING:
    from collections.abc import Callable

FLOW = "lms-accounts"
PEERS = {
    "dictionary": ("a Python dictionary loop", ("pyarrow==26.0.1",)),
    "pandas": ("pandas compare", ("pandas==3.0.6", "pyarrow==26.0.1")),
    "datacompy": ("datacompy", ("datacompy==1.1.0", "pandas==3.0.6", "pyarrow==26.0.1")),
    "reladiff": ("reladiff", ("reladiff[duckdb]==0.6.0", "duckdb==2.0.0", "pyarrow==26.0.1")),
    "dlt": ("dlt merge", ("dlt[duckdb,parquet]", "duckdb", "pyarrow==26.0.1")),
}


def the_step(folder: Path) -> str:
    from engine import THREADS
    from step import differences

    from matricula.engine.workbench import Bench

    with tempfile.TemporaryDirectory(dir=folder) as run:
        found = differences(folder, Bench(Path(run), memory_mb=600, threads=THREADS))
    named = sorted({name for fields in found["fields"].to_pylist() for name in fields})
    return f"{found.num_rows:,} differ, in {', '.join(named)}"


def the_line(folder: Path) -> str:
    from dataclasses import replace

    from engine import THREADS, feed_of, told

    from matricula.engine import line
    from matricula.engine.workbench import Bench, open_workbench

    charter = people_charter()
    charter = replace(charter, flows={FLOW: charter.flows[FLOW]})
    with (
        tempfile.TemporaryDirectory(dir=folder) as run,
        open_workbench(Bench(Path(run), memory_mb=600, threads=THREADS)) as bench,
    ):
        feed = feed_of(folder, charter)
        verdicts = line.take_in(bench, charter, feed)
        plan = line.make_plan(bench, charter, feed, flows=[FLOW], verdicts=verdicts)
    return told(plan, plan.changes)


OURS = {
    "step": ("ours, the step alone", the_step),
    "line": ("ours, the whole line from the owners' files", the_line),
}


def lay_out(folder: Path) -> None:
    """Write what the target should hold and what it holds as two typed tables."""
    if (folder / "both.duckdb").exists():
        return
    connection = duckdb.connect(str(folder / "both.duckdb"))
    for name, when in (("wanted", "now"), ("held", "before")):
        for resource in ("sis.students", "idp.users"):
            connection.register(resource, ds.dataset(folder / f"{resource}.{when}.parquet"))
        fields = ", ".join(f'{text} AS "{field}"' for field, text in sorted(FLOWS[FLOW].items()))
        connection.execute(
            f'CREATE TABLE {name} AS SELECT student_no AS _id, {fields} FROM "sis.students" s '
            'JOIN "idp.users" u ON u.external_id = s.student_no '
            "WHERE status IN ('active', 'on_leave')"
        )
        connection.execute(f"COPY {name} TO '{folder / name}.parquet'")
    connection.close()


def environment(base: Path, name: str) -> str | None:
    """Make the environment of a peer; None when it cannot be had."""
    folder = base / f"env-{name}"
    python = folder / "bin" / "python"
    if not (folder / "ready").exists():
        made = subprocess.run([sys.executable, "-m", "venv", str(folder)], check=False)
        wanted = [str(python), "-m", "pip", "install", "--quiet", *PEERS[name][1]]
        got = subprocess.run(wanted, capture_output=True, check=False)
        if made.returncode or got.returncode:
            return None
        (folder / "ready").touch()
    return str(python)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="keep what is made here for another run")
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        child(lambda: OURS[chosen.work[0]][1](Path(chosen.work[1])))
        return
    base = chosen.folder or Path(tempfile.mkdtemp(prefix="matricula-bench-"))
    try:
        bench_peers(base, chosen)
    finally:
        if not chosen.folder:
            shutil.rmtree(base)


def bench_peers(base: Path, chosen: argparse.Namespace) -> None:
    folder = base / f"people-{chosen.people}"
    make(folder, people_charter(), chosen.people)
    lay_out(folder)
    pythons = {name: environment(base, name) for name in PEERS}
    jobs = {
        name: lambda name=name: measure("peers.py", "--work", name, str(folder)) for name in OURS
    }
    for name, python in pythons.items():
        if python is None:
            print(f"{PEERS[name][0]}: cannot be installed here, left out")
            continue
        jobs[name] = lambda name=name, python=python: measure(
            "peer.py", name, str(folder), python=python
        )
    found = in_turns(chosen.times, {name: job for name, job in jobs.items() if works(name, job)})
    fastest = min(result.wall for name, result in found.items() if name not in OURS)
    print(
        table(
            [
                row(
                    OURS[name][0] if name in OURS else PEERS[name][0],
                    result,
                    ratio=result.wall / fastest,
                    reach="0.5" if name == "step" else "",
                )
                for name, result in found.items()
            ],
            HEADS,
        )
    )


def works(name: str, job: Callable[[], Measured]) -> bool:
    """Run it once; what fails is said, and the others are measured in turns."""
    try:
        job()
    except RuntimeError as error:
        print(f"{name}: failed, left out. {str(error)[-300:]}")
        return False
    return True


if __name__ == "__main__":
    main()

"""Bench the engine: full passes and passes from source deltas against a scan-and-hash.

    python bench/engine.py [--times 3] [--people 1000000] [--enrolments 10000000]

The yardstick reads the same files, Arrow into DuckDB, every text written out, and hashes
every row. A full pass reads, judges, resolves, composes, projects, diffs and guards
everybody. A pass from source deltas reads the sources, finds the changed keys by their
fingerprints and computes those alone. Ratios are of wall time in the same run.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from made import Known, enrolment_charter, make, people_charter
from measure import HEADS, Measured, child, in_turns, measure, row, table

from matricula.engine import delta, line, read
from matricula.engine.feed import Feed
from matricula.engine.workbench import Bench, open_workbench

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.charter.model import Charter, ResourceRef

THREADS = 2


def charter_of(folder: Path) -> Charter:
    return enrolment_charter() if folder.name.startswith("enrolments") else people_charter()


def feed_of(folder: Path, charter: Charter, when: str = "now") -> Feed:
    from datetime import UTC, datetime

    resources = [r for entity in charter.entities.values() for r in entity.owners()]
    return Feed(
        datetime(2026, 11, 23, tzinfo=UTC),
        {r: read.Snapshot(r, ds.dataset(folder / f"{r}.{when}.parquet")) for r in resources},
        Known(folder),
        copies=dict.fromkeys(charter.flows, 10**9),
    )


def scan_and_hash(folder: Path) -> str:
    """Read all inputs and hash every row."""
    connection = duckdb.connect()
    connection.execute(f"SET threads = {THREADS}; SET preserve_insertion_order = false")
    rows = 0
    for path in sorted([*folder.glob("*.now.parquet"), *folder.glob("*.state.parquet")]):
        # In small batches, as a pass reads; but every text is written out, whereas a pass
        # reads those that a file keeps once each as such.
        batches = ds.dataset(path).scanner(
            batch_size=65_536,
            batch_readahead=1,
            fragment_readahead=1,
            memory_pool=pa.system_memory_pool(),
        )
        connection.register("input", batches.to_reader())
        found = connection.execute("SELECT bit_xor(hash(input)), count(*) FROM input").fetchall()
        rows += found[0][1]
        connection.unregister("input")
    return f"{rows:,} rows"


def told(plan: object, changes: pa.Table) -> str:
    return f"{changes.num_rows:,} changes, {plan.digest[:8]}"  # type: ignore[attr-defined]  # a Plan


def full_pass(folder: Path, memory_mb: int) -> str:
    charter = charter_of(folder)
    with tempfile.TemporaryDirectory(dir=folder) as run:
        size = Bench(Path(run), memory_mb=memory_mb, threads=THREADS)
        with open_workbench(size) as bench:
            feed = feed_of(folder, charter)
            verdicts = line.take_in(bench, charter, feed)
            plan = line.make_plan(
                bench, charter, feed, flows=list(charter.flows), verdicts=verdicts
            )
    return told(plan, plan.changes)


def indexes(
    bench: duckdb.DuckDBPyConnection, charter: Charter, folder: Path
) -> dict[tuple[str, ResourceRef], ds.Dataset]:
    """Fingerprint every owner's records and keep that on disk, as the hub does."""
    kept = {}
    for (entity, resource), index in delta.index_all(bench, charter.entities.values()):
        path = folder / f"{entity}.{resource}.index.parquet"
        with pq.ParquetWriter(path, index.schema, use_dictionary=False) as kept_in:
            for rows in index:
                kept_in.write_batch(rows)
        kept[entity, resource] = ds.dataset(path)
    return kept


def keep_indexes(folder: Path) -> None:
    """Keep the fingerprints of the state before, as of the pass before."""
    charter = charter_of(folder)
    with open_workbench() as bench:
        line.take_in(bench, charter, feed_of(folder, charter, "before"))
        indexes(bench, charter, folder)


def delta_pass(folder: Path, memory_mb: int) -> str:
    charter = charter_of(folder)
    with tempfile.TemporaryDirectory(dir=folder) as run:
        size = Bench(Path(run), memory_mb=memory_mb, threads=THREADS)
        with open_workbench(size) as bench:
            feed = feed_of(folder, charter)
            verdicts = line.take_in(bench, charter, feed, prints=True)
            now = indexes(bench, charter, Path(run))
            before = {
                (entity, resource): ds.dataset(folder / f"{entity}.{resource}.index.parquet")
                for entity, resource in now
            }
            dirty = delta.dirty_keys(bench, charter, now, before)
            feed = Feed(feed.at, feed.snapshots, feed.known, dirty=dirty, copies=feed.copies)
            plan = line.make_plan(
                bench, charter, feed, flows=list(charter.flows), verdicts=verdicts
            )
    return told(plan, plan.changes)


WORK: dict[str, Callable[[Path, int], str]] = {
    "scan": lambda folder, _: scan_and_hash(folder),
    "full": full_pass,
    "delta": delta_pass,
}


def job(work: str, folder: Path, memory_mb: int) -> Callable[[], Measured]:
    return lambda: measure("engine.py", "--work", work, str(folder), str(memory_mb))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--enrolments", type=int, default=10_000_000)
    parser.add_argument("--folder", type=Path, help="keep the made data here for another run")
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        name, folder, memory_mb = chosen.work
        child(lambda: WORK[name](Path(folder), int(memory_mb)))
        return
    base = chosen.folder or Path(tempfile.mkdtemp(prefix="matricula-bench-"))
    try:
        print(table(bench_all(base, chosen), HEADS))
    finally:
        if not chosen.folder:
            shutil.rmtree(base)


def bench_all(base: Path, chosen: argparse.Namespace) -> list[tuple[str, ...]]:
    rows: list[tuple[str, ...]] = []
    if chosen.people:
        rows += bench_people(base / f"people-{chosen.people}", chosen)
    if chosen.enrolments:
        rows += bench_enrolments(base / f"enrolments-{chosen.enrolments}", chosen)
    return rows


def bench_people(folder: Path, chosen: argparse.Namespace) -> list[tuple[str, ...]]:
    make(folder, people_charter(), chosen.people)
    keep_indexes(folder)
    found = in_turns(
        chosen.times,
        {
            "scan": job("scan", folder, 0),
            "full": job("full", folder, 600),
            "delta": job("delta", folder, 200),
        },
    )
    scan, full, changed = found["scan"], found["full"], found["delta"]
    name = f"{chosen.people:,} people"
    return [
        row(f"{name}: scan and hash", scan),
        row(f"{name}: full pass", full, ratio=full.wall / scan.wall, reach="5.5, 1000 MB"),
        row(f"{name}: from deltas", changed, ratio=changed.wall / scan.wall, reach="2.2, 400 MB"),
    ]


def bench_enrolments(folder: Path, chosen: argparse.Namespace) -> list[tuple[str, ...]]:
    make(folder, enrolment_charter(), chosen.enrolments)
    found = in_turns(
        chosen.times,
        {
            "scan": job("scan", folder, 0),
            "full": job("full", folder, 400),
            "small": job("full", folder, 300),
        },
    )
    scan, full, small = found["scan"], found["full"], found["small"]
    name = f"{chosen.enrolments:,} enrolments"
    return [
        row(f"{name}: scan and hash", scan),
        row(f"{name}: full pass", full, ratio=full.wall / scan.wall, reach="1500 MB"),
        row(
            f"{name}: full, limit 300 MB", small, ratio=small.wall / full.wall,
            reach="2 x the full pass",
        ),
    ]  # fmt: skip


if __name__ == "__main__":
    main()

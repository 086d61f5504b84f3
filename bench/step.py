"""Ours, the diff step alone: two ready tables in, the keys and fields that differ out.

It is what the engine does with two readings of one source: both are fingerprinted as typed
columns, prints are compared by buckets, and text is written only of the copies that differ.
Both readings are judged on the way (types, blank keys, keys that stand twice).
"""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import md5
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
from made import COPIES, copies_charter

from matricula.engine import compose, delta, line, project, read, state
from matricula.engine.feed import Feed
from matricula.engine.workbench import Bench, arrow, open_workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import duckdb

AT = datetime(2026, 11, 23, tzinfo=UTC)
CHARTER = copies_charter()
COPY, FLOW = CHARTER.entities["copy"], CHARTER.flows["copies"]


class Told:
    """What the target confirmed of the copies that differ."""

    def __init__(self, texts: pa.Table) -> None:
        self.texts = texts.rename_columns(["key", "confirmed"])

    def state(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give their links; these were chosen by flow and keys before."""
        del flow, keys
        told = self.texts["confirmed"].to_pylist()
        prints = [md5(text.encode(), usedforsecurity=False).hexdigest() for text in told]
        rows = len(told)
        return pa.table(
            {
                "key": self.texts["key"],
                "external_id": self.texts["key"],
                "state": pa.array(["active"] * rows, pa.string()),
                "digest": pa.array(prints, pa.string()),
                "refused": pa.nulls(rows, pa.string()),
                "retry": pa.array([False] * rows, pa.bool_()),
            }
        )

    def confirmed(self, flow: str, keys: pa.Table | None) -> pa.Table:
        """Give their texts."""
        del flow, keys
        return self.texts


NOTHING = Told(pa.table({"key": pa.array([], pa.string()), "after": pa.array([], pa.string())}))


@contextmanager
def taken_in(
    path: Path, size: Bench
) -> Iterator[tuple[duckdb.DuckDBPyConnection, Feed, dict[object, read.Verdict]]]:
    """Read and judge one of the tables, on a workbench of its own."""
    snapshot = read.Snapshot(COPIES, ds.dataset(path))
    feed = Feed(AT, {COPIES: snapshot}, NOTHING, copies={FLOW.name: 10**9})
    with open_workbench(size) as bench:
        yield bench, feed, line.take_in(bench, CHARTER, feed, prints=True)


def texts_of(bench: duckdb.DuckDBPyConnection, keys: pa.Table) -> pa.Table:
    """Write some copies as canonical text."""
    state.load_links(bench, "dirty_copy", keys)
    compose.compose(bench, COPY, only_dirty=True)
    written = project.project(bench, CHARTER, FLOW, on=AT.date())
    return arrow(bench, written).select(["key", "after"])


def differences(folder: Path, size: Bench) -> pa.Table:
    """Find the copies that differ between `held` and `wanted`, and in which fields."""
    with (
        taken_in(folder / "held.parquet", size) as (held, _, _),
        taken_in(folder / "wanted.parquet", size) as (wanted, feed, verdicts),
    ):
        before = {pair: index.read_all() for pair, index in delta.index_all(held, [COPY])}
        now = {pair: index.read_all() for pair, index in delta.index_all(wanted, [COPY])}
        dirty = delta.dirty_keys(wanted, CHARTER, now, before)
        assert dirty is not None
        known = Told(texts_of(held, dirty["copy"]))
        some = Feed(AT, feed.snapshots, known, dirty=dirty, copies=feed.copies)
        plan = line.make_plan(wanted, CHARTER, some, flows=[FLOW.name], verdicts=verdicts)
    return plan.changes.select(["key", "kind", "fields"])

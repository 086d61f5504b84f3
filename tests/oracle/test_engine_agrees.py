"""The engine and its slow Python twin find the same in random worlds.

One pass of the engine costs the same for one small world as for many, so each pass is
given many: two hundred and twenty worlds side by side in the same tables, every identifier
with its world's mark before it. Worlds know nothing of one another, so what the engine finds is
parted again by that mark and each world is compared with the oracle's answer for it alone.
Two passes over text and typed sources, five examples each: 2,200 worlds, six flows each.
Text is compared key by key, as few rows are, and typed columns by buckets, as many are.
"""

from __future__ import annotations

from datetime import UTC, datetime
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from matricula.engine import line, moved, read
from matricula.engine.feed import Feed
from matricula.engine.workbench import Bench, open_workbench
from tests.oracle import northfield as nf
from tests.oracle import worlds as ws
from tests.oracle.oracle import Found, World, find

AT = datetime(2026, 11, 23, 12, tzinfo=UTC)
WORLDS = 220


def feed_of(worlds: list[World], *, typed: bool, memory: ws.Memory) -> Feed:
    tables = ws.source_tables(worlds, typed=typed)
    maker = ws.Maker(Random(0), "")
    seen = {}
    for flow in nf.FLOWS:
        hidden = {n for n in flow.fields if maker.mark_hides(flow, n)}
        rows = [row for w in worlds for row in w.seen.get(flow.name, [])]
        if any(flow.name in w.seen for w in worlds):
            seen[flow.name] = ws.seen_table(rows, flow, hidden)
    decided = {e: k for w in worlds for e, k in w.crosswalk.get(nf.PATRONS, {}).items()}
    return Feed(
        AT,
        {r: read.Snapshot(r, t) for r, t in tables.items()},
        memory,
        seen=seen,
        crosswalk={
            ("student", nf.PATRONS): pa.table(
                {
                    "external_id": pa.array(list(decided), pa.string()),
                    "key": pa.array(list(decided.values()), pa.string()),
                }
            )
        },
    )


def plan_of(worlds: list[World], *, typed: bool) -> Any:
    feed = feed_of(worlds, typed=typed, memory=ws.Memory(ws.gather_copies(worlds)))
    with open_workbench(Bench(small=True)) as bench:
        verdicts = line.take_in(bench, nf.NORTHFIELD, feed)
        return line.make_plan(
            bench, nf.NORTHFIELD, feed, flows=list(nf.NORTHFIELD.flows), verdicts=verdicts
        )


def parted(rows: pa.Table, flow: str, marks: list[str]) -> dict[str, dict[str, Any]]:
    """Rows of one flow, by mark and key; a key that stands there twice is a failure."""
    found: dict[str, dict[str, Any]] = {mark: {} for mark in marks}
    for row in rows.to_pylist():
        if row.pop("flow") == flow:
            key = row.pop("key")
            here = found[key.split(".", 1)[0] + "."]
            assert key not in here, f"{flow}: two rows for {key}"
            here[key] = row
    return found


def keys_of(rows: pa.Table, flow: str) -> list[str]:
    return sorted(row["key"] for row in rows.to_pylist() if row["flow"] == flow)


def assert_found(plan: Any, expected: dict[str, dict[str, Found]]) -> None:
    marks = list(expected)
    for part in plan.flows:
        changes = parted(plan.changes, part.flow, marks)
        drift = parted(plan.drift, part.flow, marks)
        aside = [
            (row["key"], row["code"]) for row in plan.aside.to_pylist() if row["flow"] == part.flow
        ]
        ended = {
            "settled": keys_of(plan.settled, part.flow),
            "void": keys_of(plan.void, part.flow),
        }
        for mark in marks:
            wanted = expected[mark][part.flow]
            assert changes[mark] == wanted.changes
            assert drift[mark] == wanted.drift
            assert sorted(a for a in aside if a[0].startswith(mark)) == sorted(wanted.aside)
            for word, keys in ended.items():
                here = [key for key in keys if key.startswith(mark)]
                assert here == sorted(k for k, how in wanted.ended.items() if how == word)
        assert part.unchanged == sum(expected[mark][part.flow].unchanged for mark in marks)


def check_worlds(seed: int, *, typed: bool, few: int) -> None:
    random = Random(seed)
    made = {
        f"w{n}.": ws.Maker(random, f"w{n}.", typed=typed).world(nf.NORTHFIELD)
        for n in range(WORLDS)
    }
    for world in made.values():
        for flow in nf.FLOWS:  # a run reads a target or does not
            world.seen.setdefault(flow.name, [])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(moved, "FEW", few)
        plan = plan_of(list(made.values()), typed=typed)

    assert_found(
        plan,
        {
            mark: {f.name: find(nf.NORTHFIELD, world, f, nf.EXPRESSIONS) for f in nf.FLOWS}
            for mark, world in made.items()
        },
    )


@settings(max_examples=5, deadline=None, database=None, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_the_engine_finds_what_the_oracle_finds_in_text(seed: int) -> None:
    check_worlds(seed, typed=False, few=10**6)


@settings(max_examples=5, deadline=None, database=None, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_the_engine_finds_what_the_oracle_finds_in_typed_columns(seed: int) -> None:
    # As many rows are looked through by buckets first.
    check_worlds(seed, typed=True, few=0)

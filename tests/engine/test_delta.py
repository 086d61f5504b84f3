"""What a source changed is what a full pass finds: proven on random histories.

Sixty worlds stand side by side in each history, as in `tests/oracle`; after every step of
it both passes are made, must agree, and are delivered.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from matricula.engine import delta, line, moved, read
from matricula.engine.feed import Feed
from matricula.engine.workbench import Bench, open_workbench
from matricula.kernel.digests import document
from tests.engine.campus import AT, CARDS, PEOPLE, campus, cards, feed_of, people
from tests.oracle import northfield as nf
from tests.oracle import worlds as ws
from tests.oracle.oracle import Copy, World

WORLDS, STEPS = 40, 3
# Sums that cannot be computed are told apart at a price, and the oracle pays it already.
CHARTER = nf.charter(*[flow for flow in nf.FLOWS if flow.name not in {"sums", "dues"}])


def index_all(bench: Any, made: Any) -> dict[Any, pa.Table]:
    found = delta.index_all(bench, made.entities.values())
    return {pair: index.read_all() for pair, index in found}


def waiting_keys(copies: dict[str, dict[str, Copy]]) -> dict[str, pa.Table]:
    """What the hub marks besides: copies that wait for another one's identifier."""
    keys = [key for key, copy in copies["enr"].items() if copy.state == "waiting"]
    return {"enrolment": pa.table({"key": pa.array(keys, pa.string())})}


def deliver(plan: Any, copies: dict[str, dict[str, Copy]]) -> None:
    """Let every target do as it is told."""
    for row in plan.changes.to_pylist():
        held = copies[row["flow"]]
        key, kind, after = row["key"], row["kind"], row["after"]
        if kind == "delete":
            del held[key]
        elif kind == "suspend":
            held[key].state = "suspended"
        elif row["waits"] and not (after := filled(row, copies)):
            held.setdefault(key, Copy(None, "waiting", None))
        else:
            external = row["external_id"] or f"{row['flow']}:{key}"
            held[key] = Copy(external, "active", after)


def filled(row: dict[str, Any], copies: dict[str, dict[str, Copy]]) -> str:
    told = json.loads(row["after"])
    for name, asked in json.loads(row["waits"]).items():
        copy = copies[asked[0]].get(asked[1])
        if copy is None or copy.external_id is None:
            return ""
        told[name] = copy.external_id
    return document(told)


def check_history(seed: int, patch: pytest.MonkeyPatch) -> None:
    random = Random(seed)
    makers = [ws.Maker(random, f"w{n}.") for n in range(WORLDS)]
    first = [maker.sources() for maker in makers]
    now = [dict(rows) for rows in first]
    copies: dict[str, dict[str, Copy]] = {flow.name: {} for flow in CHARTER.flows.values()}
    before: dict[Any, pa.Table] = {}
    found = 0
    few = moved.FEW
    for step in range(STEPS):
        # Many are looked through by buckets, few are compared at once.
        patch.setattr(moved, "FEW", few if step % 2 else 0)
        tables = ws.source_tables([World(rows) for rows in now], typed=False)
        snapshots = {r: read.Snapshot(r, table) for r, table in tables.items()}
        feed = Feed(AT, snapshots, ws.Memory(copies))
        with open_workbench(Bench(small=True)) as bench:
            verdicts = line.take_in(bench, CHARTER, feed, prints=True)
            index = index_all(bench, CHARTER)
            chosen = {"flows": list(CHARTER.flows), "verdicts": verdicts}
            full = line.make_plan(bench, CHARTER, feed, **chosen)
            if before:
                dirty = delta.dirty_keys(bench, CHARTER, index, before)
                dirty = delta.add_keys(dirty, waiting_keys(copies))
                some = Feed(AT, snapshots, ws.Memory(copies), dirty=dirty)
                part = line.make_plan(bench, CHARTER, some, **chosen)
                assert part.changes.to_pylist() == full.changes.to_pylist()
                assert [f.digest for f in part.flows] == [f.digest for f in full.flows]
                found += part.changes.num_rows
        deliver(full, copies)
        before = index
        now = [maker.step(rows, old) for maker, rows, old in zip(makers, now, first, strict=True)]
    assert found


@settings(max_examples=3, deadline=None, database=None, phases=[Phase.generate])
@given(st.integers(0, 2**32))
def test_a_pass_over_changed_keys_finds_what_a_full_pass_finds(seed: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        check_history(seed, patch)


def indexed(tables: Any, *, prints: bool = True, **more: Any) -> dict[Any, pa.Table]:
    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, campus(), feed_of(tables, **more), prints=prints)
        return index_all(bench, campus())


def dirty_between(now: Any, before: Any) -> list[str] | None:
    earlier = indexed(before)
    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, campus(), feed_of(now))
        found = delta.dirty_keys(bench, campus(), index_all(bench, campus()), earlier)
    return None if found is None else sorted(found["person"]["key"].to_pylist())


AMARA, BELA = ("1", "Amara", "active"), ("2", "Bela", "active")
USUAL = {PEOPLE: people(AMARA, BELA), CARDS: cards(("1", "1.00"), ("2", "2.00"))}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (USUAL, []),
        ({**USUAL, PEOPLE: people(BELA, AMARA)}, []),
        ({**USUAL, PEOPLE: people(AMARA)}, ["2"]),
        ({**USUAL, PEOPLE: people(AMARA, BELA, ("3", "Chidi", "left"))}, ["3"]),
        ({**USUAL, PEOPLE: people(("1", "Amy", "active"), BELA)}, ["1"]),
        ({**USUAL, CARDS: cards(("1", "1.00"), ("2", "2.01"))}, ["2"]),
        ({**USUAL, CARDS: cards(("1", "1.00"), ("2", "2.000"))}, []),
        ({**USUAL, CARDS: cards(("1", "1.00"))}, ["2"]),
        ({**USUAL, CARDS: cards(("1", "1.00"), ("2", "2.00"), ("2", "2.00"))}, ["2"]),
        ({**USUAL, CARDS: cards(("1", "1.00"), ("2", "not money"))}, ["2"]),
        ({**USUAL, CARDS: cards(("1", "1.00"), (None, "2.00"))}, ["2"]),
    ],
)
def test_a_key_is_dirty_when_its_owner_says_something_else(now: Any, expected: list[str]) -> None:
    assert dirty_between(now, USUAL) == expected
    assert dirty_between(USUAL, now) == expected


def test_a_value_that_was_not_of_its_type_and_is_now_absent_is_a_change() -> None:
    wrong = {**USUAL, CARDS: cards(("1", "1.00"), ("2", "not money"))}
    absent = {**USUAL, CARDS: cards(("1", "1.00"), ("2", None))}

    assert dirty_between(absent, wrong) == ["2"]


def told(indexes: dict[Any, pa.Table]) -> dict[Any, list[Any]]:
    return {pair: sorted(index.to_pylist(), key=str) for pair, index in indexes.items()}


@pytest.mark.parametrize(
    "tables",
    [
        USUAL,
        {**USUAL, CARDS: cards(("1", "1.00"), ("2", "2.00"), ("2", "2.00"))},
        {**USUAL, CARDS: cards(("1", "1.00"), ("2", "not money"))},
        {**USUAL, CARDS: cards(("1", "1.00"), (None, "2.00"))},
    ],
)
def test_prints_taken_on_the_first_look_are_those_taken_afterwards(tables: Any) -> None:
    assert told(indexed(tables)) == told(indexed(tables, prints=False))


def test_prints_stand_under_the_key_that_a_steward_decided() -> None:
    swapped = pa.table({"external_id": ["r0", "r1"], "key": ["2", "1"]})

    decided = indexed(USUAL, crosswalk={("person", CARDS): swapped})["person", CARDS]

    spelled = indexed({**USUAL, CARDS: cards(("2", "1.00"), ("1", "2.00"))})["person", CARDS]
    assert told({CARDS: decided}) == told({CARDS: spelled})


def test_an_index_of_another_making_says_nothing() -> None:
    earlier = indexed(USUAL)
    pair = ("person", CARDS)
    strange = {**earlier, pair: earlier[pair].replace_schema_metadata({b"duckdb": b"0.1 n_fines"})}
    missing = {other: index for other, index in earlier.items() if other != pair}

    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, campus(), feed_of(USUAL))
        now = index_all(bench, campus())
        found = [delta.dirty_keys(bench, campus(), now, before) for before in (strange, missing)]

    assert found == [None, None]


def test_an_entity_without_an_index_has_no_dirty_keys() -> None:
    earlier = indexed(USUAL)

    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, campus(), feed_of(USUAL))
        found = delta.dirty_keys(bench, campus(), {}, earlier)

    assert found is not None
    assert found["person"].num_rows == 0


def test_a_record_is_dirty_when_what_it_refers_to_is() -> None:
    maker = ws.Maker(Random(3), "w0.")
    rows = maker.sources()
    code = rows[nf.PROGRAMMES][0]["n_code"]
    for row in rows[nf.STUDENTS]:
        row["n_programme"] = code
    retitled = {**rows, nf.PROGRAMMES: [{**r, "n_title": "Renamed"} for r in rows[nf.PROGRAMMES]]}
    expected = sorted(row["n_student_no"] for row in rows[nf.STUDENTS])

    def feed(world: Any) -> Feed:
        tables = ws.source_tables([World(world)], typed=False)
        return Feed(AT, {r: read.Snapshot(r, t) for r, t in tables.items()}, ws.Memory({}))

    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, nf.NORTHFIELD, feed(rows))
        earlier = index_all(bench, nf.NORTHFIELD)
    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, nf.NORTHFIELD, feed(retitled))
        now = index_all(bench, nf.NORTHFIELD)
        found = delta.dirty_keys(bench, nf.NORTHFIELD, now, earlier)

    assert expected
    assert found is not None
    assert sorted(found["student"]["key"].to_pylist()) == expected
    assert found["enrolment"].num_rows == 0


def test_marked_keys_are_added_to_those_that_changed() -> None:
    some, more = pa.table({"key": ["1"]}), pa.table({"key": pa.array(["2"], pa.large_string())})

    joined = delta.add_keys({"person": some}, {"person": more, "place": more})

    assert joined["person"]["key"].to_pylist() == ["1", "2"]
    assert joined["place"]["key"].to_pylist() == ["2"]

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pyarrow as pa
import pytest

from matricula.charter.model import Guard, Limit
from matricula.engine import plan as plans
from matricula.engine.workbench import open_workbench
from tests.engine.campus import (
    CARDS,
    PEOPLE,
    accounts,
    campus,
    cards,
    copy,
    people,
    plan_of,
    seen,
)

ROWS = [(f"{n:03d}", f"Person {n}", "active" if n % 3 else "left") for n in range(200)]
OWED = [(f"{n:03d}", f"{n}.00") for n in range(0, 200, 2)]
KNOWN = {
    "accounts": {
        f"{n:03d}": copy('{"first":"Old","number":"x","owed":null}', external_id=f"x{n}")
        for n in range(0, 200, 5)
    }
}


def digest_of(rows: Any = ROWS, owed: Any = OWED, made: Any = None, **more: Any) -> str:
    tables = {PEOPLE: people(*rows), CARDS: cards(*owed)}
    return plan_of(made or campus(), tables, more.pop("known", KNOWN), **more).digest


def test_the_digest_is_the_same_whatever_the_order_of_rows_and_the_number_of_threads() -> None:
    random = Random(1)
    digests = {digest_of(threads=threads) for threads in (1, 2, 4)}
    for _ in range(3):
        digests.add(digest_of(random.sample(ROWS, 200), random.sample(OWED, 100)))

    assert len(digests) == 1


def changed(place: int, row: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [*ROWS[:place], row, *ROWS[place + 1 :]]


@pytest.mark.parametrize(
    "rows",
    [
        changed(1, ("001", "Person One", "active")),
        changed(1, ("001", "Person 1", "left")),
        ROWS[:-1],
        [*ROWS, ("200", "Person 200", "active")],
    ],
)
def test_another_content_is_another_digest(rows: list[tuple[str, ...]]) -> None:
    assert digest_of(rows) != digest_of()


def test_what_the_target_holds_is_part_of_the_digest() -> None:
    other = {"accounts": {**KNOWN["accounts"], "005": copy("{}", external_id="x5")}}
    elsewhere = {
        "accounts": {
            **KNOWN["accounts"],
            "005": replace(KNOWN["accounts"]["005"], external_id="y5"),
        }
    }

    assert len({digest_of(), digest_of(known=other), digest_of(known=elsewhere)}) == 3


def test_the_charter_and_what_holds_the_plan_are_part_of_the_digest() -> None:
    usual = digest_of()
    other = digest_of(made=replace(campus(), digest="another"))
    held = digest_of(made=campus(accounts(guard=Guard(Limit(), Limit(count=1), Limit()))))

    assert len({usual, other, held}) == 3


def test_an_edit_in_the_target_that_is_only_reported_leaves_the_digest_as_it_is() -> None:
    made = campus(accounts(on_drift="report"))
    text = '{"first":"Amara","number":"1","owed":null}'
    tables = {PEOPLE: people(("1", "Amara", "active")), CARDS: cards(("9", "1"))}
    known = {"accounts": {"1": copy(text)}}

    quiet = plan_of(
        made, tables, known, seen={"accounts": seen(("x1", False, "1", "Amara", None))}
    )
    loud = plan_of(
        made, tables, known, seen={"accounts": seen(("x1", False, "1", "Edited", None))}
    )

    assert quiet.digest == loud.digest
    assert (quiet.drift.num_rows, loud.drift.num_rows) == (0, 1)


def test_changes_stand_by_flow_as_delivered_and_then_by_key() -> None:
    one, two = accounts(), replace(accounts(), name="badges")
    tables = {PEOPLE: people(("2", "B", "active"), ("1", "A", "active")), CARDS: cards(("1", "1"))}

    plan = plan_of(campus(two, one), tables)

    found = [(row["flow"], row["key"]) for row in plan.changes.to_pylist()]
    assert found == [("badges", "1"), ("badges", "2"), ("accounts", "1"), ("accounts", "2")]


def test_a_plan_of_no_flow_is_empty_and_has_its_columns() -> None:
    with open_workbench() as bench:
        nothing = plans.gather(bench, [], "change", plans.COLUMNS)

    assert nothing.num_rows == 0
    assert nothing.column_names == ["flow", *plans.COLUMNS]
    assert pa.types.is_list(nothing.schema.field("fields").type)


def test_counts_and_what_is_held_add_up() -> None:
    tables = {PEOPLE: people(*ROWS), CARDS: cards(*OWED, ("001", "not money"))}

    [found] = plan_of(campus(), tables, KNOWN).flows

    active = sum(1 for row in ROWS if row[2] == "active")
    done = sum(found.counts.get(kind, 0) for kind in ("create", "update", "match", "resume"))
    assert done + found.unchanged + sum(found.aside.values()) == active
    assert found.held == sum(found.aside.values()) == 1


def test_rows_of_a_kind_are_picked_out() -> None:
    rows = pa.table({"kind": ["create", "update", "create"], "key": ["1", "2", "3"]})

    assert plans.pick(rows, "kind", "create")["key"].to_pylist() == ["1", "3"]

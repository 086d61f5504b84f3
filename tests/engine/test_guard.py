from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from matricula.charter.model import Each, Guard, Limit, ResourceRef, Window
from matricula.engine.guard import Standing, allowed, guard, windows
from matricula.engine.line import local_date
from matricula.kernel.keys import join_key
from tests.engine.campus import (
    CARDS,
    PEOPLE,
    TEXT,
    accounts,
    campus,
    cards,
    copy,
    people,
    plan_of,
    texts,
)
from tests.oracle.northfield import charter, entity, flow

FREE = Limit()
SEATS = ResourceRef("sis", "seats")


def held(counts: dict[str, int], limits: Guard, *, copies: int = 100) -> list[str]:
    return [r.code for r in guard(accounts(guard=limits), counts, Standing(copies))]


@pytest.mark.parametrize(
    ("kind", "code", "limits"),
    [
        ("suspend", "M501", Guard(Limit(5), FREE, FREE)),
        ("delete", "M501", Guard(Limit(5), FREE, FREE)),
        ("create", "M502", Guard(FREE, Limit(5), FREE)),
        ("update", "M503", Guard(FREE, FREE, Limit(5))),
        ("resume", "M503", Guard(FREE, FREE, Limit(5))),
        ("restore", "M503", Guard(FREE, FREE, Limit(5))),
    ],
)
def test_a_kind_is_let_go_up_to_its_limit_and_not_one_row_beyond(
    kind: str, code: str, limits: Guard
) -> None:
    assert held({kind: 5}, limits) == []
    assert held({kind: 6}, limits) == [code]


def test_suspensions_and_deletions_count_together() -> None:
    assert held({"suspend": 3, "delete": 3}, Guard(Limit(5), FREE, FREE)) == ["M501"]


def test_recording_a_copy_that_agrees_is_never_held() -> None:
    assert held({"match": 100}, Guard(Limit(0), Limit(0), Limit(0))) == []


def test_the_smaller_of_count_and_share_holds() -> None:
    assert allowed(Limit(10, 25), copies=1000, first_load=False) == 25
    assert allowed(Limit(10, 25), copies=100, first_load=False) == 10
    assert allowed(FREE, copies=100, first_load=False) is None


def test_a_small_group_may_lose_one_and_not_two() -> None:
    limits = Guard(Limit(5), FREE, FREE)

    assert held({"suspend": 1}, limits, copies=3) == []
    assert held({"suspend": 2}, limits, copies=3) == ["M501"]


def test_a_class_of_thirty_may_not_be_emptied() -> None:
    assert held({"suspend": 30}, Guard(Limit(10, 50), FREE, FREE), copies=30) == ["M501"]


def test_a_share_that_a_float_cannot_say_is_still_exact() -> None:
    assert allowed(Limit(7), copies=100, first_load=False) == 7
    assert allowed(Limit(0.1), copies=3000, first_load=False) == 3


def test_a_first_load_is_held_by_a_count_and_not_by_a_share() -> None:
    assert held({"create": 500}, Guard(FREE, Limit(20), FREE), copies=0) == []
    assert held({"create": 500}, Guard(FREE, Limit(20, 499), FREE), copies=0) == ["M502"]


def test_the_reason_says_what_would_happen_and_what_is_allowed_in_rows() -> None:
    limits = Guard(Limit(5), FREE, FREE)

    [reason] = guard(accounts(guard=limits), {"suspend": 9}, Standing(100))

    assert "9 exits of 100 copies; the guard allows 5." in reason.message
    assert reason.kinds == frozenset()


def test_what_went_out_in_the_last_day_counts_with_the_plan() -> None:
    flow = accounts(guard=Guard(Limit(5), FREE, FREE))

    [reason] = guard(flow, {"suspend": 2}, Standing(96, earlier={"suspend": 4}))
    nothing_more = guard(flow, {"update": 1}, Standing(96, earlier={"suspend": 9}))

    assert "2 exits beside 4 of the last day of 100 copies; the guard allows 5." in reason.message
    assert nothing_more == ()


def test_creations_of_the_day_are_measured_by_the_copies_before_it() -> None:
    flow = accounts(guard=Guard(FREE, Limit(50), FREE))

    assert guard(flow, {"create": 10}, Standing(110, earlier={"create": 10})) == ()
    [reason] = guard(flow, {"create": 41}, Standing(110, earlier={"create": 10}))
    assert reason.code == "M502"


def test_a_flow_that_was_never_delivered_in_full_may_create_and_not_lose() -> None:
    flow = accounts(guard=Guard(Limit(5), Limit(5), Limit(5)))

    found = guard(flow, {"create": 90, "suspend": 6}, Standing(10, first_load=True))

    assert [reason.code for reason in found] == ["M501"]


@given(st.floats(0, 100), st.integers(0, 10**7))
def test_a_share_never_allows_more_than_it_rounded_up(share: float, copies: int) -> None:
    rows = allowed(Limit(share), copies=copies, first_load=False)

    assert rows is not None
    assert share * copies / 100 - 1e-6 <= rows < share * copies / 100 + 1


FREEZE = Window("board", date(2026, 11, 23), date(2026, 11, 25), ("accounts",), "freeze")


@pytest.mark.parametrize(("day", "is_held"), [(22, False), (23, True), (25, True), (26, False)])
def test_a_window_holds_on_its_first_and_its_last_day(day: int, is_held: bool) -> None:
    made = replace(campus(), calendar=(FREEZE,))

    assert bool(windows(made, accounts(), on=date(2026, 11, day))) is is_held


def test_a_window_leaves_other_flows_alone() -> None:
    made = replace(campus(), calendar=(replace(FREEZE, flows=("others",)),))

    assert windows(made, accounts(), on=date(2026, 11, 23)) == ()


def test_a_window_of_additions_lets_creations_through_and_nothing_else() -> None:
    window = replace(FREEZE, mode="additions_only")
    made = replace(campus(), calendar=(window,))
    tables = {
        PEOPLE: people(("1", "Amara", "active"), ("2", "Bela", "left")),
        CARDS: cards(("1", "0")),
    }
    copies = {"accounts": {"2": copy('{"first":"Bela","number":"2","owed":null}')}}

    [found] = plan_of(made, tables, copies).flows

    assert found.counts == {"create": 1, "suspend": 1}
    assert not found.is_held("create")
    assert found.is_held("suspend")
    assert found.held == 1


def test_the_day_is_the_institutions_and_not_that_of_greenwich() -> None:
    made = replace(campus(), timezone="Pacific/Auckland")

    assert local_date(made, datetime(2026, 11, 23, 12, tzinfo=UTC)) == date(2026, 11, 24)


def test_an_instant_without_its_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        local_date(campus(), datetime(2026, 11, 23, 12))  # noqa: DTZ001 - that is the point


SEAT = entity("seat", ["who", "room"], SEATS, {"who": (SEATS, TEXT), "room": (SEATS, TEXT)})
PER_ROOM = Guard(Limit(each=Each(("room",), Limit(10))), FREE, FREE)
# Thirty in one room, three in another, whose name holds what parts a key; many elsewhere.
SEATED = [
    *[(f"{n:03d}", "law") for n in range(30)],
    *[(f"{n:03d}", "a|b") for n in range(3)],
    *[(f"{n:03d}", "hall") for n in range(400)],
]


def held_in_rooms(gone: int, room: str, *, some: bool, lately: int = 0) -> list[str]:
    """Take people out of a room, in a pass over all keys or over those alone."""
    seats = flow(
        "seats", "seat", {"who": "who", "room": "room"}, match=["who", "room"], guard=PER_ROOM
    )
    keys = {pair: join_key(pair) for pair in SEATED}
    mine = [pair for pair in SEATED if pair[1] == room]
    leaving, left = mine[:gone], mine[gone : gone + lately]
    copies = {
        keys[pair]: copy(f'{{"room":"{pair[1]}","who":"{pair[0]}"}}', external_id=keys[pair])
        for pair in SEATED
        if pair not in left
    }
    rows = [pair for pair in SEATED if pair not in {*leaving, *left}]
    dirty = {"seat": pa.table({"key": [keys[pair] for pair in leaving]})} if some else None
    recent = pa.table({"key": [keys[pair] for pair in left], "kind": ["suspend"] * lately})
    plan = plan_of(
        charter(seats, entities=[SEAT]), {SEATS: texts(["n_who", "n_room"], rows)},
        {"seats": copies}, dirty=dirty,
        recent={"seats": recent} if lately else {},
    )  # fmt: skip
    assert plan.flows[0].counts == {"suspend": gone}
    return [reason.message for reason in plan.flows[0].reasons]


@pytest.mark.parametrize("some", [False, True])
def test_a_class_that_empties_is_held_however_many_there_are_elsewhere(some: bool) -> None:
    assert held_in_rooms(3, "law", some=some) == []
    assert held_in_rooms(4, "law", some=some) == [
        "4 exits of 30 copies of law; the guard allows 3."
    ]
    assert held_in_rooms(1, "a|b", some=some) == []
    assert held_in_rooms(2, "a|b", some=some) == [
        "2 exits of 3 copies of a|b; the guard allows 1."
    ]
    assert held_in_rooms(2, "law", some=some, lately=2) == [
        "2 exits beside 2 of the last day of 30 copies of law; the guard allows 3."
    ]

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from matricula.charter.model import ResourceRef
from tests.engine.campus import PEOPLE, TEXT, campus, codes, people, take_in, texts
from tests.oracle.northfield import charter, entity, flow

if TYPE_CHECKING:
    from collections.abc import Sequence

PLACES = ResourceRef("sis", "places")
PLACE = entity("place", ["who", "what"], PLACES, {"who": (PLACES, TEXT), "what": (PLACES, TEXT)})


def register(keys: Sequence[str]) -> pa.Table:
    return people(*[(key, "somebody", "active") for key in keys])


def found(before: Sequence[str], now: Sequence[str]) -> list[str]:
    tables = {PEOPLE: register(now)}
    return codes(take_in(campus(), tables, previous={PEOPLE: register(before)})[PEOPLE])


USUAL = [f"{n:06d}" for n in range(100, 140)]


def test_lost_zeros_are_recognised() -> None:
    assert "M408" in found(USUAL, [key.lstrip("0") for key in USUAL])


def test_lost_zeros_are_recognised_in_one_department_of_many() -> None:
    assert found(USUAL, [*USUAL[:35], *[key.lstrip("0") for key in USUAL[35:]]]) == ["M408"]


def test_one_leaver_among_many_whose_number_without_zeros_joins_is_no_damage() -> None:
    gone = ["000007", "000555", "000777"]

    assert found([*USUAL, *gone], [*USUAL, "7", "000900", "000901"]) == []


def test_sections_that_became_dates_are_recognised() -> None:
    sections = ["10-20", "10-21", "3-4", "MAR1", "12-01"]

    damaged = ["20-Oct", "21-Oct", "04-Mar", "01-Mar", "2026-12-01"]
    assert "M409" in found([*USUAL, *sections], [*USUAL, *damaged])


@pytest.mark.parametrize("damaged", ["20-Oct", "Oct-20", "2026-10-20", "10/20/2026", "20.10.2026"])
def test_a_single_date_where_a_section_was_is_enough(damaged: str) -> None:
    assert found([*USUAL, "10-20"], [*USUAL, damaged]) == ["M409"]


def test_identifiers_that_are_dates_may_come_and_go() -> None:
    days = [f"2026-09-{n:02d}" for n in range(1, 20)]

    assert found(days, [*days[1:], "2026-10-01"]) == []


def test_a_new_identifier_that_looks_like_a_date_is_no_damage_when_no_section_is_gone() -> None:
    assert found([*USUAL, "LAW"], [*USUAL, "20-Oct"]) == []


def test_reissued_identifiers_are_recognised() -> None:
    assert found(USUAL, [f"A{n}" for n in range(40)]) == ["M407"]


def test_everybody_renumbered_is_no_damage_once_a_steward_told_of_it() -> None:
    now = [f"A{n}" for n in range(40)]
    tables, told = {PEOPLE: register(now)}, pa.table({"id": [*USUAL, *now]})
    previous = {PEOPLE: register(USUAL)}

    assert codes(take_in(campus(), tables, previous=previous, renumbered=told)[PEOPLE]) == []


@pytest.mark.parametrize(
    ("kept", "fresh", "expected"),
    [
        (20, 20, []),  # half of them: as many leave at the end of a year
        (19, 21, ["M407"]),
        (19, 10, []),  # fewer came than half of those who went
        (19, 11, ["M407"]),
        (0, 0, None),  # an empty source is another fault
    ],
)
def test_turnover_is_reissue_only_when_most_go_and_strangers_come(
    kept: int, fresh: int, expected: list[str] | None
) -> None:
    now = [*USUAL[:kept], *[f"A{n}" for n in range(fresh)]]

    assert found(USUAL, now) == (["M401"] if expected is None else expected)


def test_ordinary_churn_is_no_damage() -> None:
    assert found(USUAL, [*USUAL[3:], "000900", "000901", "10-20"]) == []


def test_a_first_snapshot_has_nothing_to_be_compared_with() -> None:
    assert codes(take_in(campus(), {PEOPLE: register(["7"])})[PEOPLE]) == []


def test_a_predecessor_without_the_key_column_judges_nothing() -> None:
    before = texts(["other"], [("1",)])

    verdict = take_in(campus(), {PEOPLE: register(["7"])}, previous={PEOPLE: before})[PEOPLE]

    assert verdict.is_trusted


def test_a_new_term_of_known_students_is_not_reissue() -> None:
    made = charter(flow("seats", "place", {"who": "who"}), entities=[PLACE])
    names = ["n_who", "n_what"]
    before = texts(names, [(key, f"2025-{n % 3}") for n, key in enumerate(USUAL)])
    now = texts(names, [(key, f"2026-{n % 3}") for n, key in enumerate(USUAL)])

    verdict = take_in(made, {PLACES: now}, previous={PLACES: before})[PLACES]

    assert codes(verdict) == []


def test_numbers_that_were_text_before_are_compared_as_text() -> None:
    numbers = pa.array([int(key) for key in USUAL])
    now = register(USUAL).set_column(1, "n_no", numbers)

    verdict = take_in(campus(), {PEOPLE: now}, previous={PEOPLE: register(USUAL)})[PEOPLE]

    assert "M408" in codes(verdict)


def test_the_same_identifiers_in_another_order_are_no_damage() -> None:
    assert found(USUAL, USUAL[::-1]) == []


@pytest.mark.parametrize(("kept", "told"), [(40, []), (30, []), (29, ["M415"]), (20, ["M415"])])
def test_many_known_identifiers_that_are_gone_are_told_and_the_reading_is_trusted(
    kept: int, told: list[str]
) -> None:
    tables = {PEOPLE: register(USUAL[:kept])}

    verdict = take_in(campus(), tables, previous={PEOPLE: register(USUAL)})[PEOPLE]

    assert verdict.is_trusted
    assert [finding.code for finding in verdict.findings] == told


def test_a_few_who_leave_a_small_group_are_nothing_to_tell() -> None:
    tables = {PEOPLE: register(USUAL[:2])}

    verdict = take_in(campus(), tables, previous={PEOPLE: register(USUAL[:6])})[PEOPLE]

    assert verdict.findings == ()

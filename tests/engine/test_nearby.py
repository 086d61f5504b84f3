"""Who comes or changes is compared with those alone that share something with them."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pytest

from matricula.engine import compose, line, match, nearby
from matricula.engine.workbench import Bench, open_workbench, register
from tests.engine.campus import feed_of, texts
from tests.engine.test_match import AMARA, CARDS, NAMES, PEOPLE, crowd, made

AGAIN = ("2", "Amarra", "Okafor", "1999-03-04", "NE1 4LP")
TWIN = ("3", "Zoltan", "Okafor", "1999-03-04", "NE1 4LP")
MARRIED = ("4", "Amara", "Lindqvist", "1999-03-04", "NE1 4LP")
CARD = ("misspelt", "amara", "OKÁFOR", "1999-03-04", "2.50")


class Campus:
    """Rosters and cards of one day after the other, and what is kept of them."""

    def __init__(self) -> None:
        self.person = made().entities["person"]
        self.kept: nearby.Kept | None = None

    def compare_all(self, *people: Any, cards: Any = ()) -> list[dict[str, Any]]:
        with open_workbench(Bench(small=True)) as bench:
            line.take_in(bench, made(), feed_of(_tables(people, cards)))
            found = match.candidates(bench, self.person, trusted=[CARDS, PEOPLE])
            rows = nearby.kept_rows(bench, self.person).read_all()
            blocks = nearby.kept_blocks(bench, self.person).read_all()
            self.kept = nearby.Kept(rows, ds.dataset(blocks), rows.slice(0, 0))
        return found.to_pylist()

    def compare(self, keys: str, *people: Any, cards: Any = ()) -> list[dict[str, Any]]:
        assert self.kept is not None
        with open_workbench(Bench(small=True)) as bench:
            line.take_in(bench, made(), feed_of(_tables(people, cards)))
            register(bench, "dirty_person", pa.table({"key": list(keys)}))
            compose.compose(bench, self.person, only_dirty=True)
            found, since = nearby.candidates(
                bench, self.person, self.kept, trusted=[CARDS, PEOPLE]
            )
        self.kept = nearby.Kept(self.kept.rows, self.kept.blocks, since)
        return found.to_pylist()


def _tables(people: Any, cards: Any) -> dict[Any, Any]:
    names = ["card", "first", "last", "birth", "n_fines"]
    return {
        PEOPLE: texts(NAMES, [*crowd(), *people]),
        CARDS: texts(names, [*cards, ("c0", "", "", "", "")]),
    }


def of(key: str, pairs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [pair for pair in pairs if key in (pair["key"], pair["other"])]


def names(pairs: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
    return [(p["key"], p["resource"], p["other"], p["evidence"]) for p in pairs]


@pytest.mark.parametrize("key", ["1", "2", "3", "4", "c7"])
def test_of_whom_the_full_comparison_knew_the_same_is_found_as_probable_as_there(key: str) -> None:
    campus = Campus()
    people = [AMARA, AGAIN, TWIN, MARRIED]

    every = campus.compare_all(*people, cards=[CARD])

    found = campus.compare(key, *people, cards=[CARD])
    assert found == of(key, every)
    assert bool(found) == (key != "c7")


@pytest.mark.parametrize("new", [AMARA, AGAIN, TWIN, MARRIED])
def test_who_comes_after_it_is_found_as_if_all_were_compared_again(new: tuple[str, ...]) -> None:
    campus, people = Campus(), [AMARA, AGAIN, TWIN, MARRIED]
    campus.compare_all(*[one for one in people if one != new], cards=[CARD])

    found = campus.compare(new[0], *people, cards=[CARD])

    assert names(found) == names(of(new[0], campus.compare_all(*people, cards=[CARD])))
    assert len(found) >= 2


def test_two_who_come_one_after_the_other_are_found() -> None:
    campus = Campus()
    campus.compare_all()
    campus.compare("1", AMARA)

    found = campus.compare("2", AMARA, AGAIN)

    assert names(found) == [("1", "sis.people", "2", ["close", "equal", "equal", "equal"])]


def test_two_who_come_at_once_are_found_once() -> None:
    campus = Campus()
    campus.compare_all()

    assert [(p["key"], p["other"]) for p in campus.compare("12", AMARA, AGAIN)] == [("1", "2")]


def test_who_has_gone_since_is_proposed_to_nobody() -> None:
    campus = Campus()
    campus.compare_all(AMARA)
    campus.compare("1")

    assert campus.compare("2", AGAIN) == []
    assert [p["other"] for p in campus.compare("1", AGAIN, AMARA)] == ["2"]


def test_a_card_that_is_somebodys_by_now_is_proposed_to_nobody() -> None:
    campus = Campus()
    campus.compare_all(cards=[CARD])

    found = campus.compare("1", AMARA, cards=[("1", *CARD[1:])])

    assert found == []


def test_who_changed_since_is_compared_as_they_are_now() -> None:
    campus = Campus()
    campus.compare_all(AMARA)
    other = ("1", "Oluchi", "Eze", "1971-11-30", "SW9")
    campus.compare("1", other)

    assert campus.compare("2", other, AGAIN) == []
    assert [p["other"] for p in campus.compare("3", other, AGAIN, TWIN)] == ["3"]


def test_who_shares_something_with_nobody_is_compared_with_nobody() -> None:
    campus = Campus()
    campus.compare_all(AMARA)

    assert campus.compare("9", AMARA, ("9", None, "", "  ", None)) == []

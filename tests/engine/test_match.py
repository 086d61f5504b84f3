"""Records that look alike are proposed and never linked."""

from __future__ import annotations

from typing import Any

import pyarrow as pa
import pytest

from matricula.charter.model import Matching, ResourceRef, ValueType
from matricula.engine import line, match
from matricula.engine.workbench import Bench, open_workbench
from tests.engine.campus import feed_of, texts
from tests.oracle.northfield import charter, entity

PEOPLE = ResourceRef("sis", "people")
CARDS = ResourceRef("library", "cards")
TEXT = ValueType("text")
KINDS = {"given": "name", "family": "name", "born": "date", "postcode": "exact"}
NAMES = ["n_no", "n_given", "n_family", "n_born", "n_postcode"]


def made() -> Any:
    fields = dict.fromkeys(("no", *KINDS), (PEOPLE, TEXT))
    person = entity(
        "person", ["no"], PEOPLE, {**fields, "fines": (CARDS, TEXT)}, {CARDS: ("card",)}
    )
    others = {CARDS: {"given": "first", "family": "last", "born": "birth"}}
    from dataclasses import replace

    return charter(entities=[replace(person, matching=Matching(KINDS, others, 0.9, "twice"))])


def crowd(count: int = 300) -> list[tuple[str, ...]]:
    """People with nothing to do with one another."""
    return [
        (f"c{n}", f"g{n * 7 % 83:02d}ron", f"f{n * 13 % 97:02d}sen",
         f"19{50 + n % 45}-{1 + n % 12:02d}-{1 + n * 5 % 28:02d}", f"p{n % 120}")
        for n in range(count)
    ]  # fmt: skip


def found(*people: tuple[Any, ...], cards: Any = (), **more: Any) -> list[tuple[Any, ...]]:
    tables = {
        PEOPLE: texts(NAMES, [*crowd(), *people]),
        CARDS: texts(
            ["card", "first", "last", "birth", "n_fines"], [*cards, ("c0", "", "", "", "")]
        ),
    }
    with open_workbench(Bench(small=True)) as bench:
        line.take_in(bench, made(), feed_of(tables, **more))
        table = match.candidates(bench, made().entities["person"], trusted=[CARDS, PEOPLE])
    return [(r["key"], r["resource"], r["other"], r["evidence"]) for r in table.to_pylist()]


AMARA = ("1", "Amara", "Okafor", "1999-03-04", "NE1 4LP")


def test_strangers_are_not_proposed() -> None:
    assert found(AMARA) == []


def test_a_person_entered_twice_in_the_roster_is_proposed_once_with_what_agrees() -> None:
    again = ("2", "Amarra", "Okafor", "1999-03-04", "NE1 4LP")

    assert found(AMARA, again) == [("1", "sis.people", "2", ["close", "equal", "equal", "equal"])]


def test_twins_are_proposed_and_what_differs_is_said() -> None:
    twin = ("2", "Zoltan", "Okafor", "1999-03-04", "NE1 4LP")

    [(key, _, other, evidence)] = found(AMARA, twin)

    assert (key, other) == ("1", "2")
    assert evidence == ["differs", "equal", "equal", "equal"]


def test_a_changed_family_name_is_still_noticed() -> None:
    married = ("2", "Amara", "Lindqvist", "1999-03-04", "NE1 4LP")

    assert [f[3] for f in found(AMARA, married)] == [["equal", "differs", "equal", "equal"]]


def test_a_record_of_another_owner_that_nothing_identifies_is_proposed_under_its_own_id() -> None:
    card = ("misspelt", "amara", "OKÁFOR", "1999-03-04", "2.50")

    assert found(AMARA, cards=[card]) == [
        ("1", "library.cards", "r0", ["equal", "equal", "equal", "unknown"])
    ]


def test_a_record_that_its_identifier_or_a_decision_links_is_not_proposed() -> None:
    known = ("1", "Amara", "Okafor", "1999-03-04", "2.50")
    unknown = ("misspelt", "Amara", "Okafor", "1999-03-04", "2.50")
    decided = pa.table({"external_id": ["r0"], "key": ["1"]})

    assert found(AMARA, cards=[known]) == []
    assert found(AMARA, cards=[unknown], crosswalk={("person", CARDS): decided}) == []


def test_a_chain_of_weak_matches_is_pairs_and_no_group() -> None:
    second = ("2", "Amara", "Okafor", "1999-03-05", "NE1 4LP")
    third = ("3", "Amara", "Okafar", "1999-03-05", "NE1 4LP")

    pairs = {(key, other) for key, _, other, _ in found(AMARA, second, third)}

    assert ("1", "2") in pairs
    assert ("2", "3") in pairs


def test_the_same_records_give_the_same_pairs() -> None:
    again = ("2", "Amarra", "Okafor", "1999-03-04", "NE1 4LP")

    assert found(AMARA, again) == found(again, AMARA)


@pytest.mark.parametrize("blank", ["", None, "  "])
def test_blanks_agree_with_nothing(blank: str | None) -> None:
    nobody = [(str(n), blank, blank, blank, blank) for n in range(3)]

    assert found(*nobody) == []


def test_a_value_that_a_crowd_shares_pairs_nobody_by_itself() -> None:
    shared = [(f"x{n}", f"a{n}", f"b{n}", "1900-01-01", f"q{n}") for n in range(400)]

    assert found(*shared) == []

"""Many look-ups in one question, where a server evaluates the whole of it."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

import pytest

from matricula.connectors.scim import joined
from tests.connectors.scim.people import AMARA, BELA, CHIDI, DEWI, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.scim.conftest import Idp

PEOPLE = (AMARA, BELA, CHIDI, DEWI)
EVERYBODY = [{"externalId": str(one["externalId"])} for one in PEOPLE]
NOBODY = [{"externalId": f"S10{n}"} for n in range(4)]


@pytest.fixture
def full(make_idp: Callable[..., Idp]) -> Idp:
    """Four accounts."""
    return filled(make_idp(page_size=50))


def filled(idp: Idp) -> Idp:
    outcomes = idp.write(*map(create, PEOPLE))
    assert [one.error for one in outcomes] == [None] * 4
    idp.proxy.calls.clear()
    return idp


def filters(idp: Idp) -> list[str]:
    queries = [parse_qs(urlsplit(path).query) for _, path in idp.proxy.calls]
    return [one["filter"][0] for one in queries if "filter" in one]


def found(idp: Idp, matches: list[dict[str, str]]) -> list[list[object]]:
    return [
        [one.fields["userName"] for one in answers]
        for answers in idp.connector.find("users", matches)
    ]


NAMES = [["amara"], ["bela"], ["chidi"], ["dewi"]]


def test_many_look_ups_are_one_question(full: Idp):
    assert found(full, [*EVERYBODY, *NOBODY]) == [*NAMES, [], [], [], []]

    assert len(filters(full)) == 1


def test_look_ups_by_different_fields_are_one_question(full: Idp):
    matches = [
        {"externalId": "S001"},
        {"userName": "bela"},
        {"name.familyName": "Eze"},
        {"externalId": "S004", "userName": "amara"},
        {"externalId": ""},
        {"userName": "nobody"},
    ]

    assert found(full, matches) == [["amara"], ["bela"], ["chidi"], [], [], []]

    assert len(filters(full)) == 1


def test_values_with_signs_of_the_filter_language_are_found_together(full: Idp):
    odd = ['a" or userName pr or "', "b\\", "c(d) and not e", "Zoë Ünal 李"]
    people = [
        {"externalId": f"O{n}", "userName": f"o{n}", "name.familyName": name}
        for n, name in enumerate(odd)
    ]
    full.write(*map(create, people))
    full.proxy.calls.clear()

    answers = found(full, [{"name.familyName": name} for name in odd])

    assert answers == [["o0"], ["o1"], ["o2"], ["o3"]]
    assert len(filters(full)) == 1


def test_creations_look_everybody_up_beforehand_and_make_nobody_twice(full: Idp):
    full.write(*map(create, PEOPLE))

    assert len(filters(full)) == 1
    assert full.proxy.count("POST") == 0
    assert len(full.rows()) == 4


@pytest.mark.parametrize("status", [400, 414, 501])
def test_a_server_that_refuses_joined_filters_is_asked_one_by_one(full: Idp, status: int):
    full.break_(path="+or+", forward=False, status=status, body=b"{}")

    assert found(full, [*EVERYBODY, *NOBODY]) == [*NAMES, [], [], [], []]
    assert found(full, EVERYBODY) == NAMES

    assert sum(" or " in text for text in filters(full)) == 1


@pytest.mark.parametrize("part", [0, -1], ids=["its first part", "its last part"])
def test_a_server_that_evaluates_a_part_of_the_question_is_not_believed(full: Idp, part: int):
    def only_one(text: str) -> str:
        return text.split(" or ")[part]

    full.break_(path="+or+", change_query={"filter": only_one})

    assert found(full, [*EVERYBODY, *NOBODY]) == [*NAMES, [], [], [], []]
    full.write(*map(create, PEOPLE))
    assert len(full.rows()) == 4


def test_a_witness_that_was_deleted_is_replaced(full: Idp):
    assert full.connector._service is not None
    full.connector._service.known["users"] = ["nobody-1", "nobody-2"]

    assert found(full, [*EVERYBODY, *NOBODY]) == [*NAMES, [], [], [], []]
    full.proxy.calls.clear()
    assert found(full, EVERYBODY) == NAMES

    assert len(filters(full)) == 1


def test_a_server_that_answers_joined_questions_with_everybody_is_asked_for_all_of_them(full: Idp):
    full.break_(path="filter=", without=("filter",))

    assert found(full, [*NOBODY]) == [[], [], [], []]
    assert found(full, EVERYBODY) == NAMES
    assert len(filters(full)) == 1


def test_a_server_whose_filter_finds_what_contains_a_text_hides_nobody(full: Idp):
    full.write(create({**AMARA, "externalId": "S0011", "userName": "amara2"}))

    def contains(text: str) -> str:
        return text.replace(" eq ", " sw ")

    full.break_(path="filter=", change_query={"filter": contains})

    assert found(full, [{"externalId": "S001"}, {"userName": "bela"}]) == [["amara"], ["bela"]]
    assert found(full, [{"externalId": "S0011"}]) == [["amara2"]]


def test_nobody_is_looked_up_together_where_there_is_nobody(make_idp: Callable[..., Idp]):
    idp = make_idp()

    assert found(idp, NOBODY) == [[], [], [], []]

    assert not any(" or " in text for text in filters(idp))


def test_a_server_that_answers_with_few_is_asked_for_few(make_idp: Callable[..., Idp]):
    idp = filled(make_idp(page_size=50, server="narrow"))

    assert found(idp, [*EVERYBODY, *NOBODY]) == [*NAMES, [], [], [], []]

    assert sorted(text.count(" or ") + 1 for text in filters(idp)) == [5, 7]


def test_a_question_fits_an_address():
    witnesses = ("a" * 36, "b" * 36)
    clauses = [f'userName eq "{"ü" * n}"' for n in range(60)]

    parts = list(joined.parts(clauses, witnesses, None))

    assert [clause for part in parts for clause in part] == clauses
    assert len(parts) > 1
    assert all(len(part) <= 50 for part in parts)

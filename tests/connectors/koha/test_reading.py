"""What is read and found: all of it, and nobody who only resembles what was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import GiveUp, TryAgain, Untrusted
from tests.connectors.koha.people import AMARA, BELA, CHIDI, DEWI, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.koha.conftest import Place


def _ids(place: Place, *matches: dict[str, object]) -> list[list[str]]:
    found = place.connector.find("patrons", matches)
    return [[str(one.fields["cardnumber"]) for one in some] for some in found]


def test_nobody_is_skipped_when_somebody_is_deleted_between_two_pages(place: Place):
    numbers = [
        place.library.add({**AMARA, "cardnumber": f"S{n:03d}"})["patron_id"] for n in range(7)
    ]

    with place.connector.read("patrons") as reading:
        batches = reading.batches
        seen = next(batches).column("cardnumber").to_pylist()
        place.library.remove(numbers[0])
        seen += [card for batch in batches for card in batch.column("cardnumber").to_pylist()]

    assert seen == [f"S{n:03d}" for n in range(7)]


@pytest.mark.parametrize("concurrency", [1, 4])
def test_everybody_is_read_once_whatever_gaps_and_crowds_their_numbers_have(
    make_place: Callable[..., Place], concurrency: int
):
    place = make_place(concurrency=concurrency)
    numbers = [
        place.library.add({**AMARA, "cardnumber": f"S{n:03d}"})["patron_id"] for n in range(60)
    ]
    for n, number in enumerate(numbers):
        if 4 < n < 30 or (n > 40 and n % 5):
            place.library.remove(number)
    late = {**AMARA, "cardnumber": "LATE"}

    with place.connector.read("patrons") as reading:
        seen = next(reading.batches).column("_id").to_pylist()
        place.library.add(late)
        seen += [one for batch in reading.batches for one in batch.column("_id").to_pylist()]

    assert sorted(map(int, seen)) == sorted(place.library.patrons)


def test_a_listing_that_answers_with_everybody_is_not_believed(place: Place):
    for person in (AMARA, BELA, CHIDI, DEWI):
        place.library.add(dict(person))
    place.break_(without=("q",))

    with place.connector.read("patrons") as reading, pytest.raises(Untrusted, match="M441"):
        list(reading.batches)


def test_a_listing_that_is_no_list_is_not_understood(place: Place):
    place.break_(status=200, body=b'{"error": "x"}', forward=False)

    with place.connector.read("patrons") as reading, pytest.raises(GiveUp, match="M615"):
        list(reading.batches)


def test_a_look_up_finds_who_equals_and_not_who_contains(place: Place):
    for card in ("S1", "S10", "XS1"):
        place.library.add({**AMARA, "cardnumber": card})

    assert _ids(place, {"cardnumber": "S1"}) == [["S1"]]


def test_a_look_up_knows_case_and_accents_though_koha_does_not(place: Place):
    place.library.add({**BELA})

    found = _ids(
        place, {"surname": "Kovacs"}, {"surname": "KOVÁCS"}, {"cardnumber": "s002"},
        {"surname": "Kovács"},
    )  # fmt: skip

    assert found == [[], [], [], ["S002"]]


def test_a_koha_that_answers_a_look_up_with_everybody_finds_only_who_was_asked_for(place: Place):
    for person in (AMARA, BELA, CHIDI):
        place.library.add(dict(person))
    place.break_(without=("q",))

    found = _ids(
        place, {"cardnumber": "S002"}, {"surname": "Eze"}, {"cardnumber": "S009"},
        {"attribute.STUDENT": "0001"},
    )  # fmt: skip

    assert found == [["S002"], ["S003"], [], []]


def test_who_is_found_by_an_attribute_shows_the_others_too(place: Place):
    place.write(create(AMARA, **{"attribute.STUDENT": "0001", "attribute.FACULTY": "Law"}))

    ((found,),) = place.connector.find("patrons", [{"attribute.STUDENT": "0001"}])

    assert found.fields["attribute.FACULTY"] == "Law"
    assert _ids(place, {"attribute.STUDENT": "0001", "surname": "Eze"}) == [[]]


def test_many_card_numbers_are_asked_for_in_one_call(make_place: Callable[..., Place]):
    place = make_place(page_size=500)
    for n in range(30):
        place.library.add({**AMARA, "cardnumber": f"S{n:03d}"})

    found = _ids(place, *({"cardnumber": f"S{n:03d}"} for n in range(30)))

    assert found == [[f"S{n:03d}"] for n in range(30)]
    assert len(place.proxy.calls) == 1


def test_who_is_asked_for_by_what_koha_cannot_ask_is_found_among_all(place: Place):
    number = place.library.add(dict(AMARA))["patron_id"]
    place.library.add(dict(BELA))
    place.library.debarred.add(number)

    assert _ids(place, {"restricted": True}) == [["S001"]]


@pytest.mark.parametrize("patron_id", ["", "1/../2", "x", "-1", "9" * 30])
def test_an_identifier_of_another_form_is_nobodys(place: Place, patron_id: str):
    place.library.add(dict(AMARA))

    assert _ids(place, {"_id": patron_id}) == [[]]


def test_a_look_up_while_koha_fails_is_for_later(make_place: Callable[..., Place]):
    place = make_place(timeout_seconds=0.3)
    place.break_(forward=False, status=500)

    with pytest.raises(TryAgain, match="M610"):
        place.connector.find("patrons", [{"cardnumber": "S001"}])


def test_a_field_that_is_not_there_is_named(place: Place):
    with pytest.raises(GiveUp, match=r"library.patrons has no field attribute.LOCKER"):
        place.connector.find("patrons", [{"attribute.LOCKER": "17"}])

"""Listings are read to their end, and believed only when they held still."""

from __future__ import annotations

from typing import TYPE_CHECKING

import httpx2
import pytest

from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.kit.landing import land
from tests.connectors.scim.people import AMARA, BELA, CHIDI, DEWI, change, create
from tests.counterparts.scim_server import shared_server

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.connectors.scim.conftest import Idp

EVERYBODY = [
    {"externalId": f"S{n:03d}", "userName": f"person{n:02d}", "name.familyName": "Ng"}
    for n in range(12)
]


@pytest.fixture
def full(idp: Idp) -> Idp:
    """Twelve accounts, read five at a time."""
    outcomes = idp.write(*(create(person) for person in EVERYBODY))
    assert all(one.error is None for one in outcomes)
    return idp


def delete_behind_our_back(idp: Idp, record_id: str) -> None:
    server = shared_server()
    address = f"{server.base}{httpx2.URL(idp.proxy.url).path}/Users/{record_id}"
    answer = httpx2.delete(address, headers={"Authorization": f"Bearer {server.token}"})
    assert answer.status_code == 204


def test_every_page_is_read(full: Idp):
    rows = full.rows()

    assert len(rows) == 12
    assert len({row["_id"] for row in rows}) == 12


def test_a_server_that_gives_smaller_pages_than_asked_for_is_read_to_its_end(full: Idp):
    def two_only(listing: dict) -> None:
        listing["Resources"] = listing["Resources"][:2]

    full.break_(path="/Users?", rewrite=two_only)

    assert len(full.rows()) == 12


def test_a_record_deleted_between_two_pages_costs_nobody_else_their_place(full: Idp):
    first = str(full.rows()[0]["_id"])
    full.proxy.calls.clear()
    full.break_(path="startIndex=5", times=1, before=lambda: delete_behind_our_back(full, first))

    rows = full.rows()

    assert len(rows) == 11
    assert first not in {row["_id"] for row in rows}


def test_a_listing_that_never_holds_still_is_not_believed(full: Idp):
    def turned(listing: dict) -> None:
        listing["Resources"].reverse()

    full.break_(path="startIndex=5", rewrite=turned)

    with pytest.raises(Untrusted) as caught:
        full.rows()

    assert caught.value.code == "M440"


def test_a_listing_cut_short_is_not_believed(full: Idp):
    def nothing(listing: dict) -> None:
        listing["Resources"] = []

    full.break_(path="/Users?", rewrite=nothing)

    with pytest.raises(Untrusted) as caught:
        full.rows()

    assert caught.value.code == "M430"


def test_a_listing_without_its_total_is_not_believed(full: Idp):
    full.break_(path="/Users?", rewrite=lambda listing: listing.pop("totalResults") and listing)

    with pytest.raises(Untrusted) as caught:
        full.rows()

    assert caught.value.code == "M441"


def test_an_untrusted_listing_leaves_no_snapshot(full: Idp, tmp_path: Path):
    full.break_(path="startIndex=10", rewrite=lambda listing: listing.update(Resources=[]))

    with pytest.raises(Untrusted), full.connector.read("users") as reading:
        land(reading, tmp_path / "users.parquet")

    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_sort_by_id_is_read_in_its_own_order(full: Idp):
    full.break_(path="sortBy", forward=False, status=400, body=b"{}")

    assert len(full.rows()) == 12


def test_a_server_that_fails_when_asked_for_a_number_is_not_asked_for_one(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(page_size=0)
    idp.break_(path="count=", forward=False, status=500)
    idp.write(create(AMARA), create(BELA))

    assert idp.connector.ping().well
    assert len(idp.rows()) == 2


@pytest.fixture
def by_cursor(make_idp: Callable[..., Idp]) -> Idp:
    """Twelve accounts on a server that pages by cursor alone, five at most."""
    idp = make_idp(server="cursor", page_size=200)
    outcomes = idp.write(*(create(person) for person in EVERYBODY))
    assert all(one.error is None for one in outcomes)
    return idp


def test_a_server_with_cursors_is_read_by_cursor(by_cursor: Idp):
    by_cursor.proxy.calls.clear()

    rows = by_cursor.rows()

    assert len({row["_id"] for row in rows}) == 12
    assert [("cursor=" in path, "startIndex" in path) for _, path in by_cursor.proxy.calls] == [
        (True, False)
    ] * 3


def test_look_ups_and_writes_do_without_an_index_too(by_cursor: Idp):
    matches = [{"userName": f"person{n:02d}"} for n in range(12)]

    found = by_cursor.connector.find("users", [*matches, {"name.familyName": "Ng"}])

    assert [len(one) for one in found] == [1] * 12 + [12]


@pytest.mark.parametrize("scim_type", ["expiredCursor", "invalidCursor"])
def test_a_cursor_that_is_over_begins_the_listing_again(by_cursor: Idp, scim_type: str):
    whole = len(by_cursor.rows())
    body = f'{{"scimType":"{scim_type}"}}'.encode()
    by_cursor.break_(path="cursor=A", times=1, forward=False, status=400, body=body)

    assert len(by_cursor.rows()) == whole
    assert by_cursor.proxy.faults[0].times == 0


def test_a_cursor_that_leads_back_is_not_followed_for_ever(by_cursor: Idp):
    by_cursor.break_(path="/Users?", rewrite=lambda listing: listing.update(nextCursor="again"))
    by_cursor.break_(path="cursor=again", without=("cursor",))

    with pytest.raises(Untrusted) as caught:
        by_cursor.rows()

    assert caught.value.code == "M440"


# Totals that count something else.


def count_the_page(listing: dict) -> None:
    listing["totalResults"] = len(listing["Resources"])


def count_what_is_left(listing: dict) -> None:
    listing["totalResults"] -= listing["startIndex"] - 1


@pytest.mark.parametrize("how", [count_the_page, count_what_is_left])
@pytest.mark.parametrize("size", [1, 2, 4, 5, 6, 11, 12, 50])
def test_a_total_that_counts_something_else_ends_nothing(
    make_idp: Callable[..., Idp], how: Callable[[dict], None], size: int
):
    idp = make_idp(page_size=size)
    idp.write(*(create(person) for person in EVERYBODY))
    idp.break_(path="/Users?", rewrite=how)

    assert len(idp.rows()) == 12


def test_a_server_that_gives_less_than_asked_and_calls_it_all_is_looked_behind(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(page_size=50)
    idp.write(*(create(person) for person in EVERYBODY))

    def seven(listing: dict) -> None:
        listing["Resources"] = listing["Resources"][:7]
        count_the_page(listing)

    idp.break_(path="/Users?", rewrite=seven)

    assert len(idp.rows()) == 12


def test_a_server_without_pages_is_believed_when_it_says_the_same_twice(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(page_size=50)
    idp.write(*(create(person) for person in EVERYBODY))
    idp.break_(path="/Users?", without=("startIndex", "count"))

    assert len(idp.rows()) == 12


@pytest.mark.parametrize("counts", [count_the_page, dict])
def test_a_server_that_gives_its_first_page_again_and_again_is_not_believed(
    full: Idp, counts: Callable[[dict], None]
):
    def first_page(listing: dict) -> None:
        listing["Resources"] = listing["Resources"][:5]
        counts(listing)

    full.break_(path="/Users?", without=("startIndex",), rewrite=first_page)

    with pytest.raises(Untrusted) as caught:
        full.rows()

    assert "gives the first one again" in caught.value.message


def test_a_servers_largest_page_is_not_exceeded(make_idp: Callable[..., Idp]):
    idp = make_idp(server="narrow", page_size=200)
    idp.write(*(create(person) for person in EVERYBODY))
    idp.proxy.calls.clear()

    assert len(idp.rows()) == 12
    assert "count=7" in idp.proxy.calls[0][1]


def test_a_value_of_the_wrong_type_becomes_a_finding_and_not_a_guess(idp: Idp):
    idp.write(create(AMARA), create(BELA))

    def odd(listing: dict) -> None:
        for one in listing["Resources"]:
            one["active"] = 3.5 if one["userName"] == "amara" else True

    idp.break_(path="/Users?", rewrite=odd)

    with idp.connector.read("users") as reading:
        rows = [row for batch in reading.batches for row in batch.to_pylist()]

    assert [row["active"] for row in sorted(rows, key=lambda r: str(r["userName"]))] == [
        None,
        True,
    ]
    assert [one.code for one in reading.findings] == ["M436"]
    assert "active" in reading.findings[0].place


def test_a_busy_server_says_when_to_come_back(full: Idp):
    full.break_(path="/Users?", forward=False, status=429, headers={"Retry-After": "40"})

    with pytest.raises(TryAgain) as caught:
        full.rows()

    assert caught.value.after_seconds == 40.0


def test_a_server_that_ignores_filters_is_looked_through_here(idp: Idp):
    idp.write(create(AMARA), create(BELA), create(CHIDI))
    idp.break_(path="filter=", without=("filter",))

    bela, nobody = idp.connector.find("users", [{"userName": "bela"}, {"userName": "dewi"}])

    assert [one.fields["externalId"] for one in bela] == ["S002"]
    assert nobody == []


def test_a_server_that_says_it_has_no_filters_is_never_asked_for_one(idp: Idp):
    idp.break_(
        path="/ServiceProviderConfig",
        rewrite=lambda config: config.update(filter={"supported": False, "maxResults": 0}),
    )
    idp.write(create(AMARA), create(BELA))

    (found,) = idp.connector.find("users", [{"externalId": "S001"}])

    assert [one.fields["userName"] for one in found] == ["amara"]
    assert not any("filter=" in path for _, path in idp.proxy.calls)


def test_an_account_is_found_by_address_number_and_name_together(idp: Idp):
    idp.write(
        create(AMARA, **{"emails[work]": "a@northfield.example", "employeeNumber": "007"}),
        create(BELA, **{"emails[work]": "b@northfield.example", "employeeNumber": "007"}),
    )

    by_mail, by_number, both, neither = idp.connector.find(
        "users",
        [
            {"emails[work]": "a@northfield.example"},
            {"employeeNumber": "007"},
            {"employeeNumber": "007", "emails[work]": "b@northfield.example"},
            {"employeeNumber": "007", "emails[home]": "b@northfield.example"},
        ],
    )

    assert [one.fields["userName"] for one in by_mail] == ["amara"]
    assert sorted(str(one.fields["userName"]) for one in by_number) == ["amara", "bela"]
    assert [one.fields["userName"] for one in both] == ["bela"]
    assert neither == []


def test_suspended_is_read_from_active(idp: Idp):
    outcomes = idp.write(create(CHIDI), create(DEWI))
    idp.write(change(outcomes[0].external_id, "suspend"))

    suspended = {row["userName"]: row["_suspended"] for row in idp.rows()}

    assert suspended == {"chidi": True, "dewi": False}

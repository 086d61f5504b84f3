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


def test_a_server_with_cursors_is_read_by_cursor(make_idp: Callable[..., Idp]):
    idp = make_idp()
    idp.write(*(create(person) for person in EVERYBODY))
    idp.break_(
        path="/ServiceProviderConfig",
        rewrite=lambda config: config.update(pagination={"cursor": True, "index": True}),
    )
    pages = {"": (0, "p2"), "p2": (5, "p3"), "p3": (10, "")}
    with idp.connector.read("users") as reading:
        known = [row for batch in reading.batches for row in batch.to_pylist()]
    idp.connector.describe()

    for cursor, (start, following) in pages.items():
        idp.break_(
            path=f"cursor={cursor}&",
            without=("cursor", "count"),
            rewrite=lambda listing, start=start, following=following: listing.update(
                Resources=listing["Resources"][start : start + 5], nextCursor=following
            ),
        )
    rows = idp.rows()

    assert sorted(str(row["_id"]) for row in rows) == sorted(str(row["_id"]) for row in known)
    assert not any("startIndex" in path for _, path in idp.proxy.calls[-3:])


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

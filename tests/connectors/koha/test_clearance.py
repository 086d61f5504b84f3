"""What a patron still has: nothing that is not said is taken for nothing."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.kit.errors import GiveUp, Stop, TryAgain, Untrusted
from matricula.connectors.koha.simulator import Account
from tests.connectors.koha.people import AMARA, BELA, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.koha.conftest import Place


@pytest.fixture
def amara(place: Place) -> int:
    """Amara's number in the library."""
    number: int = place.library.add(dict(AMARA))["patron_id"]
    return number


def test_loans_holds_and_open_charges_are_read_for_each_patron(place: Place, amara: int):
    place.library.add(dict(BELA))
    place.library.loans[amara] = [date(2020, 1, 1), date(2090, 1, 1)]
    place.library.holds[amara] = 3
    place.library.debits[amara] = [12.5]

    row, other = place.row("S001", "clearance"), place.row("S002", "clearance")

    named = ("loans", "overdue", "holds", "owed", "access")
    assert [row[name] for name in named] == [2, 1, 3, Decimal("12.5"), "open"]
    assert [other[name] for name in named] == [0, 0, 0, Decimal(0), "open"]


def test_a_credit_does_not_hide_a_charge(place: Place, amara: int):
    place.library.debits[amara] = [10.0]
    place.library.credits[amara] = [10.0]

    assert place.row("S001", "clearance")["owed"] == Decimal(10)


def test_by_listing_the_balance_is_owed_and_nobody_is_asked_alone(
    make_place: Callable[..., Place],
):
    # The right to see accounts is not needed so.
    may = Account(permissions=frozenset({"borrowers:edit_borrowers"}))
    place = make_place(account=may, clearance_by="listing")
    amara, bela = (place.library.add(dict(one))["patron_id"] for one in (AMARA, BELA))
    place.library.loans[amara] = [date(2020, 1, 1), date(2090, 1, 1)]
    place.library.debits[amara], place.library.credits[amara] = [10.2], [0.1]
    place.library.credits[bela] = [3.0]

    rows = place.rows("clearance")
    ((found,),) = place.connector.find("clearance", [{"cardnumber": "S001"}])

    assert [(row["loans"], row["overdue"], row["holds"], row["owed"]) for row in rows] == [
        (2, 1, None, Decimal("10.1")), (0, 0, None, Decimal(0)),
    ]  # fmt: skip
    assert found.fields["owed"] == "10.1"
    shapes = {shape.name: shape.readable for shape in place.connector.describe()}
    assert shapes == {"patrons": True, "clearance": True}


def test_a_sum_of_binary_fractions_is_read_as_money(place: Place, amara: int):
    place.library.debits[amara] = [0.1, 0.2]

    assert place.row("S001", "clearance")["owed"] == Decimal("0.3")
    ((found,),) = place.connector.find("clearance", [{"cardnumber": "S001"}])
    assert found.fields["owed"] == "0.3"


def test_whoever_is_expired_or_restricted_or_without_a_card_is_blocked(place: Place):
    expired, restricted, lost, good = (
        place.library.add({**AMARA, "cardnumber": f"S{n}"})["patron_id"] for n in range(4)
    )
    yesterday = place.library.today() - timedelta(days=1)
    place.library.patrons[expired]["expiry_date"] = yesterday.isoformat()
    place.library.debarred.add(restricted)
    place.library.patrons[lost]["patron_card_lost"] = True

    rows = {row["_id"]: row["access"] for row in place.rows("clearance")}

    assert rows == {
        str(expired): "blocked", str(restricted): "blocked", str(lost): "blocked",
        str(good): "open",
    }  # fmt: skip


def test_clearance_is_found_by_a_unique_attribute_too(place: Place):
    place.write(create(AMARA, **{"attribute.STUDENT": "0001"}))
    place.library.loans[place.library.numbered("S001")] = [date(2090, 1, 1)]

    found, nobody = place.connector.find(
        "clearance", [{"attribute.STUDENT": "0001"}, {"attribute.STUDENT": "0002"}]
    )

    assert [one.fields["loans"] for one in found] == [1]
    assert nobody == []


def test_clearance_is_not_found_by_what_many_share(place: Place):
    with pytest.raises(GiveUp, match="has no field loans"):
        place.connector.find("clearance", [{"loans": 0}])


@pytest.mark.parametrize(
    ("path", "rewrite", "what"),
    [
        ("/patrons?", lambda rows: [{**r, "checkouts_count": None} for r in rows],
         "checkouts_count"),
        ("/account", lambda body: {"balance": body["balance"]}, "total of its open charges"),
        ("/account", lambda _: {"outstanding_debits": {"total": None}}, "open charges"),
    ],
)  # fmt: skip
def test_what_is_not_said_is_not_taken_for_nothing(
    place: Place, amara: int, path: str, rewrite: Callable[[Any], object], what: str
):
    place.break_(path=path, rewrite=rewrite)

    with place.connector.read("clearance") as reading, pytest.raises(Untrusted, match=what):
        list(reading.batches)
    with pytest.raises(TryAgain, match=what):
        place.connector.find("clearance", [{"cardnumber": "S001"}])


def test_whoever_is_deleted_while_they_are_asked_about_has_no_row(place: Place, amara: int):
    place.library.add(dict(BELA))
    place.break_(path=f"/{amara}/account", before=lambda: place.library.remove(amara), times=1)

    assert [row["cardnumber"] for row in place.rows("clearance")] == ["S002"]


def test_a_permission_that_is_lacking_is_named_and_not_read_as_no_debt(
    make_place: Callable[..., Place],
):
    place = make_place(account=Account(permissions=frozenset({"borrowers"})))
    place.library.add(dict(AMARA))

    with (
        place.connector.read("clearance") as reading,
        pytest.raises(Stop, match="borrowers:edit_borrowers with updatecharges:remaining"),
    ):
        list(reading.batches)


def test_nothing_is_written_to_a_clearance(place: Place):
    with pytest.raises(GiveUp, match="clearance is there to be read"):
        place.connector.write("clearance", [create(AMARA)], at=None)

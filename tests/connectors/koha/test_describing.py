"""What Koha says it has, what our account may do, and whom it lets into its settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from pydantic import ValidationError

from matricula.connectors.kit.errors import Stop
from matricula.connectors.koha.settings import KohaSettings
from matricula.connectors.koha.simulator import Account
from tests.connectors.koha.people import AMARA, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.koha.conftest import Place

_LIBRARIAN = frozenset({"borrowers", "updatecharges:remaining_permissions"})
_READER = frozenset({"borrowers:edit_borrowers", "updatecharges:remaining_permissions"})


def test_patrons_and_their_clearance_are_described_with_what_is_the_librarys_alone(place: Place):
    patrons, cleared = place.connector.describe()

    fields = {field.name: field for field in patrons.fields}
    assert patrons.writes == {"create", "update", "suspend", "resume", "delete"}
    assert fields["surname"].required
    assert fields["cardnumber"].max_length == 32
    assert fields["attribute.STUDENT"].writable
    assert not fields["restricted"].writable
    assert cleared.writes == frozenset()
    assert cleared.readable


def test_describing_changes_nothing(place: Place):
    place.library.add(dict(AMARA))
    before = dict(place.library.patrons)

    place.connector.describe()

    assert place.library.patrons == before


def test_verbs_are_those_that_our_account_may_use(make_place: Callable[..., Place]):
    place = make_place(account=Account(permissions=_READER))

    patrons, cleared = place.connector.describe()

    assert patrons.writes == {"create"}
    assert cleared.readable


@pytest.mark.parametrize(
    ("permissions", "uses", "named"),
    [
        (_READER, ["patrons"], "lacks borrowers (for patrons)"),
        (_READER, ["deletion"], "lacks borrowers:delete_borrowers (for deletion)"),
        (frozenset({"borrowers"}), ["patrons", "clearance"],
         "borrowers:edit_borrowers with updatecharges:remaining_permissions (for clearance)"),
        (frozenset({"catalogue"}), ["patrons"],
         "lacks borrowers:edit_borrowers or tools:label_creator"),
    ],
)  # fmt: skip
def test_a_missing_permission_is_named_by_the_check_on_the_live_system(
    make_place: Callable[..., Place], permissions: frozenset[str], uses: list[str], named: str
):
    place = make_place(account=Account(permissions=permissions), uses=uses)

    health = place.connector.ping()

    assert not health.well
    assert named in health.sentence


def test_an_account_that_may_do_what_it_is_used_for_is_well(make_place: Callable[..., Place]):
    place = make_place(account=Account(permissions=_LIBRARIAN))

    assert place.connector.ping().well
    assert (
        make_place(account=Account(permissions=_READER), uses=["clearance"]).connector.ping().well
    )


def test_a_wrong_password_is_told_and_nothing_of_it(make_place: Callable[..., Place]):
    place = make_place(account=Account(password="changed"))

    health = place.connector.ping()

    assert not health.well
    assert "does not let us in" in health.sentence
    assert "open-sesame" not in health.sentence
    with pytest.raises(Stop, match="M613"):
        place.write(create(AMARA))


def test_a_permission_that_goes_in_the_middle_of_a_batch_is_named(
    make_place: Callable[..., Place],
):
    place = make_place(account=Account(permissions=frozenset({"tools:label_creator"})))

    with pytest.raises(Stop, match=r"POST patrons: .* lacks the permission borrowers:edit_borr"):
        place.write(create(AMARA))


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"url": "http://koha.example"}, "https://"),
        ({"user": None}, "either user and password"),
        ({"client_id": "env:X", "client_secret": "env:Y"}, "either user and password"),
        ({"password": "plain"}, "never as itself"),
        ({"attributes": ["A.B"]}, "attributes"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_settings_that_are_wrong_are_refused(given: dict[str, object], why: str):
    good = {
        "url": "https://koha.example",
        "user": "env:KOHA_USER",
        "password": "env:KOHA_PASSWORD",
    }

    with pytest.raises(ValidationError, match=why):
        KohaSettings.model_validate({**good, **given})


def test_the_address_may_be_that_of_the_interface_or_of_the_staff_pages():
    given = {"user": "env:KOHA_USER", "password": "env:KOHA_PASSWORD"}

    addresses = {
        KohaSettings.model_validate({"url": url, **given}).url
        for url in ("https://koha.example", "https://koha.example/api/v1/")
    }

    assert addresses == {"https://koha.example"}

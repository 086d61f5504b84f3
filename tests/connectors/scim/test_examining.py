"""What `check --live` is told: what a server does not offer, and what it refuses us."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.errors import Stop
from tests.connectors.scim.people import AMARA, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.scim.conftest import Idp


def told(idp: Idp) -> list[tuple[str, str, str]]:
    return [(one.place, one.code, one.severity) for one in idp.connector.lacking()]


def test_a_server_that_offers_everything_and_lets_us_do_it_lacks_nothing(idp: Idp):
    idp.write(create(AMARA))
    before = idp.rows()

    assert told(idp) == []

    assert idp.rows() == before


def test_what_a_server_does_not_offer_is_named_and_what_is_done_without_it(
    make_idp: Callable[..., Idp],
):
    idp = make_idp(server="bare")

    lacking = idp.connector.lacking()

    assert {(one.place, one.code, one.severity) for one in lacking} == {("", "M629", "warning")}
    assert ["filters" in lacking[0].message, "PATCH" in lacking[1].message] == [True, True]
    assert "ETags" in lacking[1].message


def test_a_server_that_says_nothing_of_itself_is_told(idp: Idp):
    idp.break_(path="/ServiceProviderConfig", forward=False, status=404)

    (only,) = idp.connector.lacking()

    assert "description" in only.message


def test_a_server_that_names_another_way_in_is_told(idp: Idp):
    basic = {"type": "httpbasic", "name": "Basic", "description": "a name and a password"}
    idp.break_(
        path="/ServiceProviderConfig",
        rewrite=lambda config: config.update(authenticationSchemes=[basic]),
    )

    (only,) = idp.connector.lacking()

    assert "httpbasic" in only.message


def test_a_permission_to_read_that_is_missing_is_named_for_what_it_keeps_from_us(idp: Idp):
    idp.break_(method="GET", path="/Groups", forward=False, status=403)

    assert told(idp) == [("groups", "M613", "error"), ("memberships", "M613", "error")]
    assert "GET /Groups" in idp.connector.lacking()[0].message


@pytest.mark.parametrize("verb", ["PATCH", "DELETE"])
def test_a_permission_to_write_that_is_missing_is_named(idp: Idp, verb: str):
    idp.break_(method=verb, path="/Users", forward=False, status=403)

    (only,) = idp.connector.lacking()

    assert (only.place, only.code, only.severity) == ("users", "M613", "warning")
    assert f"{verb} /Users" in only.message


@pytest.mark.parametrize(
    ("challenge", "status", "said"),
    [
        ("", 401, "does not accept the token"),
        ('Bearer error="invalid_token", error_description="The token expired"', 401, "expired"),
        ('Bearer error="insufficient_scope", scope="scim:write"', 403, "scope scim:write"),
        ("", 403, "knows the credential"),
    ],
)
def test_why_we_are_not_let_in_is_said_as_far_as_the_server_tells(
    idp: Idp, challenge: str, status: int, said: str
):
    idp.break_(forward=False, status=status, headers={"WWW-Authenticate": challenge})

    with pytest.raises(Stop) as caught:
        idp.connector.describe()

    assert said in caught.value.message
    assert said in idp.connector.ping().sentence

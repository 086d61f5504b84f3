"""What the connector says of a server, and whom it lets into its settings."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest
from pydantic import ValidationError

from matricula.connectors.kit.errors import GiveUp, Stop, TryAgain
from matricula.connectors.scim.settings import ScimSettings
from tests.connectors.scim.people import AMARA, create

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.connectors.scim.conftest import Idp


def test_fields_are_described_as_the_server_publishes_them(idp: Idp):
    shapes = {shape.name: shape for shape in idp.connector.describe()}

    users = {field.name: field for field in shapes["users"].fields}
    assert set(shapes) == {"users", "groups", "memberships"}
    assert users["userName"].required
    assert not users["groups"].writable
    assert not users["manager.displayName"].writable
    assert (users["active"].type, users["roles"].type) == ("boolean", "json")
    assert {"emails[work]", "emails", "employeeNumber", "name.givenName"} <= set(users)
    assert shapes["users"].writes == {"create", "update", "suspend", "resume", "delete"}
    assert shapes["memberships"].writes == {"create", "delete"}


def test_a_field_that_the_server_drops_from_its_schema_disappears_from_the_description(idp: Idp):
    def without_title(listing: dict) -> None:
        for schema in listing["Resources"]:
            schema["attributes"] = [a for a in schema["attributes"] if a["name"] != "title"]

    idp.connector.describe()
    idp.break_(path="/Schemas", rewrite=without_title)

    users = idp.connector.describe()[0]

    assert "title" not in {field.name for field in users.fields}


def test_an_external_id_that_the_server_keeps_to_itself_is_refused_before_anything_is_sent(
    idp: Idp,
):
    def keep(listing: dict) -> None:
        for schema in listing["Resources"]:
            schema["attributes"].append(
                {"name": "externalId", "type": "string", "mutability": "readOnly"}
            )

    idp.break_(path="/Schemas", rewrite=keep)

    with pytest.raises(GiveUp, match="externalId"):
        idp.write(create(AMARA))

    assert idp.proxy.count("POST") == 0


@pytest.mark.parametrize("whole", ["path", "address"])
def test_an_endpoint_written_with_what_stands_before_it_is_understood(idp: Idp, whole: str):
    before = idp.proxy.url if whole == "address" else urlsplit(idp.proxy.url).path

    def in_full(listing: dict) -> None:
        for one in listing["Resources"]:
            one["endpoint"] = before + one["endpoint"]

    idp.break_(path="/ResourceTypes", rewrite=in_full)

    (outcome,) = idp.write(create(AMARA))

    assert outcome.error is None
    assert [row["userName"] for row in idp.rows()] == ["amara"]


def test_a_server_without_discovery_is_taken_to_follow_the_rfc(idp: Idp):
    for path in ("/Schemas", "/ResourceTypes", "/ServiceProviderConfig"):
        idp.break_(path=path, forward=False, status=404)

    (outcome,) = idp.write(create(AMARA, department="Law"))

    assert outcome.error is None
    assert idp.row("amara")["department"] == "Law"


def test_an_address_without_scim_is_set_aside(idp: Idp):
    idp.break_(forward=False, status=404)

    with pytest.raises(GiveUp, match="url"):
        idp.connector.describe()


def test_a_page_of_html_is_not_taken_for_scim(idp: Idp):
    idp.break_(forward=False, status=200, body=b"<html>Please sign in</html>")

    health = idp.connector.ping()

    assert not health.well
    with pytest.raises(GiveUp, match="not SCIM"):
        idp.connector.describe()


def test_a_wrong_token_stops_everything(make_idp: Callable[..., Idp], monkeypatch):
    monkeypatch.setenv("MATRICULA_TEST_WRONG_TOKEN", "wrong")
    reference = "env:MATRICULA_TEST_WRONG_TOKEN"
    idp = make_idp(token=reference)

    assert not idp.connector.ping().well
    with pytest.raises(Stop):
        idp.rows()
    with pytest.raises(Stop):
        idp.write(create(AMARA))


def test_a_missing_secret_stops_in_the_kits_words(make_idp: Callable[..., Idp]):
    reference = "env:MATRICULA_TEST_NEVER_SET"
    idp = make_idp(token=reference)

    with pytest.raises(Stop, match=r"M613.*MATRICULA_TEST_NEVER_SET"):
        idp.rows()


def test_a_redirect_to_elsewhere_is_not_followed(idp: Idp):
    idp.break_(
        path="/Users",
        forward=False,
        status=302,
        headers={"Location": "http://127.0.0.1:9/v2/Users"},
    )

    with pytest.raises(GiveUp, match=r"127\.0\.0\.1:9, which the charter does not name"):
        idp.rows()


def test_a_server_cannot_send_us_to_a_host_that_the_charter_does_not_name(idp: Idp):
    def elsewhere(listing: dict) -> None:
        listing["Resources"][0]["endpoint"] = "https://elsewhere.example/Users"

    idp.break_(path="/ResourceTypes", rewrite=elsewhere)

    with pytest.raises(GiveUp, match=r"elsewhere\.example") as caught:
        idp.rows()

    assert caught.value.code == "M614"


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "http://idp.northfield.example/scim/v2", "token": "env:T"},
        {"url": "https://user:word@idp.northfield.example", "token": "env:T"},
        {"url": "https://idp.northfield.example", "token": "a-secret-as-itself"},
        {"url": "https://idp.northfield.example"},
        {"url": "https://idp.northfield.example", "token": "env:T", "client_id": "x"},
        {"url": "https://idp.northfield.example", "token_url": "https://a.example/token"},
        {"url": "https://idp.northfield.example", "token": "env:T", "tokn": "x"},
    ],
)
def test_unsafe_or_incomplete_settings_are_refused(wrong: dict[str, str]):
    with pytest.raises(ValidationError) as caught:
        ScimSettings.model_validate(wrong)

    assert "a-secret" not in str(caught.value.errors(include_input=False))


def test_an_answer_that_drips_without_end_is_given_up_in_time(make_idp: Callable[..., Idp]):
    idp = make_idp(timeout_seconds=0.4)
    idp.break_(path="/Users?", drip_seconds=0.05)
    began = time.monotonic()

    with pytest.raises(TryAgain):
        idp.rows()

    assert time.monotonic() - began < 2


def test_a_server_that_never_answers_is_given_up_in_time(make_idp: Callable[..., Idp]):
    idp = make_idp(timeout_seconds=0.2)
    idp.break_(wait_seconds=1.0)
    began = time.monotonic()

    health = idp.connector.ping()

    assert not health.well
    assert time.monotonic() - began < 0.9

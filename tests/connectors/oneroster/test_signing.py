"""Requests are signed as RFC 5849 says, anew each time, and never with a secret in sight."""

from __future__ import annotations

import pytest

from matricula.connectors.kit.errors import Stop
from matricula.connectors.oneroster.signing import base_string, signed
from matricula.connectors.oneroster.simulator import provider
from tests.connectors.oneroster.rosters import connected, read, user

pytestmark = pytest.mark.any_database


def test_the_example_of_the_first_oauth_text_is_signed_as_it_says():
    parameters = [
        ("file", "vacation.jpg"), ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_nonce", "kllo9940pd9333jh"), ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "1191242096"), ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_version", "1.0"), ("size", "original"),
    ]  # fmt: skip

    text = base_string("get", "http://photos.example.net/photos", parameters)

    assert text.startswith(
        "GET&http%3A%2F%2Fphotos.example.net%2Fphotos&file%3Dvacation.jpg%26oau"
    )
    key = "kd94hf93k423kf44&pfkkdhi9sl3r4s00"
    assert signed(text, key, "HMAC-SHA1") == "tR3+Ty81lMeYAr/Fid0kMTYa/WM="


@pytest.mark.parametrize("method", ["HMAC-SHA256", "HMAC-SHA1"])
def test_a_provider_that_wants_signatures_is_read_page_by_page_and_asked_by_filters(method):
    with provider() as running:
        running.signed, running.client_secret = True, "a secret & more"
        running.records["users"] = [user(n, familyName="Ngô & Sons") for n in range(25)]
        with connected(
            running, token_url=None, signature=method, version="1.1", page_size=10
        ) as connector:
            rows, _ = read(connector, "users")
            (found,) = connector.find("users", [{"familyName": "Ngô & Sons", "username": "s3"}])

    assert len(rows) == 25
    assert [one.external_id for one in found] == ["S0003"]


def test_a_wrong_secret_is_refused_and_not_told():
    with provider() as running:
        running.signed = True
        with connected(running, token_url=None, signature="HMAC-SHA256") as connector:
            running.client_secret = "another"

            with pytest.raises(Stop, match="M613") as refused:
                read(connector, "users")

    assert "another" not in str(refused.value)

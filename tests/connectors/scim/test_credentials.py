"""Tokens that are fetched: once, renewed when they end, and never from another host."""

from __future__ import annotations

import base64
import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.errors import Stop, TryAgain
from matricula.connectors.kit.protocol import Context
from matricula.connectors.scim.connector import ScimConnector
from tests.connectors.scim.people import AMARA, BELA, create
from tests.counterparts.scim_server import shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator


class TokenAddress(BaseHTTPRequestHandler):
    server: TokenServer

    def do_POST(self) -> None:
        form = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.headers["Authorization"], form))
        status, body = self.server.answers[
            min(len(self.server.asked), len(self.server.answers)) - 1
        ]
        self.send_response(status)
        for name, value in self.server.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class TokenServer(HTTPServer):
    asked: list[tuple[str, str]]
    answers: list[tuple[int, bytes]]
    headers: dict[str, str]


def token(value: str, seconds: int = 3600) -> tuple[int, bytes]:
    return 200, json.dumps({"access_token": value, "expires_in": seconds}).encode()


@contextmanager
def connected(
    *answers: tuple[int, bytes], **headers: str
) -> Iterator[tuple[ScimConnector, TokenServer]]:
    with TokenServer(("127.0.0.1", 0), TokenAddress) as server:
        server.asked, server.answers, server.headers = [], list(answers), headers
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        settings = ScimConnector.Settings.model_validate(
            {
                "url": shared_server().tenant(),
                "token_url": f"http://127.0.0.1:{server.server_port}/oauth/token",
                "client_id": "matricula",
                "client_secret": "env:MATRICULA_TEST_CLIENT_SECRET",
                "scope": "scim",
            }
        )
        connector = ScimConnector(settings, Context("idp", Path()))
        try:
            yield connector, server
        finally:
            connector.close()
            server.shutdown()
            thread.join()


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MATRICULA_TEST_CLIENT_SECRET", "s3cret")


def test_a_token_is_fetched_once_and_used_for_every_call():
    with connected(token(shared_server().token)) as (connector, server):
        outcomes = connector.write("users", [create(AMARA), create(BELA)], at=AT)

    assert [one.error for one in outcomes] == [None, None]
    signed = "Basic " + base64.b64encode(b"matricula:s3cret").decode()
    assert server.asked == [(signed, "grant_type=client_credentials&scope=scim")]


def test_a_token_that_is_refused_is_fetched_anew_once():
    with connected(token("revoked"), token(shared_server().token)) as (connector, server):
        health = connector.ping()

    assert health.well
    assert len(server.asked) == 2


def test_a_token_that_ends_sooner_than_a_call_may_take_is_fetched_for_every_call():
    with connected(token(shared_server().token, seconds=5)) as (connector, server):
        connector.describe()
        connector.describe()

    assert len(server.asked) == 6


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ((401, b'{"error":"invalid_client"}'), Stop),
        ((200, b"<html>"), Stop),
        ((200, b'{"expires_in": 5}'), Stop),
        ((503, b""), TryAgain),
    ],
)
def test_a_token_address_that_gives_none_is_said_in_the_kits_words(
    answer: tuple[int, bytes], kind: type[Exception]
):
    with connected(answer) as (connector, _), pytest.raises(kind) as caught:
        connector.describe()

    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("status", [429, 503])
def test_a_pause_that_the_token_address_asks_for_is_handed_on(status: int):
    asks = {"Retry-After": "40"}
    with connected((status, b""), **asks) as (connector, _), pytest.raises(TryAgain) as caught:
        connector.describe()

    assert caught.value.after_seconds == 40.0


def test_a_token_address_that_breaks_has_done_nothing_to_any_record():
    good = token(shared_server().token, seconds=5)
    with connected(*[good] * 4, (500, b"")) as (connector, server):
        (outcome,) = connector.write("users", [create(AMARA)], at=AT)

    assert isinstance(outcome.error, TryAgain)
    assert len(server.asked) == 5

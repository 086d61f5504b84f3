"""A small provider of rosters, 1.2 or 1.1, for tests and the demonstration. Loopback only.

It answers as the standard says and, by its switches, as providers in the field do: fewer
records than asked for, no total, an ignored offset or filter, booleans that are booleans.
"""

from __future__ import annotations

import json
import re
import secrets
from base64 import b64encode
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, parse_qsl, quote, unquote, urlsplit

from matricula.connectors.kit.oneroster.objects import shapes
from matricula.connectors.kit.serving import Handler, Server, serving
from matricula.connectors.oneroster.signing import Method, base_string, signed

if TYPE_CHECKING:
    from collections.abc import Iterator

Record = dict[str, Any]
_FILTER = re.compile(r"([A-Za-z.]+)='(.*)'")
_USUAL = 100
_METHOD = "oauth_signature_method"


@dataclass
class Provider:
    """A running provider. Switches may be changed at any time.

    Attributes:
        url: What stands before `/users`.
        token_url: Where tokens are handed out.
        client_id: Of the one client.
        client_secret: Its secret.
        records: Collection to its objects, in the order in which they are listed.
        largest_page: It gives no more at once.
        states_total: Whether it sends `X-Total-Count`.
        claims: What it sends there instead of the truth.
        heeds_offset: Whether `offset` is heeded.
        heeds_filter: Whether `filter` is; otherwise everybody is listed.
        filters: Whether it filters at all; otherwise it answers 400.
        forbidden: Collections that the client's scope does not cover.
        absent: Collections that it does not offer.
        busy: So many requests are answered with 429, and asked to come back in a minute.
        instead: What it answers in the place of any listing, where there is something.
        between: Called before each page of a listing, with its collection.
        signed: Whether it lets in by OAuth 1.0a signatures instead of tokens.
        tokens: Those handed out and still good.
        asked: The paths that were asked for, without their queries.
    """

    url: str = ""
    token_url: str = ""
    client_id: str = "matricula"
    client_secret: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    records: dict[str, list[Record]] = field(default_factory=dict)
    largest_page: int = 10_000
    states_total: bool = True
    claims: int | None = None
    heeds_offset: bool = True
    heeds_filter: bool = True
    filters: bool = True
    forbidden: set[str] = field(default_factory=set)
    absent: set[str] = field(default_factory=set)
    busy: int = 0
    instead: Any = None
    between: Any = None
    signed: bool = False
    tokens: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)


class _Handler(Handler):
    server: Server[Provider]

    def answer(self) -> None:
        """Hand out a token, or show something."""
        if self.command == "POST":
            self._hand_out()
        else:
            self._show()

    def _hand_out(self) -> None:
        provider = self.server.state
        self.posted()
        pair = b64encode(f"{provider.client_id}:{provider.client_secret}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {pair}":
            self._tell(401, {"error": "invalid_client"})
            return
        token = secrets.token_urlsafe(16)
        provider.tokens.add(token)
        self._tell(200, {"access_token": token, "token_type": "bearer", "expires_in": 3600})

    def _show(self) -> None:
        provider = self.server.state
        parts = urlsplit(self.path)
        words = [unquote(word) for word in parts.path.strip("/").split("/")[1:]]
        provider.asked.append(parts.path)
        collection = words[0] if words else ""
        if not self._is_let_in(provider):
            self._refuse(401, "unauthorisedrequest")
        elif provider.busy > 0:
            provider.busy -= 1
            self._refuse(429, "server_busy", {"Retry-After": "60"})
        elif collection in provider.forbidden:
            self._refuse(403, "forbidden")
        elif collection in provider.absent or collection not in shapes():
            self._refuse(404, "unknownobject")
        elif len(words) == 1:
            self._list(collection, {n: v[-1] for n, v in parse_qs(parts.query).items()})
        else:
            self._single(collection, words[1])

    def _is_let_in(self, provider: Provider) -> bool:
        kind, _, told = self.headers.get("Authorization", "").partition(" ")
        if not provider.signed:
            return told in provider.tokens
        parts = {n: unquote(v) for n, v in re.findall(r'(\w+)="([^"]*)"', told)}
        signature = parts.pop("oauth_signature", "")
        address = urlsplit(f"{provider.url.rpartition('/')[0]}{self.path}")
        asked = parse_qsl(address.query, keep_blank_values=True)
        text = base_string("GET", address._replace(query="").geturl(), [*parts.items(), *asked])
        method: Method = "HMAC-SHA1" if "SHA1" in parts.get(_METHOD, "") else "HMAC-SHA256"
        fresh = parts.get("oauth_nonce", "") not in provider.tokens
        provider.tokens.add(parts.get("oauth_nonce", ""))
        return (
            kind == "OAuth"
            and fresh
            and signature == signed(text, f"{quote(provider.client_secret, safe='')}&", method)
        )

    def _list(self, collection: str, query: dict[str, str]) -> None:
        provider = self.server.state
        if provider.between:
            provider.between(collection)
        if provider.instead is not None:
            self._tell(200, provider.instead)
            return
        found = provider.records.get(collection, [])
        if "filter" in query and not provider.filters:
            self._refuse(400, "invalid_filter_field")
            return
        if "filter" in query and provider.heeds_filter:
            wanted = _FILTER.fullmatch(query["filter"])
            found = [one for one in found if wanted and _value(one, wanted[1]) == wanted[2]]
        start = int(query.get("offset", 0)) if provider.heeds_offset else 0
        size = min(int(query.get("limit", _USUAL)), provider.largest_page)
        total = len(found) if provider.claims is None else provider.claims
        headers = {"X-Total-Count": str(total)} if provider.states_total else {}
        self._tell(200, {collection: found[start : start + size]}, headers)

    def _single(self, collection: str, identifier: str) -> None:
        for one in self.server.state.records.get(collection, []):
            if str(one["sourcedId"]) == identifier:
                self._tell(200, {shapes()[collection].one: one})
                return
        self._refuse(404, "unknownobject")

    def _refuse(self, status: int, minor: str, headers: dict[str, str] | None = None) -> None:
        told = {"imsx_codeMinorFieldName": "TargetEndSystem", "imsx_codeMinorFieldValue": minor}
        self._tell(
            status,
            {
                "imsx_codeMajor": "failure", "imsx_severity": "error",
                "imsx_CodeMinor": {"imsx_codeMinorField": [told]},
            },
            headers,
        )  # fmt: skip

    def _tell(self, status: int, body: object, headers: dict[str, str] | None = None) -> None:
        told = {**(headers or {}), "Content-Type": "application/json"}
        self.send(status, json.dumps(body).encode(), told)


def _value(record: Record, name: str) -> str:
    first, _, part = name.partition(".")
    value = record.get(first)
    if part and isinstance(value, dict):
        value = value.get(part)
    return "" if value is None else str(value)


@contextmanager
def provider() -> Iterator[Provider]:
    """Run a provider without a record; it ends with the block."""
    with serving(_Handler, lambda url: Provider(f"{url}/or", f"{url}/token")) as running:
        yield running

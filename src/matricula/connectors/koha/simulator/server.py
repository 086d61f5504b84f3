"""The interface over HTTP: sign-in, permissions, then the schema, then the library."""

from __future__ import annotations

import base64
import json
import re
import secrets
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from matricula.connectors.kit.serving import Handler, Server, serving
from matricula.connectors.koha.simulator.columns import faults_of
from matricula.connectors.koha.simulator.library import Library, Refused
from matricula.connectors.koha.simulator.queries import ATTRIBUTES, listed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

BASE = "/api/v1"
_EVERYTHING = frozenset({"superlibrarian"})
_EDIT = {"borrowers": "edit_borrowers"}
_ACCOUNT = {"borrowers": "edit_borrowers", "updatecharges": "remaining_permissions"}
_TOKEN_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Account:
    """Who may call, and what for.

    Attributes:
        permissions: `flag` for all below it, `flag:part`, or `superlibrarian`.
        client_id: Of an API key.
    """

    user: str = "matricula"
    password: str = "open-sesame"  # noqa: S105 - of a simulator
    client_id: str = "key"
    client_secret: str = "secret"  # noqa: S105 - of a simulator
    permissions: frozenset[str] = _EVERYTHING

    def may(self, wanted: Mapping[str, str]) -> bool:
        """Say whether every one of some permissions is granted."""
        return self.permissions == _EVERYTHING or all(
            flag in self.permissions or (part != "1" and f"{flag}:{part}" in self.permissions)
            for flag, part in wanted.items()
        )


@dataclass
class Running:
    """A running simulator.

    Attributes:
        url: Its address, without `/api/v1`.
        library: What it holds; may be changed at any time.
        account: Who may call; may be changed at any time.
        tokens: Handed out and good; changes with every one.
        listener: Is told of every call and its answer.
    """

    url: str
    library: Library
    account: Account
    tokens: set[str] = field(default_factory=set)
    listener: Callable[[Exchange], None] | None = None


@dataclass(frozen=True, slots=True)
class Exchange:
    """A call and its answer, for whoever compares both with the published interface."""

    method: str
    path: str
    query: Mapping[str, str]
    embed: Sequence[str]
    sent: Any
    status: int
    answered: Any


@contextmanager
def koha(library: Library | None = None, account: Account | None = None) -> Iterator[Running]:
    """Run a Koha on a free loopback port until the end of the `with`."""
    held = library or Library(), account or Account()
    with serving(_Handler, lambda url: Running(url, *held)) as running:
        yield running


@dataclass(frozen=True, slots=True)
class _Call:
    running: Running
    query: Mapping[str, str]
    embed: Sequence[str]
    sent: Any
    numbers: Sequence[int]

    @property
    def library(self) -> Library:
        return self.running.library

    @property
    def patron(self) -> int:
        """The patron of the address, who must be there."""
        if self.numbers[0] not in self.library.patrons:
            raise Refused(404, error="Patron not found")
        return self.numbers[0]


_Answer = tuple[int, Any, dict[str, str]]
_OF_A_LISTING = (
    ATTRIBUTES, "checkouts+count", "overdues+count", "account_balance", "library",
)  # fmt: skip


def _must_be_embedded(call: _Call, possible: Sequence[str]) -> None:
    for place, one in enumerate(call.embed):
        if one not in possible:
            message = f"Not in enum list: {', '.join(possible)}."
            path = f"/x-koha-embed/{place}"
            raise Refused(400, errors=[{"message": message, "path": path}], status=400)


def _list(call: _Call) -> _Answer:
    _must_be_embedded(call, _OF_A_LISTING)
    page = listed(call.library, call.query, call.embed)
    shown = [_embedded(call, number, page.shown) for number in page.numbers]
    size = call.query.get("_per_page", "20")
    headers = {
        "X-Total-Count": str(page.total), "X-Base-Total-Count": str(page.base),
        "Link": f'<{BASE}/patrons?_page=1&_per_page={size}>; rel="first"',
    }  # fmt: skip
    return 200, shown, headers


def _get(call: _Call) -> _Answer:
    _must_be_embedded(call, (ATTRIBUTES,))
    return 200, _embedded(call, call.patron), {}


def _embedded(call: _Call, number: int, joined: Mapping[int, Any] | None = None) -> dict[str, Any]:
    library = call.library
    embeds: dict[str, Callable[[], tuple[str, Any]]] = {
        ATTRIBUTES: lambda: (ATTRIBUTES, joined[number] if joined else library.of(number)),
        "checkouts+count": lambda: ("checkouts_count", len(library.loans.get(number, ()))),
        "overdues+count": lambda: ("overdues_count", library.overdue(number)),
        "account_balance": lambda: ("account_balance", library.account(number)["balance"]),
        "library": lambda: ("library", {"library_id": library.patrons[number]["library_id"]}),
    }
    return {**library.shown(number), **dict(embeds[one]() for one in call.embed)}


def _create(call: _Call) -> _Answer:
    _must_be_sound(call.sent)
    made = call.library.add(call.sent)
    return 201, made, {"Location": f"{BASE}/patrons/{made['patron_id']}"}


def _change(call: _Call) -> _Answer:
    _must_be_sound(call.sent)
    return 200, call.library.change(call.patron, call.sent), {}


def _delete(call: _Call) -> _Answer:
    call.library.remove(call.patron)
    return 204, None, {}


def _add_attribute(call: _Call) -> _Answer:
    if not isinstance(call.sent, dict) or {"type", "value"} - set(call.sent):
        raise Refused(400, errors=[{"message": "Missing property.", "path": "/body/type"}])
    return 201, call.library.add_attribute(call.patron, call.sent), {}


def _change_attribute(call: _Call) -> _Answer:
    if not isinstance(call.sent, dict) or set(call.sent) - {"value"}:
        raise Refused(400, errors=[{"message": "Properties not allowed.", "path": "/body"}])
    value = str(call.sent["value"])
    return 200, call.library.change_attribute(call.patron, call.numbers[1], value), {}


def _drop_attribute(call: _Call) -> _Answer:
    call.library.drop_attribute(call.patron, call.numbers[1])
    return 204, None, {}


def _holds(call: _Call) -> _Answer:
    count = call.library.holds.get(call.patron, 0)
    found = [{"hold_id": n + 1, "patron_id": call.patron} for n in range(count)]
    size = int(call.query.get("_per_page", 20))
    return 200, found if size == -1 else found[:size], {"X-Total-Count": str(count)}


def _must_be_sound(sent: object) -> None:
    faults = faults_of(sent)
    if faults:
        raise Refused(400, errors=faults, status=400)


_PATRON = rf"{BASE}/patrons/(\d+)"
_LISTING: Sequence[Mapping[str, str]] = (
    _EDIT, {"tools": "label_creator"}, {"serials": "routing"}, {"acquisition": "order_manage"},
)  # fmt: skip
# Method, address, the permissions of which one must be granted, and what is done.
_ROUTES: Sequence[tuple[str, str, Sequence[Mapping[str, str]], Callable[[_Call], _Answer]]] = (
    ("GET", f"{BASE}/patrons", _LISTING, _list),
    ("POST", f"{BASE}/patrons", [_EDIT], _create),
    ("GET", _PATRON, [_EDIT], _get),
    ("PUT", _PATRON, [{"borrowers": "1"}], _change),
    ("DELETE", _PATRON, [{"borrowers": "delete_borrowers"}], _delete),
    ("GET", f"{_PATRON}/account", [_ACCOUNT],
     lambda call: (200, call.library.account(call.patron), {})),
    ("GET", f"{_PATRON}/holds", [_EDIT], _holds),
    ("POST", f"{_PATRON}/extended_attributes", [_EDIT], _add_attribute),
    ("PATCH", rf"{_PATRON}/extended_attributes/(\d+)", [_EDIT], _change_attribute),
    ("DELETE", rf"{_PATRON}/extended_attributes/(\d+)", [_EDIT], _drop_attribute),
)  # fmt: skip


class _Handler(Handler):
    server: Server[Running]

    def answer(self) -> None:
        parts = urlsplit(self.path)
        raw = self.posted()
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        embed = [e for e in (self.headers.get("x-koha-embed") or "").split(",") if e]
        sent: Any = None
        try:
            if parts.path == f"{BASE}/oauth/token":
                status, body, headers = self._token(dict(parse_qsl(raw.decode())))
            else:
                sent = json.loads(raw) if raw else None
                with self.server.state.library.lock:
                    status, body, headers = self._routed(parts.path, query, embed, sent)
        except Refused as refused:
            status, body, headers = refused.status, refused.body, {}
        except ValueError:
            status, body, headers = 400, {"errors": [{"message": "Malformed JSON"}]}, {}
        if self.server.state.listener is not None:
            self.server.state.listener(
                Exchange(self.command, parts.path, query, embed, sent, status, body)
            )
        content = b"" if body is None else json.dumps(body).encode()
        kind = {"Content-Type": "application/json;charset=UTF-8"}
        self.send(status, content, {**kind, **headers})

    def _token(self, form: Mapping[str, str]) -> _Answer:
        account = self.server.state.account
        if form.get("grant_type") != "client_credentials":
            raise Refused(400, error="Unimplemented grant type")
        given = (form.get("client_id"), form.get("client_secret"))
        if given != (account.client_id, account.client_secret):
            raise Refused(403, error="unauthorized_client")
        token = secrets.token_hex(16)
        self.server.state.tokens.add(token)
        body = {"access_token": token, "token_type": "Bearer", "expires_in": _TOKEN_SECONDS}
        return 200, body, {}

    def _routed(
        self, path: str, query: Mapping[str, str], embed: Sequence[str], sent: object
    ) -> _Answer:
        for method, pattern, permissions, do in _ROUTES:
            found = re.fullmatch(pattern, path)
            if found is None or method != self.command:
                continue
            self._must_be_let_in(permissions)
            numbers = [int(one) for one in found.groups()]
            return do(_Call(self.server.state, query, embed, sent, numbers))
        raise Refused(404, errors=[{"message": "Not Found.", "path": "/"}])

    def _must_be_let_in(self, permissions: Sequence[Mapping[str, str]]) -> None:
        running = self.server.state
        kind, _, rest = (self.headers.get("Authorization") or "").partition(" ")
        if kind == "Basic":
            expected = f"{running.account.user}:{running.account.password}".encode()
            if base64.b64decode(rest) != expected:
                raise Refused(403, error="Invalid password")
        elif kind != "Bearer" or rest not in running.tokens:
            raise Refused(401, error="Authentication failure.")
        if not any(running.account.may(one) for one in permissions):
            asked = permissions[0] if len(permissions) == 1 else list(permissions)
            raise Refused(
                403,
                error="Authorization failure. Missing required permission(s).",
                required_permissions=asked,
            )

    def date_time_string(self, timestamp: float | None = None) -> str:
        """Write the `Date` of an answer: of the library's own day."""
        if timestamp is not None:
            return super().date_time_string(timestamp)
        library = self.server.state.library
        moment = datetime.combine(library.today(), datetime.now(UTC).timetz())
        return format_datetime(moment, usegmt=True)

"""A small FOLIO that answers as the documents of its modules say; no real one was asked.

For tests and for the demonstration: on loopback alone, in memory, in threads of this process.

Source: READMEs and interface definitions of mod-user-import, mod-users, mod-users-bl, mod-login,
mod-feesfines and mod-circulation.
"""

from __future__ import annotations

import json
import re
import secrets
import threading
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from matricula.connectors.kit.serving import Handler, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

User = dict[str, Any]
_CONTACTS = {"mail": "001", "email": "002", "text": "003", "phone": "004", "mobile": "005"}
_TERM = re.compile(r'"((?:[^"\\]|\\.)*)"')
_ESTIMATED = 1000
_UNIQUE = ("externalSystemId", "username", "barcode")


class _Refused(Exception):
    def __init__(self, status: int, said: str) -> None:
        self.status, self.said = status, said
        super().__init__(said)


@dataclass
class Tenant:
    """What a FOLIO holds; changes with every call.

    Attributes:
        lacks: Permissions that the account does not have.
        groups: Names of patron groups by identifier.
        users: By identifier.
        preferences: Request preferences, by user.
        loans: By user, when each is due, as text.
        requests: By user, how many.
        accounts: By user, what remains of each open fee.
        whole_refusal: A word; an import with a last name of it is refused as a whole.
    """

    url: str = ""
    tenant: str = "campus"
    user: str = "matricula"
    password: str = "open-sesame"  # noqa: S105 - of a simulator
    lacks: set[str] = field(default_factory=set)
    groups: dict[str, str] = field(
        default_factory=lambda: {"g-1": "undergrad", "g-2": "graduate", "g-3": "staff"}
    )
    users: dict[str, User] = field(default_factory=dict)
    preferences: dict[str, dict[str, Any]] = field(default_factory=dict)
    loans: dict[str, list[str]] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    accounts: dict[str, list[float]] = field(default_factory=dict)
    whole_refusal: str = ""
    tokens: set[str] = field(default_factory=set)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def numbered(self, number: str) -> User:
        """Give the user of a number, for whoever sets a scene."""
        return next(u for u in self.users.values() if u.get("externalSystemId") == number)


@contextmanager
def folio() -> Iterator[Tenant]:
    """Run a FOLIO on a free loopback port until the end of the `with`."""
    with serving(_Handler, Tenant) as tenant:
        yield tenant


@dataclass(frozen=True, slots=True)
class _Call:
    at: Tenant
    query: Mapping[str, str]
    sent: Any
    user_id: str = ""

    @property
    def whose(self) -> str:
        """The user that a query asks about."""
        found = _TERM.search(self.query.get("query", ""))
        return found[1] if found else ""


_Answer = tuple[int, Any]


def _users(call: _Call) -> _Answer:
    text = call.query.get("query", "cql.allRecords=1")
    name, _, rest = text.partition("==")
    terms = {re.sub(r"\\(.)", r"\1", one) for one in _TERM.findall(rest)}
    found = [u for u in call.at.users.values() if not rest or _held(u, name) in terms]
    if "sortBy id" in text:
        found.sort(key=lambda one: str(one["id"]))
    start, limit = int(call.query.get("offset", "0")), int(call.query.get("limit", "10"))
    # Beyond a thousand the number is an estimate.
    total = min(_ESTIMATED, len(found))
    return 200, {"users": found[start : start + limit], "totalRecords": total}


def _held(user: User, name: str) -> object:
    part, _, inner = name.partition(".")
    return (user.get(part) or {}).get(inner) if inner else user.get(name)


def _import(call: _Call) -> _Answer:
    sent = call.sent["users"]
    at, failed, made, changed = call.at, [], 0, 0
    if at.whole_refusal and any(u["personal"]["lastName"] == at.whole_refusal for u in sent):
        raise _Refused(422, "Json content error")
    by: dict[str, dict[Any, str]] = {
        name: {u.get(name): u["id"] for u in at.users.values()} for name in _UNIQUE
    }
    for one in sent:
        number = one.get("externalSystemId")
        before = at.users.get(by["externalSystemId"].get(number, ""))
        if not _is_good(at, one, before, by):
            failed.append(number)
            continue
        user = _stored(at, one, before)
        at.users[user["id"]] = user
        for name in _UNIQUE:
            by[name].pop((before or {}).get(name), None)
            by[name][user.get(name)] = user["id"]
        if "requestPreference" in one:
            at.preferences[user["id"]] = one["requestPreference"]
        else:
            at.preferences.pop(user["id"], None)
        made, changed = made + (before is None), changed + (before is not None)
    return 200, {
        "message": "Users were imported successfully.", "createdRecords": made,
        "updatedRecords": changed, "failedRecords": len(failed),
        "failedExternalSystemIds": failed, "totalRecords": len(sent),
        "failedUsers": [{"externalSystemId": n, "errorMessage": "refused"} for n in failed],
    }  # fmt: skip


def _is_good(
    at: Tenant, one: User, before: User | None, by: Mapping[str, Mapping[Any, str]]
) -> bool:
    mine = (None, (before or {}).get("id"))
    unique = all(one.get(name) is None or by[name].get(one[name]) in mine for name in _UNIQUE)
    return unique and one.get("patronGroup") in at.groups.values() and "username" in one


def _stored(at: Tenant, one: User, before: User | None) -> User:
    group = next(g for g, name in at.groups.items() if name == one["patronGroup"])
    contact = _CONTACTS[one["personal"].get("preferredContactTypeId", "email")]
    kept = before or {"id": str(uuid.uuid4()), "personal": {}}
    given = {name: value for name, value in one.items() if name != "requestPreference"}
    personal = {**kept["personal"], **one["personal"], "preferredContactTypeId": contact}
    for name in ("enrollmentDate", "expirationDate"):
        if name in given:
            given[name] = f"{given[name]}T00:00:00.000+00:00"
    return {**kept, **given, "patronGroup": group, "personal": personal}


def _delete(call: _Call) -> _Answer:
    at = call.at
    if call.user_id not in at.users:
        raise _Refused(404, "user not found")
    counts = _counts(at, call.user_id)
    if any(counts.values()):
        raise _Refused(409, "there are open transactions")
    del at.users[call.user_id]
    return 204, None


def _counts(at: Tenant, user_id: str) -> dict[str, int]:
    return {
        "loans": len(at.loans.get(user_id, ())), "requests": at.requests.get(user_id, 0),
        "feesFines": len(at.accounts.get(user_id, ())), "proxies": 0, "blocks": 0,
    }  # fmt: skip


def _open(call: _Call) -> _Answer:
    if call.user_id not in call.at.users:
        raise _Refused(404, "user not found")
    counts = _counts(call.at, call.user_id)
    return 200, {"userId": call.user_id, "hasOpenTransactions": any(counts.values()), **counts}


def _preferences(call: _Call) -> _Answer:
    asked = _TERM.findall(call.query.get("query", ""))
    held = call.at.preferences
    found = [{**held[one], "userId": one} for one in asked if held.get(one)]
    return 200, {"requestPreferences": found, "totalRecords": len(found)}


def _groups(call: _Call) -> _Answer:
    return 200, {"usergroups": [{"id": g, "group": n} for g, n in call.at.groups.items()]}


def _accounts(call: _Call) -> _Answer:
    return 200, {"accounts": [{"remaining": n} for n in call.at.accounts.get(call.whose, ())]}


def _loans(call: _Call) -> _Answer:
    return 200, {"loans": [{"dueDate": d} for d in call.at.loans.get(call.whose, ())]}


_ONE = r"/bl-users/by-id/([^/]+)"
# Method, address, the permission that it needs, and what is done.
_ROUTES: tuple[tuple[str, str, str, Callable[[_Call], _Answer]], ...] = (
    ("GET", "/users", "users.collection.get", _users),
    ("GET", "/groups", "usergroups.collection.get", _groups),
    ("GET", "/addresstypes", "addresstypes.collection.get", lambda _: (200, {"addressTypes": []})),
    ("POST", "/user-import", "user-import.post", _import),
    ("DELETE", _ONE, "users-bl.item.delete", _delete),
    ("GET", rf"{_ONE}/open-transactions", "users-bl.transactions.get", _open),
    ("GET", "/request-preference-storage/request-preference", "request-preference.get",
     _preferences),
    ("GET", "/accounts", "accounts.collection.get", _accounts),
    ("GET", "/circulation/loans", "circulation.loans.collection.get", _loans),
)  # fmt: skip


class _Handler(Handler):
    server: Server[Tenant]

    def answer(self) -> None:
        raw = self.posted()
        cookie, kind = "", "application/json"
        try:
            with self.server.state.lock:
                if urlsplit(self.path).path == "/authn/login-with-expiry":
                    cookie = self._token(json.loads(raw))
                    status, body = 201, {"accessTokenExpiration": "2026-09-01T06:10:00Z"}
                else:
                    status, body = self._routed(raw)
            content = b"" if body is None else json.dumps(body).encode()
        except _Refused as refused:
            status, content, kind = refused.status, refused.said.encode(), "text/plain"
        headers = {"Content-Type": kind}
        if cookie:
            headers["Set-Cookie"] = f"folioAccessToken={cookie}; Path=/; HttpOnly"
        self.send(status, content, headers)

    def _token(self, sent: Mapping[str, str]) -> str:
        at = self.server.state
        given = (self.headers.get("X-Okapi-Tenant"), sent.get("username"), sent.get("password"))
        if given != (at.tenant, at.user, at.password):
            raise _Refused(422, "Password does not match")
        token = secrets.token_hex(8)
        at.tokens.add(token)
        return token

    def _routed(self, raw: bytes) -> _Answer:
        at, parts = self.server.state, urlsplit(self.path)
        if self.headers.get("X-Okapi-Token") not in at.tokens:
            raise _Refused(401, "Invalid token")
        for method, pattern, permission, do in _ROUTES:
            found = re.fullmatch(pattern, parts.path)
            if found is not None and method == self.command:
                if permission in at.lacks:
                    raise _Refused(403, f"Access for user requires permission: {permission}")
                user_id = found[1] if found.groups() else ""
                sent = json.loads(raw) if raw else None
                return do(_Call(at, dict(parse_qsl(parts.query)), sent, user_id))
        raise _Refused(404, "No suitable module found for path")

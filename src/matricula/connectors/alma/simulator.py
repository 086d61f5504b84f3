"""A small Alma that answers as the documents of its Users interface say; no real one was asked.

For tests and for the demonstration: on loopback alone, in memory, in threads of this process.

Source: Ex Libris Developer Network, "Users and Fulfillment", `rest_user.xsd`.
"""

from __future__ import annotations

import copy
import json
import re
import threading
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from matricula.connectors.kit.serving import Handler, Server, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

User = dict[str, Any]
_USERS = "/almaws/v1/users"
_STICKY = ("user_group", "job_category", "preferred_language", "campus_code", "user_title")
_LISTED = ("primary_id", "first_name", "last_name", "status")


class _Refused(Exception):
    def __init__(self, code: str, message: str, status: int = 400) -> None:
        self.code, self.message, self.status = code, message, status
        super().__init__(code)


@dataclass
class Institution:
    """What an Alma holds; changes with every call.

    Attributes:
        key: The API key that it lets in.
        may_write: Whether the key may write.
        groups: Codes of user groups.
        users: By primary identifier, its letters folded.
        loans: By user, when each is due.
        requests: By user, how many.
        fees: By user and status, what each comes to.
        manual: Sticky fields that staff edited, by user.
        busy: So many of the next calls are beyond the limit of a second.
    """

    url: str = ""
    key: str = "open-sesame"
    may_write: bool = True
    groups: tuple[str, ...] = ("UG", "PG", "STAFF")
    users: dict[str, User] = field(default_factory=dict)
    loans: dict[str, list[datetime]] = field(default_factory=dict)
    requests: dict[str, int] = field(default_factory=dict)
    fees: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    manual: dict[str, set[str]] = field(default_factory=dict)
    busy: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def user(self, user_id: str, id_type: str = "") -> User:
        """Find a user by any unique identifier, or by one of a type."""
        found = self.users.get(user_id.casefold()) if not id_type else None
        if found is None:
            found = next((u for u in self.users.values() if _answers(u, user_id, id_type)), None)
        if found is None:
            code = "401890" if id_type else "401861"
            raise _Refused(code, f"User with identifier {user_id} was not found.")
        return found

    def edit(self, user_id: str, name: str, code: str) -> None:
        """Edit a sticky field as staff do."""
        self.user(user_id)[name] = {"value": code}
        self.manual.setdefault(user_id.casefold(), set()).add(name)


def _answers(user: User, value: str, id_type: str) -> bool:
    return any(
        one["value"].casefold() == value.casefold()
        and (not id_type or one["id_type"]["value"] == id_type)
        for one in user.get("user_identifier") or []
    )


@contextmanager
def alma() -> Iterator[Institution]:
    """Run an Alma on a free loopback port until the end of the `with`."""
    with serving(_Handler, Institution) as institution:
        yield institution


@dataclass(frozen=True, slots=True)
class _Call:
    at: Institution
    query: Mapping[str, str]
    sent: Any
    user_id: str = ""

    @property
    def user(self) -> User:
        return self.at.user(self.user_id, self.query.get("user_id_type", ""))

    @property
    def page(self) -> tuple[int, int]:
        limit = int(self.query.get("limit", "10"))
        if not 0 <= limit <= 100:  # noqa: PLR2004 - as documented
            raise _Refused("401666", "The parameter limit is not valid.")
        return int(self.query.get("offset", "0")), limit


_Answer = tuple[int, Any]


def _list(call: _Call) -> _Answer:
    name, _, sought = call.query.get("q", "").partition("~")
    found = [u for u in call.at.users.values() if not name or _contains(u, name, sought)]
    if not name:
        found.sort(key=lambda one: str(one["primary_id"]))
    start, limit = call.page
    shown = [{n: one.get(n) for n in _LISTED} for one in found[start : start + limit]]
    return 200, {"user": shown, "total_record_count": len(found)}


def _contains(user: User, name: str, sought: str) -> bool:
    held = user.get(name)
    if name == "email":
        held = " ".join(one["email_address"] for one in user["contact_info"].get("email") or [])
    return sought.casefold() in str(held or "").casefold()


def _create(call: _Call) -> _Answer:
    user = _sound(call.at, call.sent)
    if call.sent.get("account_type", {}).get("value") == "EXTERNAL" and not user.get(
        "external_id"
    ):
        raise _Refused("401854", "External Id must be given for external user.")
    _must_be_free(call.at, user, None)
    call.at.users[str(user["primary_id"]).casefold()] = _stored(user)
    return 200, user


def _replace(call: _Call) -> _Answer:
    before, user = call.user, _sound(call.at, call.sent)
    key = str(before["primary_id"]).casefold()
    _must_be_free(call.at, user, key)
    override = call.query.get("override", "").split(",")
    for name in _STICKY:
        is_blank = not (user.get(name) or {}).get("value")
        is_kept = name in call.at.manual.get(key, ()) and name not in override
        if name in before and (is_blank or is_kept):
            user[name] = before[name]
    user["user_role"] = user.get("user_role") or before.get("user_role") or []
    del call.at.users[key]
    call.at.users[str(user["primary_id"]).casefold()] = _stored(user)
    return 200, user


def _delete(call: _Call) -> _Answer:
    del call.at.users[str(call.user["primary_id"]).casefold()]
    return 204, None


def _stored(user: User) -> User:
    kept = copy.deepcopy(user)
    kept["full_name"] = f"{kept.get('first_name') or ''} {kept['last_name']}".strip()
    return kept


def _sound(at: Institution, sent: object) -> User:
    if not isinstance(sent, dict):
        raise _Refused("401676", "No valid XML was given.")
    for name in ("primary_id", "last_name", "record_type", "account_type"):
        if not sent.get(name):
            raise _Refused("401664", f"Mandatory field is missing: {name}")
    if (sent.get("user_group") or {}).get("value") not in at.groups:
        raise _Refused("401852", "Given user group is not legal.")
    if any(len(str(sent.get(n) or "")) > 255 for n in ("primary_id", "first_name", "last_name")):  # noqa: PLR2004 - as documented
        raise _Refused("401652", "General Error: An error has occurred.")
    return copy.deepcopy(sent)


def _must_be_free(at: Institution, user: User, key: str | None) -> None:
    values = [
        str(user["primary_id"]),
        *(str(o["value"]) for o in user.get("user_identifier") or []),
    ]
    for other, one in at.users.items():
        if other != key and any(other == v.casefold() or _answers(one, v, "") for v in values):
            raise _Refused("401851", "User with identifier of type Y already exists.")


def _loans(call: _Call) -> _Answer:
    due = call.at.loans.get(str(call.user["primary_id"]), [])
    start, limit = call.page
    shown = [{"due_date": one.isoformat().replace("+00:00", "Z")} for one in due[start:][:limit]]
    return 200, {"item_loan": shown, "total_record_count": len(due)}


def _requests(call: _Call) -> _Answer:
    count = call.at.requests.get(str(call.user["primary_id"]), 0)
    return 200, {"user_request": [], "total_record_count": count}


def _fees(call: _Call) -> _Answer:
    status = call.query.get("status", "ACTIVE")
    found = call.at.fees.get((str(call.user["primary_id"]), status), [])
    fees = [{"balance": one, "status": {"value": status}} for one in found]
    return 200, {"fee": fees, "total_record_count": len(found), "total_sum": sum(found)}


_ONE = rf"{_USERS}/([^/]+)"
_ROUTES: tuple[tuple[str, str, Callable[[_Call], _Answer]], ...] = (
    ("GET", f"{_USERS}/operation/test", lambda _: (200, {})),
    ("POST", f"{_USERS}/operation/test", lambda _: (200, {})),
    ("GET", _USERS, _list),
    ("POST", _USERS, _create),
    ("GET", _ONE, lambda call: (200, call.user)),
    ("PUT", _ONE, _replace),
    ("DELETE", _ONE, _delete),
    ("GET", f"{_ONE}/loans", _loans),
    ("GET", f"{_ONE}/requests", _requests),
    ("GET", f"{_ONE}/fees", _fees),
)


class _Handler(Handler):
    server: Server[Institution]

    def answer(self) -> None:
        raw = self.posted()
        try:
            with self.server.state.lock:
                status, body = self._routed(raw)
        except _Refused as refused:
            error = {"errorCode": refused.code, "errorMessage": refused.message, "trackingId": "x"}
            status, body = refused.status, {"errorsExist": True, "errorList": {"error": [error]}}
        content = b"" if body is None else json.dumps(body).encode()
        self.send(status, content, {"Content-Type": "application/json;charset=UTF-8"})

    def _routed(self, raw: bytes) -> _Answer:
        at, parts = self.server.state, urlsplit(self.path)
        if at.busy > 0:
            at.busy -= 1
            raise _Refused("PER_SECOND_THRESHOLD", "HTTP requests are more than allowed", 429)
        if self.headers.get("Authorization") != f"apikey {at.key}":
            raise _Refused("UNAUTHORIZED", "API-key not defined or not configured", 400)
        if self.command != "GET" and not at.may_write:
            raise _Refused("FORBIDDEN", "The key may not write", 403)
        for method, pattern, do in _ROUTES:
            found = re.fullmatch(pattern, parts.path)
            if found is not None and method == self.command:
                user_id = unquote(found[1]) if found.groups() else ""
                query = dict(parse_qsl(parts.query))
                return do(_Call(at, query, json.loads(raw) if raw else None, user_id))
        raise _Refused("GENERAL_ERROR", "There is no such address", 404)

"""Calls to one FOLIO tenant, each ending in an answer or in one of the kit's errors.

The only file that knows addresses.

Source: mod-login (`login-with-expiry`), mod-users, mod-users-bl, mod-user-import, mod-feesfines
and mod-circulation of FOLIO.
"""

from __future__ import annotations

import json
import re
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

import httpx2

from matricula.connectors.folio.mapping import quoted
from matricula.connectors.kit import http
from matricula.connectors.kit.errors import GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.secrets import credential
from matricula.connectors.kit.transport import Access

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from datetime import datetime

    from matricula.connectors.folio.mapping import User
    from matricula.connectors.folio.settings import FolioSettings

_FORBIDDEN, _NOT_FOUND = 403, 404
_LASTS_SECONDS = 540.0
_PERMISSION = re.compile(r"permission[^:]*:\s*([\w.\-]+)")
_TOKEN = re.compile(r"folioAccessToken=([^;,\s]+)")
_ALL = 2000
# No user has this identifier: a call about it tells what we may do, and does nothing.
_NOBODY = "00000000-0000-4000-8000-000000000000"


def _imported(users: Sequence[User]) -> dict[str, Any]:
    return {
        "users": list(users), "totalRecords": len(users), "deactivateMissingUsers": False,
        "updateOnlyPresentFields": True,
    }  # fmt: skip


@dataclass(frozen=True, slots=True)
class Answer:
    """What FOLIO said.

    Attributes:
        status: 2xx, or a refusal that concerns one user.
        record: The JSON, empty when there was none.
        at: The system's own time, from its `Date`.
    """

    status: int
    record: dict[str, Any]
    at: datetime | None = None

    @property
    def good(self) -> bool:
        """It did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of good answers in HTTP


class Wire:
    """One tenant. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: FolioSettings) -> None:
        self._settings = settings
        self._http: http.Http | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def users(self, query: str, *, offset: int = 0, limit: int = _ALL) -> list[User]:
        """List users that a query finds."""
        given = {"query": query, "offset": offset, "limit": limit}
        return _listed(self._call("GET", "/users", "users", params=given), "users")

    def user(self, user_id: str) -> User | None:
        """Fetch a user by FOLIO's own identifier."""
        found = self.users(f"id=={quoted(user_id)}", limit=2)
        return next((one for one in found if one.get("id") == user_id), None)

    def groups(self) -> dict[str, str]:
        """Name the patron groups by identifier."""
        answer = self._call("GET", "/groups", "groups", params={"limit": _ALL})
        return {str(g["id"]): str(g["group"]) for g in _listed(answer, "usergroups")}

    def preferences(self, users: str) -> dict[str, dict[str, Any]]:
        """Fetch request preferences as an import writes them, by user.

        Args:
            users: Their identifiers, as the terms of a query.
        """
        given = {"query": f"userId=={users}", "limit": _ALL}
        path = "/request-preference-storage/request-preference"
        found = _listed(self._call("GET", path, "preferences", params=given), "requestPreferences")
        names = ("holdShelf", "delivery", "defaultServicePointId", "fulfillment")
        address = "defaultDeliveryAddressTypeId"
        types = self._types() if any(one.get(address) for one in found) else {}
        kept = {}
        for one in found:
            told = {name: one[name] for name in names if one.get(name) is not None}
            if one.get(address):
                told[address] = types.get(one[address], one[address])
            kept[str(one.get("userId"))] = told
        return kept

    def load(self, users: Sequence[User]) -> Answer:
        """Import users. Who is missing from the batch is left alone."""
        return self._call("POST", "/user-import", "user-import", json=_imported(users))

    def delete(self, user_id: str) -> Answer:
        """Remove a user; FOLIO keeps one with open transactions (409)."""
        return self._call("DELETE", f"/bl-users/by-id/{user_id}", "users")

    def open_of(self, user_id: str) -> Answer:
        """Count what a user has open."""
        path = f"/bl-users/by-id/{user_id}/open-transactions"
        return self._call("GET", path, "open-transactions")

    def accounts(self, user_id: str) -> list[dict[str, Any]]:
        """List a user's open fees and fines."""
        return self._open_records("/accounts", "accounts", user_id)

    def loans(self, user_id: str) -> list[dict[str, Any]]:
        """List a user's open loans."""
        return self._open_records("/circulation/loans", "loans", user_id)

    def lacking(self, use: str) -> list[str]:
        """Name the permissions that our account lacks for a use, by calls that do nothing.

        FOLIO's gateway looks at permissions before a module hears of a call.

        Raises:
            TryAgain: It is away. Stop: it does not let us in at all.
        """
        found: dict[str, None] = {}
        for method, path, given in _PROBES[use]:
            answer = self._open().send(
                method, path, what=path.split("/")[1], expect=_JUDGED, **given
            )
            if answer.status == _FORBIDDEN:
                found[_permission(answer) or f"{method} {path.split('/')[1]}"] = None
        return list(found)

    def _open_records(self, path: str, name: str, user_id: str) -> list[dict[str, Any]]:
        query = f'userId=={quoted(user_id)} and status.name=="Open"'
        given = {"query": query, "limit": _ALL}
        return _listed(self._call("GET", path, name, params=given), name)

    def _types(self) -> dict[str, str]:
        answer = self._call("GET", "/addresstypes", "addresstypes", params={"limit": _ALL})
        return {str(t["id"]): str(t["addressType"]) for t in _listed(answer, "addressTypes")}

    def _call(self, method: str, path: str, what: str, **given: Any) -> Answer:  # noqa: ANN401 - passed on as it is
        answer = self._open().send(method, path, what=what, expect=_JUDGED, **given)
        if answer.status == _FORBIDDEN:
            named = _permission(answer)
            lacks = f"lacks the permission {named}" if named else "may not do this"
            raise Stop(
                f"{method} {what}: our account in FOLIO {lacks}.",
                code="M613",
                cure="Have the library grant it to the account that the charter names.",
            )
        if method in http.SAFE and answer.status != _NOT_FOUND:
            http.must_succeed(answer, what=what)
        return Answer(answer.status, _said(method, what, answer), _moment(answer))

    def _open(self) -> http.Http:
        # The first calls of a batch come from several threads at once.
        with self._lock:
            if self._http is None:
                settings = self._settings
                access = Access(
                    settings.url,
                    timeout_seconds=settings.timeout_seconds,
                    deadline_seconds=settings.timeout_seconds,
                    per_second=settings.per_second,
                )
                self._http = http.Http(access, auth=_Session(settings, access))
            return self._http


_JUDGED = frozenset({_FORBIDDEN})
_NONE: dict[str, Any] = {"params": {"query": f"userId=={quoted(_NOBODY)}", "limit": 0}}
_READING: Sequence[tuple[str, str, dict[str, Any]]] = (
    ("GET", "/users", {"params": {"limit": 0}}),
    ("GET", "/groups", {"params": {"limit": 0}}),
)
_OPEN: tuple[str, str, dict[str, Any]] = (
    "GET",
    f"/bl-users/by-id/{_NOBODY}/open-transactions",
    {},
)
_PROBES: Mapping[str, Sequence[tuple[str, str, dict[str, Any]]]] = {
    "users": (
        *_READING,
        ("GET", "/addresstypes", {"params": {"limit": 0}}),
        ("GET", "/request-preference-storage/request-preference", _NONE),
        ("POST", "/user-import", {"json": _imported(())}),
    ),
    "deletion": (*_READING, _OPEN, ("DELETE", f"/bl-users/by-id/{_NOBODY}", {})),
    "clearance": (
        *_READING,
        _OPEN,
        ("GET", "/accounts", _NONE),
        ("GET", "/circulation/loans", _NONE),
    ),
}


class _Session(httpx2.Auth):
    """A token that is fetched by name and password, and again when it has ended."""

    def __init__(self, settings: FolioSettings, access: Access) -> None:
        self._settings, self._access = settings, access
        self._lock = threading.Lock()
        self._token, self._good_until = "", 0.0

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put tenant and token on a request; once more with a new one when it is refused."""
        request.headers["X-Okapi-Tenant"] = self._settings.tenant
        refused = None
        for _ in range(2):
            with self._lock:
                if self._token == refused or time.monotonic() >= self._good_until:
                    self._log_in()
                refused = self._token
            request.headers["X-Okapi-Token"] = refused
            response = yield request
            if response.status_code != httpx2.codes.UNAUTHORIZED:
                return

    def _log_in(self) -> None:
        settings = self._settings
        who = {"username": credential(settings.user), "password": credential(settings.password)}
        with closing(http.Http(self._access)) as client:
            try:
                answer = client.send(
                    "POST", "/authn/login-with-expiry", what="login", json=who,
                    headers={"X-Okapi-Tenant": settings.tenant},
                )  # fmt: skip
            except ReadBack as error:
                # Whatever became of the token, nothing was done with it.
                raise TryAgain(
                    error.message, code="M610", cure="Nothing to do unless it lasts."
                ) from error
        found = _TOKEN.search(answer.headers.get("set-cookie", ""))
        if not answer.is_success or found is None:
            raise Stop(
                f"FOLIO does not let us in (login is answered with {answer.status}).",
                code="M613",
                cure="Look at the tenant, the user name and the password that the charter names.",
            )
        self._token, self._good_until = found[1], time.monotonic() + _LASTS_SECONDS


def _permission(answer: http.Answer) -> str:
    """Name the permission that a refusal asks for; empty where it names none."""
    named = _PERMISSION.search(answer.body.decode(errors="replace"))
    return named[1] if named else ""


def _said(method: str, what: str, answer: http.Answer) -> dict[str, Any]:
    try:
        said = json.loads(answer.body) if answer.body.strip() else {}
    except ValueError:
        said = None
    if isinstance(said, dict):
        return said
    # A refusal may be a plain sentence, and may hold a name: it is not repeated.
    if not answer.is_success:
        return {}
    if method in http.SAFE:
        raise http.not_understood(f"{what}: an answer that should be JSON is not")
    raise ReadBack(
        f"{method} {what} is answered with {answer.status} and no JSON.",
        code="M612",
        cure="The record is read back before anything else.",
    )


def _listed(answer: Answer, name: str) -> list[dict[str, Any]]:
    found = answer.record.get(name)
    if answer.good and isinstance(found, list) and all(isinstance(one, dict) for one in found):
        return found
    raise GiveUp(
        f"A listing of {name} is answered with {answer.status} and without its records.",
        code="M615",
        cure="Look at `url` and `tenant`, and at the modules that the tenant has.",
    )


def _moment(answer: http.Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None

"""Calls to one Alma, each ending in an answer or in one of the kit's errors.

The only file that knows addresses. Alma answers most refusals with 400 and a code of its own:
branch on the code.

Source: Ex Libris Developer Network, "Users and Fulfillment" and "Error handling".
"""

from __future__ import annotations

import json
import threading
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2

from matricula.connectors.kit import http
from matricula.connectors.kit.errors import ConnectorError, ReadBack, Stop
from matricula.connectors.kit.secrets import header_credential
from matricula.connectors.kit.transport import Access

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from datetime import datetime

    from matricula.connectors.alma.mapping import User
    from matricula.connectors.alma.settings import AlmaSettings

USERS = "/almaws/v1/users"
_NOT_FOUND = frozenset({"401861", "401890"})
_NO_KEY = frozenset({401, 403})
# Answered with 400 where the key may not do this.
_NOT_ALLOWED = frozenset({"UNAUTHORIZED", "FORBIDDEN", "INVALID_REQUEST"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What Alma said.

    Attributes:
        status: 2xx, or a refusal that concerns one user.
        record: The JSON, empty when there was none.
        code: Of the first error.
        at: The system's own time, from its `Date`.
    """

    status: int
    record: dict[str, Any]
    code: str = ""
    at: datetime | None = None

    @property
    def good(self) -> bool:
        """It did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of good answers in HTTP

    @property
    def names_nobody(self) -> bool:
        """It says that there is no such user."""
        return self.code in _NOT_FOUND or self.status == httpx2.codes.NOT_FOUND


class Wire:
    """One Alma. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: AlmaSettings) -> None:
        self._settings = settings
        self._http: http.Http | None = None
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def listed(self, offset: int, limit: int, query: str = "") -> Answer:
        """List users, briefly, by their primary identifier unless they are searched for."""
        given: dict[str, str | int] = {"offset": offset, "limit": limit}
        given |= {"q": query} if query else {"order_by": "primary_id"}
        return self._get(USERS, "users", given)

    def user(self, user_id: str, id_type: str = "") -> Answer:
        """Fetch a user by an identifier of a type; of any type that is unique when empty."""
        if not user_id.strip("."):
            return _NOBODY
        return self._get(_of(user_id), "users", {"user_id_type": id_type} if id_type else {})

    def written(self, user_id: str) -> User:
        """Fetch a user that Alma has just agreed to write.

        Raises:
            ReadBack: It cannot be had, whatever the reason: the write is not undone by that.
        """
        try:
            answer = self.user(user_id)
        except ConnectorError as error:
            raise unknown(error.message) from error
        if not answer.good:
            raise unknown(f"A user just written is answered with {answer.status}.")
        return answer.record

    def part(self, user_id: str, part: str, query: Mapping[str, str | int]) -> Answer:
        """Fetch a user's loans, requests or fees."""
        return self._get(f"{_of(user_id)}/{part}", part, query)

    def create(self, user: User) -> Answer:
        """Make a user."""
        return self._call("POST", USERS, "users", json=user)

    def replace(self, user_id: str, user: User, override: str) -> Answer:
        """Swap a user's whole record."""
        given = {"override": override} if override else {}
        return self._call("PUT", _of(user_id), "users", json=user, params=given)

    def delete(self, user_id: str) -> Answer:
        """Remove a user."""
        if not user_id.strip("."):
            return _NOBODY
        return self._call("DELETE", _of(user_id), "users")

    def may(self, method: str) -> bool:
        """Ask whether our key reads (GET) or writes (POST) users; changes nothing.

        Raises:
            TryAgain: It is away. Stop: it does not know the key.
        """
        try:
            return self._call(method, f"{USERS}/operation/test", "test").good
        except Stop:
            if method == "GET":
                raise
            return False

    def _get(self, path: str, what: str, query: Mapping[str, str | int]) -> Answer:
        return self._call("GET", path, what, params=query)

    def _call(self, method: str, path: str, what: str, **given: Any) -> Answer:  # noqa: ANN401 - passed on as it is
        headers = {"Accept": "application/json"}
        answer = self._open().send(
            method, path, what=what, expect=_NO_KEY, headers=headers, **given
        )
        said, code = _said(answer), ""
        if not answer.is_success:
            code = _code(said)
            if answer.status in _NO_KEY or code in _NOT_ALLOWED:
                raise Stop(
                    f"{method} {what}: Alma does not let our API key do this "
                    f"({code or answer.status}).",
                    code="M613",
                    cure="Give the key the area Users, with read and write permission, in the "
                    "Developer Network.",
                )
        elif said is None:
            message = f"{method} {what} is answered with {answer.status} and no JSON"
            raise http.not_understood(message) if method in http.SAFE else unknown(message)
        return Answer(answer.status, said or {}, code, _moment(answer))

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
                self._http = http.Http(access, auth=_Key(settings.api_key))
            return self._http


class _Key(httpx2.Auth):
    """Signs a request with the API key, which is fetched for it and then forgotten."""

    def __init__(self, reference: str) -> None:
        self._reference = reference

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = f"apikey {header_credential(self._reference)}"
        yield request


_NOBODY = Answer(httpx2.codes.NOT_FOUND, {})


def unknown(why: str) -> ReadBack:
    """Say that a user was sent, and that nobody knows what became of it."""
    return ReadBack(f"{why}.", code="M612", cure="The record is read back before anything else.")


def _of(user_id: str) -> str:
    return f"{USERS}/{quote(user_id, safe='')}"


def _said(answer: http.Answer) -> dict[str, Any] | None:
    if not answer.body.strip():
        return {}
    try:
        said = json.loads(answer.body)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None


def _code(said: dict[str, Any] | None) -> str:
    errors = ((said or {}).get("errorList") or {}).get("error") or [{}]
    return str(errors[0].get("errorCode") or "")


def _moment(answer: http.Answer) -> datetime | None:
    try:
        return parsedate_to_datetime(answer.headers.get("date", ""))
    except ValueError:
        return None

"""Calls to a SCIM server, each ending in an answer or in one of the kit's errors.

The only file that knows addresses. What an answer means for a record is for the callers
to say; what it means for the system, and how far a call may go, is for the kit's client.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote

import httpx2

from matricula.connectors.kit import http
from matricula.connectors.kit.errors import GiveUp, ReadBack, Stop
from matricula.connectors.kit.oauth import FetchedToken, Grant
from matricula.connectors.kit.transport import Access

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.settings import ScimSettings

_MEDIA = "application/scim+json"
# Answers that speak of one record, one verb or one question, not of the system.
_ABOUT_THE_RECORD = frozenset({400, 404, 405, 409, 412, 413, 414, 422, 431, 501})
_NOT_LET_IN = frozenset({401, 403})
_FORBIDDEN = 403


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        status: 2xx, or one of the refusals that concern a record or a verb.
        record: The body, empty when there was none.
        version: The record's ETag, empty when there is none.
        listed: The record was taken from a listing, which may leave attributes out.
    """

    status: int
    record: Record
    version: str = ""
    listed: bool = False

    @property
    def good(self) -> bool:
        """The server did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of good answers in HTTP


@dataclass(frozen=True, slots=True)
class Change:
    """One record to be written.

    Attributes:
        record_id: Of the record; empty for a creation, which alone has a POST.
        version: Do it only if the record still has this ETag.
        shown: Attributes that the answer should hold.
        write: Whose creation it is.
    """

    method: Literal["POST", "PUT", "PATCH", "DELETE"]
    record_id: str = ""
    body: Record | None = None
    version: str = ""
    shown: str = ""
    write: Write | None = None


class NotAllowed(Stop):
    """The server knows us and does not let us do this."""


class Wire:
    """One server. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: ScimSettings) -> None:
        self._settings = settings
        self._http: http.Http | None = None
        self.base = str(settings.url).rstrip("/")

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._http is not None:
            self._http.close()
            self._http = None

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: Record | None = None,
        version: str = "",
    ) -> Answer:
        """Send one request.

        Args:
            method: An HTTP method.
            path: After the base address, its segments quoted.
            query: Parameters.
            body: JSON to send.
            version: Do it only if the record still has this ETag.

        Raises:
            TryAgain: Nothing happened there. ReadBack: it was sent, and nobody knows.
            Stop: The server does not let us in. GiveUp: there is no SCIM at this address.
        """
        given: dict[str, Any] = {"params": query} if query else {}
        headers = {"Accept": f"{_MEDIA}, application/json;q=0.9"}
        if version:
            headers["If-Match"] = version
        if body is not None:
            given["content"] = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = _MEDIA
        # The kind of record alone: what follows identifies one.
        what = path.strip("/").partition("/")[0]
        expect = _ABOUT_THE_RECORD | _NOT_LET_IN
        answer = self._open().send(
            method, path, what=what, expect=expect, headers=headers, **given
        )
        if answer.status in _NOT_LET_IN:
            challenge = answer.headers.get("www-authenticate", "")
            raise not_let_in(answer.status, f"{method} {what}", challenge)
        return _understood(method, answer)

    def _open(self) -> http.Http:
        if self._http is None:
            settings = self._settings
            access = Access(
                settings.url,
                token=settings.token or "",
                timeout_seconds=settings.timeout_seconds,
                deadline_seconds=settings.timeout_seconds,
                per_second=settings.per_second,
            )
            self._http = http.Http(access, auth=None if settings.token else _fetched(settings))
        return self._http


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of one kind of record, such as `/Users`."""

    wire: Wire
    path: str

    def get(self, record_id: str, shown: str = "") -> Answer:
        """Fetch one record, or these attributes of it."""
        if names_nothing(record_id):
            return NOTHING
        query = {"attributes": shown} if shown else None
        answer = self.wire.call("GET", self.of(record_id), query=query)
        return answer if answer.version else replace(answer, version=stated_version(answer.record))

    def list(self, query: Mapping[str, str | int]) -> Answer:
        """Fetch a page of records."""
        return self.wire.call("GET", self.path, query=query)

    def send(self, change: Change) -> Answer:
        """Write one record."""
        if change.method == "POST":
            return self.wire.call("POST", self.path, body=change.body)
        if names_nothing(change.record_id):
            return NOTHING
        return self.wire.call(
            change.method,
            self.of(change.record_id),
            query={"attributes": change.shown} if change.shown else None,
            body=change.body,
            version=change.version,
        )

    def of(self, record_id: str) -> str:
        """Give the address of one record."""
        return f"{self.path}/{quote(record_id, safe='')}"


def unknown(why: str) -> ReadBack:
    """Say that a record was sent, and that nobody knows what became of it."""
    return ReadBack(why, code="M612", cure="The record is read back before anything else.")


def stated_version(record: Record) -> str:
    """Read the version that a record states of itself; empty where it states none."""
    meta = record.get("meta")
    return str(meta.get("version") or "") if isinstance(meta, dict) else ""


def not_let_in(status: int, asked: str, challenge: str = "") -> Stop:
    """Say why we are not let in, as far as the server tells (RFC 6750 3)."""
    said = challenge.casefold()
    if status == _FORBIDDEN or "insufficient_scope" in said:
        scope = re.search(r'scope="([\w:/., -]+)"', challenge)
        wants = f" and asks for the scope {scope[1]}" if scope else ""
        message = f"The server knows the credential and does not let it {asked}{wants}."
        cure = "Have the permission in the connector's page granted to it."
        return NotAllowed(f"{message[:-1]} (status {status}).", code="M613", cure=cure)
    if "expired" in said:
        message, cure = "The token has expired.", "Have a new token issued; the old one is over."
    else:
        message = "The server does not accept the token: it is wrong, withdrawn or over."
        cure = "Compare it with the one that was issued, or have a new one issued."
    return Stop(f"{message[:-1]} (status {status}).", code="M613", cure=cure)


NOTHING = Answer(httpx2.codes.NOT_FOUND, {})


def _fetched(settings: ScimSettings) -> FetchedToken:
    return FetchedToken(
        Grant(
            str(settings.token_url), settings.client_id, str(settings.client_secret),
            scope=settings.scope, timeout_seconds=settings.timeout_seconds,
        )
    )  # fmt: skip


def names_nothing(record_id: str) -> bool:
    """Say whether an id could not stand in an address of its own."""
    # Empty, it would speak of the whole collection; dots alone would climb out of it.
    return not record_id.strip(".")


def _understood(method: str, answer: http.Answer) -> Answer:
    status = answer.status
    if answer.is_success:
        return Answer(status, _body(method, answer), answer.headers.get("etag", ""))
    if status in _ABOUT_THE_RECORD:
        return Answer(status, _record(answer) or {})
    raise _no_scim(f"{method} is answered with {status}.")


def _body(method: str, answer: http.Answer) -> Record:
    record = _record(answer) if answer.body else {}
    if record is not None:
        return record
    message = f"{method} is answered with {answer.status} and something that is not SCIM."
    raise _no_scim(message) if method in http.SAFE else unknown(message)


def _record(answer: http.Answer) -> Record | None:
    try:
        record = answer.json()
    except GiveUp:
        return None
    return record if isinstance(record, dict) else None


def _no_scim(message: str) -> GiveUp:
    cure = "Look at `url` in the charter: it must be what stands before /Users."
    return GiveUp(message, code="M615", cure=cure)

"""Calls to a SCIM server, each ending in an answer or in one of the kit's errors.

The only file that knows addresses. What an answer means for a record is for the callers
to say; what it means for the system is said here. A call goes to the hosts that the
charter names or nowhere; redirects are not followed.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx2
from scim2_client.engines.httpx2 import SyncSCIMClient
from scim2_client.errors import RequestNetworkException

from matricula.connectors.kit.errors import ConnectorError, GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.transport import Access, guarded_client, not_trusted
from matricula.connectors.scim.credentials import FetchedToken, LastingToken

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.settings import ScimSettings

_MEDIA = "application/scim+json"
_WAIT = "Nothing to do by hand unless it lasts: it is tried again."
# Answers that speak of one record or one verb; everything else speaks of the system.
_ABOUT_THE_RECORD = frozenset({400, 404, 405, 409, 412, 413, 501})
_NOT_SENT = (
    httpx2.ConnectError,
    httpx2.ConnectTimeout,
    httpx2.PoolTimeout,
    httpx2.ProxyError,
    httpx2.UnsupportedProtocol,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server said.

    Attributes:
        status: 2xx, or one of the refusals that concern a record or a verb.
        record: The body, empty when there was none.
        version: The record's ETag, empty when there is none.
    """

    status: int
    record: Record
    version: str = ""

    @property
    def good(self) -> bool:
        """The server did what it was asked."""
        return 200 <= self.status < 300  # noqa: PLR2004 - the class of good answers in HTTP


class Wire:
    """One server. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: ScimSettings) -> None:
        self._settings = settings
        self._scim: SyncSCIMClient | None = None
        other = httpx2.URL(settings.token_url).host if settings.token_url else ""
        self._access = Access(
            settings.url,
            hosts=frozenset({other}),
            timeout_seconds=settings.timeout_seconds,
            per_second=settings.per_second,
        )

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        if self._scim is not None:
            self._scim.client.close()
            self._scim = None

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
        headers = {"If-Match": version} if version else {}
        if body is not None:
            given["content"] = json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
            headers["Content-Type"] = _MEDIA
        try:
            response = self._client().request(method, path, headers=headers, **given)
        except RequestNetworkException as error:
            raise _lost(method, error.__cause__) from error
        return _understood(method, response)

    def _client(self) -> SyncSCIMClient:
        if self._scim is None:
            client = guarded_client(self._access)
            settings = self._settings
            client.auth = (
                LastingToken(settings.token) if settings.token else FetchedToken(settings)
            )
            client.headers["Accept"] = f"{_MEDIA}, application/json;q=0.9"
            self._scim = SyncSCIMClient(client)
        return self._scim


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of one kind of record, such as `/Users`."""

    wire: Wire
    path: str

    def get(self, record_id: str, **query: str) -> Answer:
        """Fetch one record."""
        if _names_nothing(record_id):
            return _NOTHING
        return self.wire.call("GET", self._of(record_id), query=query)

    def list(self, query: Mapping[str, str | int]) -> Answer:
        """Fetch a page of records."""
        return self.wire.call("GET", self.path, query=query)

    def create(self, record: Record) -> Answer:
        """Make a record."""
        return self.wire.call("POST", self.path, body=record)

    def patch(
        self, record_id: str, message: Record, version: str, *, attributes: str = ""
    ) -> Answer:
        """Change a part of a record, and be shown these attributes of it."""
        if _names_nothing(record_id):
            return _NOTHING
        query = {"attributes": attributes} if attributes else None
        address = self._of(record_id)
        return self.wire.call("PATCH", address, query=query, body=message, version=version)

    def put(self, record_id: str, record: Record, version: str) -> Answer:
        """Replace a record."""
        return self._change("PUT", record_id, record, version)

    def delete(self, record_id: str) -> Answer:
        """Remove a record."""
        return self._change("DELETE", record_id, None, "")

    def _change(self, method: str, record_id: str, body: Record | None, version: str) -> Answer:
        if _names_nothing(record_id):
            return _NOTHING
        return self.wire.call(method, self._of(record_id), body=body, version=version)

    def _of(self, record_id: str) -> str:
        return f"{self.path}/{quote(record_id, safe='')}"


_NOTHING = Answer(httpx2.codes.NOT_FOUND, {})


def _names_nothing(record_id: str) -> bool:
    # Empty, it would speak of the whole collection; dots alone would climb out of it.
    return not record_id.strip(".")


def _lost(method: str, cause: BaseException | None) -> ConnectorError:
    name = type(cause).__name__
    if cause is not None and not_trusted(cause):
        return Stop(
            "The server's certificate cannot be verified.",
            code="M613",
            cure="Have its office renew the certificate.",
        )
    if method == "GET" or isinstance(cause, _NOT_SENT):
        return TryAgain(f"The server could not be reached ({name}).", code="M610", cure=_WAIT)
    return ReadBack(
        f"{method} was sent and its answer lost ({name}).",
        code="M612",
        cure="Nothing to do by hand: the record is read back before anything else.",
    )


def _understood(method: str, response: httpx2.Response) -> Answer:
    status = response.status_code
    if response.is_success:
        return Answer(status, _body(method, response), response.headers.get("ETag", ""))
    if status in _ABOUT_THE_RECORD:
        return Answer(status, _refusal(response))
    raise _failure(method, response)


def _body(method: str, response: httpx2.Response) -> Record:
    if not response.content:
        return {}
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict):
        return body
    message = f"{method} is answered with {response.status_code} and something that is not SCIM."
    if method == "GET":
        cure = "Look at `url` in the charter: it must be what stands before /Users."
        raise GiveUp(message, code="M615", cure=cure)
    raise ReadBack(message, code="M612", cure="The record is read back before anything else.")


def _refusal(response: httpx2.Response) -> Record:
    try:
        body = response.json()
    except ValueError:
        return {}
    return body if isinstance(body, dict) else {}


def _failure(method: str, response: httpx2.Response) -> ConnectorError:
    status = response.status_code
    said = f"{method} is answered with {status}."
    if status in (httpx2.codes.UNAUTHORIZED, httpx2.codes.FORBIDDEN):
        cure = "Look at the token and at what it may do: read and write users and groups."
        return Stop(said, code="M613", cure=cure)
    if status in (httpx2.codes.TOO_MANY_REQUESTS, httpx2.codes.SERVICE_UNAVAILABLE):
        seconds = _seconds(response.headers.get("Retry-After", ""))
        return TryAgain(said, code="M611", cure=_WAIT, after_seconds=seconds)
    if response.is_server_error and method == "GET":
        return TryAgain(said, code="M610", cure=_WAIT)
    if response.is_server_error:
        # Servers are known to commit and then fail while they write the answer.
        cure = "Nothing to do by hand: the record is read back before anything else."
        return ReadBack(said, code="M612", cure=cure)
    cure = "Look at `url` in the charter: it must be what stands before /Users."
    return GiveUp(said, code="M615", cure=cure)


def _seconds(text: str) -> float:
    """Read a Retry-After header: seconds, or a date (RFC 9110 10.2.3)."""
    if text.strip().isdigit():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max((moment - datetime.now(UTC)).total_seconds(), 0.0)

"""Speak HTTP to one system: only to the hosts its charter names, and never in doubt.

A failure comes out as the next move: not sent or refused for now is `TryAgain`, sent and
unanswered is `ReadBack`, not let in is `Stop`. What may have happened is never repeated.
No message holds a query, a body or a secret: those may be personal.

Source: RFC 9110 sections 9.2.2 (idempotent methods), 10.2.3 (Retry-After), 15.5 and 15.6.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import httpx2

from matricula.connectors.kit.errors import ConnectorError, GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.transport import Access, guarded_client, not_trusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
IDEMPOTENT = SAFE | {"PUT", "DELETE"}
# 408 and 425 say that the request was not taken up; 429 and 503 that it will not be now.
_NOT_NOW = frozenset({408, 425, 429, 503})
_NOT_LET_IN = frozenset({401, 403})
_MOVED = frozenset({301, 302, 303, 307, 308})
_SEE_OTHER = 303
_SERVER_ERROR = 500
_REDIRECTS = 5
_FIRST_WAIT_SECONDS = 0.5
_LONGEST_WAIT_SECONDS = 20.0
_LONGEST_STATED_SECONDS, _DIGITS = 31 * 86_400.0, 9
_NOT_SENT = (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a system answered.

    Attributes:
        status: The HTTP status.
        headers: By lower-case name.
        body: The bytes, decompressed; not shown when the answer is.
        url: Where it came from after redirects; not shown either.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    url: str = field(repr=False)

    @property
    def is_success(self) -> bool:
        """Whether the status is one of the 200s."""
        return self.status // 100 == 2  # noqa: PLR2004 - the class of a status is its first digit

    def json(self) -> Any:  # noqa: ANN401 - a JSON value has no narrower type
        """Read the body as JSON.

        Raises:
            GiveUp: It is none (M615).
        """
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise not_understood("an answer that should be JSON is not") from error


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that a test can have its own.

    Attributes:
        sleep: Waits some seconds.
        monotonic: Seconds, for deadlines.
        now: The instant, UTC, for `Retry-After` with a date.
        chance: Between 0 and 1, so that many clients do not come back at once.
    """

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    chance: Callable[[], float] = random.random


class Http:
    """A client for one system.

    Args:
        access: Address, hosts, credentials by reference, timeouts, number of attempts.
        auth: Signs requests where the access's own credentials do not do.
        clock: For tests.
    """

    def __init__(
        self, access: Access, *, auth: httpx2.Auth | None = None, clock: Clock | None = None
    ) -> None:
        self._access = access
        self._clock = clock or Clock()
        self._client = guarded_client(access, auth=auth)

    def send(
        self,
        method: str,
        path: str,
        *,
        what: str = "",
        expect: frozenset[int] = frozenset(),
        **request: Any,  # noqa: ANN401 - passed on to httpx2 as they are
    ) -> Answer:
        """Send a request and return its answer: any 2xx, and any 4xx the caller must judge.

        Args:
            method: Upper case.
            path: Below the address of the system, or a whole address on a named host.
            what: A word for messages, such as the resource; never a value.
            expect: Statuses to return as they are, whatever they otherwise mean.
            request: `params`, `json`, `data`, `content`, `headers` as httpx2 has them.

        Raises:
            TryAgain: Nothing happened (M610, M611).
            ReadBack: It was sent and may have happened (M612).
            Stop: We are not let in, or it cannot prove who it is (M613).
            GiveUp: It leads to a host not named (M614) or answers beyond reason (M615).
        """
        called = f"{method} {what}".strip()
        until = self._clock.monotonic() + self._access.deadline_seconds
        for attempt in range(self._access.attempts):
            try:
                answer = self._follow(method, path, called, request, until=until)
                return self._judge(answer, method, called, expect=expect)
            except TryAgain as error:
                wait = self._wait(attempt, error)
                last = attempt + 1 == self._access.attempts
                late = wait > _LONGEST_WAIT_SECONDS or self._clock.monotonic() + wait > until
                if method not in IDEMPOTENT or last or late:
                    raise
            self._clock.sleep(wait)
        raise not_understood("no attempt was allowed")

    def pages(
        self,
        path: str,
        *,
        next_page: Callable[[Answer], str | None],
        what: str = "",
        params: Mapping[str, str | int] | None = None,
    ) -> Iterator[Answer]:
        """Get page after page, until `next_page` finds no address of a further one.

        Raises:
            GiveUp: A page leads back to one that was there before (M615).
        """
        address: str | None = path
        seen: set[str] = set()
        while address is not None:
            if address in seen:
                raise not_understood(f"the pages of {what or 'a listing'} go round in a circle")
            seen.add(address)
            answer = self.send("GET", address, what=what, params=params)
            must_succeed(answer, what=what)
            yield answer
            # The address of a further page says everything; our parameters are in it.
            address, params = next_page(answer), None

    def close(self) -> None:
        """Close connections."""
        self._client.close()

    def _follow(
        self, method: str, path: str, called: str, request: Mapping[str, Any], *, until: float
    ) -> Answer:
        address = path
        for _ in range(_REDIRECTS):
            answer = self._once(method, address, called, request, until=until)
            if answer.status not in _MOVED:
                return answer
            target = answer.headers.get("location", "")
            if answer.status == _SEE_OTHER and method not in SAFE:
                # It is done, and its result is elsewhere (RFC 9110 15.4.4).
                raise self._lost(method, called, f"status {answer.status}")
            if method not in SAFE or not target:
                raise GiveUp(
                    f"{called}: the system says that its address has moved.",
                    code="M614",
                    cure="Write the new address into the charter.",
                )
            address = str(httpx2.URL(answer.url).join(target))
            request = {name: value for name, value in request.items() if name != "params"}
        raise not_understood(f"{called} is redirected again and again")

    def _once(
        self, method: str, address: str, called: str, request: Mapping[str, Any], *, until: float
    ) -> Answer:
        try:
            with self._client.stream(method, address, **request) as response:
                headers = MappingProxyType(
                    {name.lower(): value for name, value in response.headers.items()}
                )
                body = self._body(response, called, until)
                return Answer(response.status_code, headers, body, str(response.url))
        except _NOT_SENT as error:
            if not_trusted(error):
                raise Stop(
                    f"{called}: the system's certificate cannot be verified.",
                    code="M613",
                    cure="Have its office renew the certificate, or name its `ca_file:`.",
                ) from None
            raise TryAgain(
                f"{called}: the system cannot be reached ({type(error).__name__}).",
                code="M610",
                cure="It is tried again by itself.",
            ) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise self._lost(method, called, type(error).__name__) from None

    def _body(self, response: httpx2.Response, called: str, until: float) -> bytes:
        method = response.request.method
        gathered = bytearray()
        for chunk in response.iter_bytes():
            gathered += chunk
            if len(gathered) > self._access.largest_answer_bytes:
                if method in SAFE:
                    raise not_understood(f"{called}: the answer is larger than any should be")
                raise self._lost(method, called, "larger than any should be")
            if self._clock.monotonic() > until:
                raise self._lost(method, called, "deadline")
        return bytes(gathered)

    def _judge(
        self, answer: Answer, method: str, called: str, *, expect: frozenset[int]
    ) -> Answer:
        status = answer.status
        if status in expect:
            return answer
        if status in _NOT_LET_IN:
            raise Stop(
                f"{called}: the system does not let us in (status {status}).",
                code="M613",
                cure="Renew the credentials, or have the permissions granted.",
            )
        if status in _NOT_NOW:
            raise TryAgain(
                f"{called}: the system is busy (status {status}).",
                code="M611",
                cure="It is tried again by itself.",
                after_seconds=self._stated_wait(answer),
            )
        if status >= _SERVER_ERROR:
            # Some systems commit and then answer 500, so only a read is known to be undone.
            raise self._lost(method, called, f"status {status}")
        return answer

    @staticmethod
    def _lost(method: str, called: str, why: str) -> ConnectorError:
        if method in SAFE:
            return TryAgain(
                f"{called}: no usable answer ({why}).",
                code="M610",
                cure="It is tried again by itself.",
            )
        return ReadBack(
            f"{called}: sent, and the answer is lost ({why}).",
            code="M612",
            cure="The record is read back before anything else.",
        )

    def _wait(self, attempt: int, error: TryAgain) -> float:
        stated = error.after_seconds
        grown = min(_FIRST_WAIT_SECONDS * 2.0**attempt, _LONGEST_WAIT_SECONDS)
        return max(stated, grown * (0.5 + self._clock.chance() / 2))

    def _stated_wait(self, answer: Answer) -> float:
        return retry_after(answer.headers.get("retry-after", ""), now=self._clock.now())


def retry_after(text: str, *, now: datetime) -> float:
    """Read how long a system wants to be left alone, from `Retry-After` (RFC 9110 10.2.3).

    Returns:
        Seconds, never more than a month; 0 where nothing is said that can be read.
    """
    text = text.strip()
    if text.isascii() and text.isdigit():
        # Whoever writes a thousand digits means no longer either.
        return float(min(int(text[:_DIGITS]), _LONGEST_STATED_SECONDS))
    try:
        moment = parsedate_to_datetime(text)
        moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        stated = (moment - now).total_seconds()
    except (ValueError, OverflowError):
        return 0.0
    return min(max(0.0, stated), _LONGEST_STATED_SECONDS)


def must_succeed(answer: Answer, *, what: str = "") -> Answer:
    """Return an answer of the 200s; raise `GiveUp` (M615) with the status of any other."""
    if not answer.is_success:
        raise not_understood(f"{what or 'a request'} was answered with status {answer.status}")
    return answer


def next_link(answer: Answer) -> str | None:
    """Find the address of the next page in a `Link` header (RFC 8288)."""
    for part in answer.headers.get("link", "").split(","):
        address, _, rest = part.strip().partition(";")
        relation = rest.replace('"', "").replace(" ", "").lower()
        if "rel=next" in relation.split(";") and address.startswith("<"):
            return str(httpx2.URL(answer.url).join(address[1:].partition(">")[0]))
    return None


def not_understood(what: str) -> GiveUp:
    """Make the refusal of an answer that the interface does not provide for."""
    return GiveUp(
        f"{what[:1].upper()}{what[1:]}.",
        code="M615",
        cure="Look at the system's own log, and at the version that it runs.",
    )

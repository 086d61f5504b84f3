"""Speak to Canvas: a bearer token, pages by `Link`, and its own way of saying "too fast".

Canvas answers a client that is too fast with 403 and the words "Rate Limit Exceeded" (429 in
newer ones); any other 403, or a 401, is a permission or the token.

Source: Canvas, "Throttling", "Pagination", "SIS IDs"; app/middleware/request_throttle.rb.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import GiveUp, Stop, TryAgain
from matricula.connectors.kit.http import Clock, Http, must_succeed, next_link, not_understood
from matricula.connectors.kit.transport import Access

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.connectors.canvas.settings import CanvasSettings
    from matricula.connectors.kit.http import Answer

API = "/api/v1"
_NOT_FOUND = 404
_REFUSED = frozenset({401, 403})
_UNKNOWN_TOKEN = 401
_TOO_FAST = b"rate limit exceeded"
# The bucket empties at ten units a second, so that a few seconds do.
_PAUSES_SECONDS = (1.0, 2.0, 4.0, 8.0)

Record = dict[str, Any]


class Wire:
    """The way to one Canvas.

    Args:
        settings: What the charter says.
        folder: Where a relative path in them starts.
        clock: For tests.
    """

    def __init__(self, settings: CanvasSettings, folder: Path, clock: Clock | None = None) -> None:
        self._clock = clock or Clock()
        self._page_size = settings.page_size
        self.account = f"{API}/accounts/{settings.account}"
        self._access = Access(
            url=settings.url,
            token=settings.token,
            ca_file=str(folder / settings.ca_file) if settings.ca_file else "",
            timeout_seconds=settings.timeout_seconds,
            deadline_seconds=settings.timeout_seconds * 5,
            per_second=settings.per_second,
        )
        self._opened: Http | None = None
        self._lock = threading.Lock()

    def get(
        self,
        path: str,
        *,
        what: str,
        needs: str,
        params: Mapping[str, object] | None = None,
    ) -> Any | None:  # noqa: ANN401 - a JSON value has no narrower type
        """Get one thing; None when it is not there.

        Args:
            path: From `/api/v1` on, or a whole address.
            what: A word for messages.
            needs: The permission without which Canvas refuses this.
            params: The query.

        Raises:
            TryAgain: Canvas is away, or too busy for us. Stop: It does not let us.
        """
        answer = self._patiently(path, what=what, needs=needs, params=params)
        if answer.status == _NOT_FOUND:
            return None
        return must_succeed(answer, what=what).json()

    def pages(
        self,
        path: str,
        *,
        what: str,
        needs: str,
        params: Mapping[str, object] | None = None,
        inside: str = "",
    ) -> Iterator[list[Record]]:
        """Get page after page; nothing at all where the list itself is not there.

        Args:
            path: As for `get`.
            what: As for `get`.
            needs: As for `get`.
            params: The query of the first page; further ones have it in their address.
            inside: The name under which a page holds its list, where it is not one itself.
        """
        query: Mapping[str, object] | None = {**(params or {}), "per_page": self._page_size}
        address: str | None = path
        seen: set[str] = set()
        while address is not None:
            if address in seen:
                raise not_understood(f"the pages of {what} go round in a circle")
            seen.add(address)
            answer = self._patiently(address, what=what, needs=needs, params=query)
            if answer.status == _NOT_FOUND and len(seen) == 1:
                return
            yield _list_of(must_succeed(answer, what=what).json(), inside, what)
            address, query = next_link(answer), None

    def upload(self, package: bytes, options: Mapping[str, str]) -> Record:
        """Hand a zip over to be imported.

        Raises:
            ReadBack: It was sent and the answer is lost. TryAgain: Nothing happened.
            Stop: We may not.
        """
        answer = self._http.send(
            "POST",
            f"{self.account}/sis_imports",
            what="an import",
            expect=_REFUSED,
            params={"import_type": "instructure_csv", "extension": "zip", **options},
            content=package,
            headers={"Content-Type": "application/zip"},
        )
        _must_be_let_in(answer, "an import", "import_sis (and SIS imports enabled)")
        record: Record = must_succeed(answer, what="an import").json()
        return record

    def sleep(self, seconds: float) -> None:
        """Wait, as the clock has it."""
        self._clock.sleep(seconds)

    def now(self) -> float:
        """Tell seconds, for deadlines."""
        return self._clock.monotonic()

    def close(self) -> None:
        """Close connections; whoever asks again opens new ones."""
        with self._lock:
            opened, self._opened = self._opened, None
        if opened is not None:
            opened.close()

    @property
    def _http(self) -> Http:
        with self._lock:
            if self._access.ca_file and not Path(self._access.ca_file).is_file():
                raise GiveUp(
                    "The file of certificates that the charter names is not there.",
                    code="M616",
                    cure="Provide it, or correct `ca_file:`.",
                )
            if self._opened is None:
                self._opened = Http(self._access, clock=self._clock)
            return self._opened

    def _patiently(
        self, path: str, *, what: str, needs: str, params: Mapping[str, object] | None
    ) -> Answer:
        for pause in (*_PAUSES_SECONDS, None):
            answer = self._http.send("GET", path, what=what, expect=_REFUSED, params=params)
            try:
                _must_be_let_in(answer, what, needs)
            except TryAgain:
                if pause is None:
                    raise
                self._clock.sleep(pause)
            else:
                return answer
        raise not_understood("no attempt was allowed")


def _must_be_let_in(answer: Answer, what: str, needs: str) -> None:
    if answer.status not in _REFUSED:
        return
    if _TOO_FAST in answer.body.lower():
        raise TryAgain(
            f"Canvas has had enough of our calls for now ({what}).",
            code="M611",
            cure="It is tried again by itself; lower `concurrency:` or `per_second:` if it lasts.",
            after_seconds=30.0,
        )
    told = answer.body.lower()
    if answer.status == _UNKNOWN_TOKEN and (
        "www-authenticate" in answer.headers or b"access token" in told
    ):
        raise Stop(
            f"Canvas does not know the token ({what}): it is wrong, withdrawn or expired.",
            code="M613",
            cure="Have a new one made under the administrator's profile, and name it in `token:`.",
        )
    raise Stop(
        f"The token's owner lacks a permission for {what}: {needs}.",
        code="M613",
        cure="Have the permission granted to the owner's role in the root account.",
    )


def _list_of(page: Any, inside: str, what: str) -> list[Record]:  # noqa: ANN401 - JSON
    found = page.get(inside) if inside and isinstance(page, dict) else page
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise not_understood(f"a page of {what} is no list of records")
    return found

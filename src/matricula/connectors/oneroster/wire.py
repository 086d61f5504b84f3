"""Calls to a provider; the only file that knows addresses."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING
from urllib.parse import quote

from matricula.connectors.kit.errors import GiveUp, Stop, Untrusted
from matricula.connectors.kit.http import Http, must_succeed
from matricula.connectors.kit.listing import Page
from matricula.connectors.kit.oauth import FetchedToken, Grant
from matricula.connectors.kit.oneroster.objects import shapes
from matricula.connectors.kit.transport import Access
from matricula.connectors.oneroster.signing import Signed

if TYPE_CHECKING:
    from collections.abc import Mapping

    import httpx2

    from matricula.connectors.kit.http import Answer
    from matricula.connectors.oneroster.mapping import Record
    from matricula.connectors.oneroster.settings import OneRosterSettings

_NOT_FOUND, _FORBIDDEN = 404, 403
_REFUSED_QUESTIONS = frozenset({400, 422})


class Wire:
    """One provider. Opens its connections with the first call; safe to use from threads."""

    def __init__(self, settings: OneRosterSettings) -> None:
        self._settings = settings
        self._https: dict[str, Http] = {}
        self._lock = threading.Lock()

    def close(self) -> None:
        """Let go of connections; a later call opens new ones."""
        for http in self._https.values():
            http.close()
        self._https.clear()

    def page(self, resource: str, query: Mapping[str, str | int]) -> Page:
        """Fetch a page.

        Raises:
            GiveUp: It is not offered (M602), or the question is refused (M615).
            Stop: We are not let in, or lack the scope for it (M613).
            Untrusted: It is not of the form that the standard gives it (M441).
        """
        answer = self._get(resource, f"/{resource}", query)
        if answer.status == _NOT_FOUND:
            raise GiveUp(
                f"The provider does not offer {resource}.", code="M602",
                cure="Ask it to, or take the resource out of the charter.",
            )  # fmt: skip
        must_succeed(answer, what=resource)
        return Page(_records(resource, answer), _total(answer))

    def one(self, resource: str, identifier: str) -> Record | None:
        """Fetch a single object; None where there is none of this identifier."""
        if not identifier.strip("."):
            return None
        path = f"/{resource}/{quote(identifier, safe='')}"
        answer = self._get(resource, path, {})
        if answer.status == _NOT_FOUND or answer.status in _REFUSED_QUESTIONS:
            return None
        must_succeed(answer, what=resource)
        found = answer.json()
        record = found.get(shapes()[resource].one) if isinstance(found, dict) else None
        if not isinstance(record, dict):
            raise _malformed(resource, f"a record is not under `{shapes()[resource].one}`")
        return record

    def _get(self, resource: str, path: str, query: Mapping[str, str | int]) -> Answer:
        http = self._http(resource)
        answer = http.send(
            "GET", path, what=resource, params=dict(query) or None, expect=frozenset({_FORBIDDEN}),
            headers={"Accept": "application/json"},
        )  # fmt: skip
        if answer.status == _FORBIDDEN:
            raise self._not_granted(resource)
        return answer

    def _not_granted(self, resource: str) -> Stop:
        settings = self._settings
        if settings.token_url is None:
            # Whoever asks for no token asks for no scope.
            said = f"The provider does not let us read {resource}."
            cure = f"Have the client granted to read {resource}."
        else:
            scopes = settings.scopes.replace(" ", " and ")
            said = f"The provider does not let us read {resource}; we ask with the scope {scopes}."
            cure = f"Have this scope granted to the client, for {resource}."
        return Stop(said, code="M613", cure=cure)

    def _http(self, resource: str) -> Http:
        settings = self._settings
        graded = shapes()[resource].service == "gradebook"
        url = (settings.gradebook_url or settings.url) if graded else settings.url
        with self._lock:
            if url not in self._https:
                access = Access(
                    url,
                    token=settings.token or "",
                    timeout_seconds=settings.timeout_seconds,
                    per_second=settings.per_second,
                )
                self._https[url] = Http(access, auth=_signer(settings))
            return self._https[url]


def _signer(settings: OneRosterSettings) -> httpx2.Auth | None:
    """Say what signs requests where a lasting token does not."""
    secret = str(settings.client_secret)
    if settings.signature:
        return Signed(settings.client_id, secret, settings.signature)
    if settings.token:
        return None
    return FetchedToken(
        Grant(
            str(settings.token_url), settings.client_id, secret,
            scope=settings.scopes, timeout_seconds=settings.timeout_seconds,
        )
    )  # fmt: skip


def _records(resource: str, answer: Answer) -> list[Record]:
    body = answer.json()
    listed = body.get(resource) if isinstance(body, dict) else None
    if not isinstance(listed, list) or not all(isinstance(one, dict) for one in listed):
        raise _malformed(resource, f"there is no list of records under `{resource}`")
    if not all(_has_id(one) for one in listed):
        raise _malformed(resource, "a record has no `sourcedId`")
    return listed


def _has_id(record: Record) -> bool:
    told = record.get("sourcedId")
    return isinstance(told, str | int) and not isinstance(told, bool) and str(told) != ""


def _total(answer: Answer) -> int | None:
    told = answer.headers.get("x-total-count", "").strip()
    return int(told) if told.isascii() and told.isdigit() else None


def _malformed(resource: str, why: str) -> Untrusted:
    return Untrusted(
        f"A page of {resource} is not of the form that OneRoster gives it: {why}.", code="M441",
        cure="Look at `url` and `version` in the charter, and at the provider's own log.",
    )  # fmt: skip

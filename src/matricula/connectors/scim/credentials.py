"""How a call proves who sends it: a lasting bearer token, or one fetched when needed."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

import httpx2

from matricula.connectors.kit.errors import ConnectorError, Stop, TryAgain
from matricula.connectors.kit.secrets import reveal

if TYPE_CHECKING:
    from collections.abc import Generator

    from matricula.connectors.scim.settings import ScimSettings

# A token is renewed a little before it ends, so that none ends on its way.
_EARLY_SECONDS = 30.0
_CURE = "Look at the client's identifier, its secret and the token address in the charter."


class LastingToken(httpx2.Auth):
    """A bearer token that somebody made by hand. Read anew for every call, so it can rotate."""

    def __init__(self, reference: str) -> None:
        self._reference = reference

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put the token on a request."""
        request.headers["Authorization"] = f"Bearer {reveal(self._reference)}"
        yield request


class FetchedToken(httpx2.Auth):
    """OAuth 2.0 client credentials (RFC 6749 4.4): kept until shortly before it ends."""

    requires_response_body = True

    def __init__(self, settings: ScimSettings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put a token on a request; once more with a new one when the first is refused.

        Sending again after 401 is safe: a refused call has done nothing.
        """
        for attempt in range(2):
            with self._lock:
                if attempt or time.monotonic() >= self._good_until:
                    self._keep((yield self._question()))
                request.headers["Authorization"] = f"Bearer {self._token}"
            response = yield request
            if response.status_code != httpx2.codes.UNAUTHORIZED:
                return

    def _question(self) -> httpx2.Request:
        form = {"grant_type": "client_credentials"}
        if self._settings.scope:
            form["scope"] = self._settings.scope
        request = httpx2.Request("POST", str(self._settings.token_url), data=form)
        secret = reveal(str(self._settings.client_secret))
        basic = httpx2.BasicAuth(self._settings.client_id, secret)
        return next(basic.auth_flow(request))

    def _keep(self, response: httpx2.Response) -> None:
        if response.status_code != httpx2.codes.OK:
            raise _refusal(response.status_code)
        try:
            answer = response.json()
            self._token = str(answer["access_token"])
            seconds = float(answer.get("expires_in") or 300)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise Stop(
                "The token address answers with something that is no token.",
                code="M615",
                cure=_CURE,
            ) from error
        self._good_until = time.monotonic() + seconds - _EARLY_SECONDS


def _refusal(status: int) -> ConnectorError:
    message = f"The token address answers {status}."
    if status >= httpx2.codes.INTERNAL_SERVER_ERROR or status == httpx2.codes.TOO_MANY_REQUESTS:
        return TryAgain(message, code="M610", cure="Nothing to do unless it lasts.")
    return Stop(message, code="M613", cure=_CURE)

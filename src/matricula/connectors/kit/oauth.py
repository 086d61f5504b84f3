"""A bearer token that is fetched when it is needed, by OAuth 2.0 client credentials."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx2

from matricula.connectors.kit.errors import GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.http import Answer, Http
from matricula.connectors.kit.secrets import credential
from matricula.connectors.kit.transport import Access

if TYPE_CHECKING:
    from collections.abc import Generator

# A token is renewed a little before it ends, so that none ends on its way.
_EARLY_SECONDS = 30.0
# Said of the client, not of the call it is for.
_NO = frozenset({401, 403})
_CURE = "Look at the client's identifier, its secret and the token address in the charter."


@dataclass(frozen=True, slots=True)
class Grant:
    """How tokens are fetched.

    Attributes:
        url: Where; it may be another host than the system's.
        client_id: The client's identifier.
        client_secret: Reference to its secret.
        scope: Asked for with the token; empty leaves it to the server.
        timeout_seconds: How long one answer may take.
        in_form: Whether the client is named in the form and not by Basic (RFC 6749 2.3.1).
        cure: What to look at where no token is given.
    """

    url: str
    client_id: str
    client_secret: str
    scope: str = ""
    timeout_seconds: float = 30.0
    in_form: bool = False
    cure: str = _CURE


class FetchedToken(httpx2.Auth):
    """OAuth 2.0 client credentials (RFC 6749 4.4): kept until shortly before it ends."""

    def __init__(self, grant: Grant) -> None:
        self._grant = grant
        self._lock = threading.Lock()
        self._token = ""
        self._good_until = 0.0

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put a token on a request; once more with a new one when the first is refused.

        Sending again after 401 is safe: a refused call has done nothing.
        """
        refused = None
        for _ in range(2):
            with self._lock:
                # Another thread may have renewed it meanwhile.
                if self._token == refused or time.monotonic() >= self._good_until:
                    self._keep(self._answered())
                refused = self._token
            request.headers["Authorization"] = f"Bearer {refused}"
            response = yield request
            if response.status_code != httpx2.codes.UNAUTHORIZED:
                return

    def _answered(self) -> Answer:
        grant = self._grant
        form = {"grant_type": "client_credentials"}
        if grant.scope:
            form["scope"] = grant.scope
        access = Access(
            grant.url,
            timeout_seconds=grant.timeout_seconds,
            deadline_seconds=grant.timeout_seconds,
        )
        secret = credential(grant.client_secret)
        signed = None if grant.in_form else httpx2.BasicAuth(grant.client_id, secret)
        if grant.in_form:
            form |= {"client_id": grant.client_id, "client_secret": secret}
        with closing(Http(access)) as http:
            try:
                return http.send(
                    "POST", access.url, what="token", expect=_NO, data=form, auth=signed
                )
            except ReadBack as error:
                # Whatever became of the token, nothing was done with it.
                raise TryAgain(
                    error.message, code="M610", cure="Nothing to do unless it lasts."
                ) from error

    def _keep(self, answer: Answer) -> None:
        if not answer.is_success:
            raise Stop(
                f"The token address answers {answer.status}.", code="M613", cure=self._grant.cure
            )
        try:
            said = answer.json()
            self._token = str(said["access_token"])
            seconds = float(said.get("expires_in") or 300)
        except (GiveUp, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Stop(
                "The token address answers with something that is no token.",
                code="M615",
                cure=self._grant.cure,
            ) from error
        self._good_until = time.monotonic() + seconds - _EARLY_SECONDS

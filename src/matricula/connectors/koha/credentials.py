"""A bearer token that is fetched when it is needed, with an API key of Koha."""

from __future__ import annotations

import threading
import time
from contextlib import closing
from typing import TYPE_CHECKING

import httpx2

from matricula.connectors.kit.errors import GiveUp, ReadBack, Stop, TryAgain
from matricula.connectors.kit.http import Answer, Http
from matricula.connectors.kit.secrets import credential

if TYPE_CHECKING:
    from collections.abc import Generator

    from matricula.connectors.kit.transport import Access

# A token is renewed a little before it ends, so that none ends on its way.
_EARLY_SECONDS = 30.0
_USUAL_SECONDS = 3600.0
_CURE = (
    "Look at the API key in Koha, and that `RESTOAuth2ClientCredentials` is on; the key's "
    "identifier and secret stand in the charter by reference."
)


class FetchedToken(httpx2.Auth):
    """OAuth 2.0 client credentials (RFC 6749 4.4): kept until shortly before the token ends.

    Args:
        access: How the system is reached; the token address is below its url.
        path: Of the token address.
        client: References to the key's identifier and secret.
    """

    def __init__(self, access: Access, path: str, client: tuple[str, str]) -> None:
        self._access, self._path, self._client = access, path, client
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
        key, secret = map(credential, self._client)
        form = {
            "grant_type": "client_credentials", "client_id": key, "client_secret": secret,
        }  # fmt: skip
        with closing(Http(self._access)) as http:
            try:
                return http.send("POST", self._path, what="token", data=form)
            except ReadBack as error:
                # Whatever became of the token, nothing was done with it.
                raise TryAgain(
                    error.message, code="M610", cure="Nothing to do unless it lasts."
                ) from error
            except Stop as error:
                raise Stop("Koha does not know the API key.", code="M613", cure=_CURE) from error

    def _keep(self, answer: Answer) -> None:
        if not answer.is_success:
            raise Stop(f"The token address answers {answer.status}.", code="M613", cure=_CURE)
        try:
            said = answer.json()
            self._token = str(said["access_token"])
            seconds = float(said.get("expires_in") or _USUAL_SECONDS)
        except (GiveUp, ValueError, KeyError, TypeError, AttributeError) as error:
            raise Stop(
                "The token address answers with something that is no token.",
                code="M615",
                cure=_CURE,
            ) from error
        self._good_until = time.monotonic() + seconds - _EARLY_SECONDS

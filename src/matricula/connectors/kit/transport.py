"""The way out to a system's network address: named hosts only, TLS verified, by reference.

Also for libraries that bring their own verbs but take an `httpx2.Client`.
"""

from __future__ import annotations

import base64
import logging
import ssl
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import httpx2

from matricula.connectors.kit.address import LOOPBACK
from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.pace import Pace
from matricula.connectors.kit.secrets import credential, header_credential

if TYPE_CHECKING:
    from collections.abc import Generator

# They write whole addresses, whose queries may hold personal values, and the headers of answers,
# which may hold a token. A level may be lowered by whoever looks for a fault; a filter stays.
_TALKATIVE = ("httpx2", *(f"httpcore2.{part}" for part in (
    "connection", "http11", "http2", "proxy", "socks",
)))  # fmt: skip


def _is_a_warning(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.WARNING


for _name in _TALKATIVE:
    logging.getLogger(_name).addFilter(_is_a_warning)


@dataclass(frozen=True, slots=True)
class Access:
    """How a charter lets us reach a system.

    Attributes:
        url: Its address; paths are below it.
        hosts: Further places that it may redirect to or page through, as `host` or `host:port`:
            there too over the scheme of `url`, and at its usual port unless another is named.
        token: Reference to a bearer token.
        user: Reference to a user name, with `password` for Basic.
        password: Reference to its password.
        ca_file: Certificates to trust instead of the usual ones, for a private authority.
        timeout_seconds: For connecting, and for each silence while reading.
        deadline_seconds: For a whole answer, however steadily it drips, and to have it
            repeated.
        attempts: How often a repeatable request is sent at most.
        largest_answer_bytes: A longer answer is refused.
        per_second: Requests a second, at most, by all threads together; None is no limit.
    """

    url: str
    hosts: frozenset[str] = frozenset()
    token: str = ""
    user: str = ""
    password: str = ""
    ca_file: str = ""
    timeout_seconds: float = 30.0
    deadline_seconds: float = 300.0
    attempts: int = 4
    largest_answer_bytes: int = 256 << 20
    per_second: float | None = None


def guarded_client(access: Access, *, auth: httpx2.Auth | None = None) -> httpx2.Client:
    """Make a client that reaches the named hosts and no other, following no redirect.

    The environment has no say: no proxy, no `.netrc`.

    Args:
        access: What the charter says.
        auth: Signs requests where a token, or a user and password, do not do.
    """
    verify = _trust(access.ca_file, _written_at(access.ca_file))
    return httpx2.Client(
        base_url=access.url,
        auth=auth or (_Reference(access) if access.token or access.user else None),
        timeout=access.timeout_seconds,
        follow_redirects=False,
        trust_env=False,
        transport=_Named(access, httpx2.HTTPTransport(verify=verify, trust_env=False)),
    )


@cache
def _trust(ca_file: str, _written: int) -> ssl.SSLContext:
    """Read whom to trust: once until the file is another one, for it takes a client's longest."""
    return ssl.create_default_context(cafile=ca_file or None)


def _written_at(ca_file: str) -> int:
    place = Path(ca_file or ssl.get_default_verify_paths().openssl_cafile)
    try:
        return place.stat().st_mtime_ns
    except OSError:
        # What cannot be read is said by whoever reads it.
        return 0


def not_trusted(error: BaseException) -> bool:
    """Say whether a failed connection failed for its certificate."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


class _Named(httpx2.BaseTransport):
    """Lets requests to named hosts through, and refuses the others before they leave."""

    def __init__(self, access: Access, inner: httpx2.BaseTransport) -> None:
        self._inner = inner
        home = httpx2.URL(access.url)
        named = [httpx2.URL(f"{home.scheme}://{host}") for host in access.hosts]
        self._places = {_place(url) for url in (home, *named)}
        self._pace = Pace(access.per_second) if access.per_second else None

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host, scheme = request.url.host, request.url.scheme
        address = request.url.netloc.decode("ascii")
        # Another port of the same machine is another server, and may be somebody else's; whoever
        # listens there would be shown what we sign in with.
        if _place(request.url) not in self._places:
            raise GiveUp(
                f"A request leads to {address}, which the charter does not name.",
                code="M614",
                cure="Correct the address if the system moved; otherwise ask its office.",
            )
        if scheme != "https" and host not in LOOPBACK:
            raise GiveUp(
                f"A request to {host} would go over {scheme}, where anybody can read it.",
                code="M614",
                cure="Write the address with https.",
            )
        if self._pace:
            self._pace.wait()
        return self._inner.handle_request(request)

    def close(self) -> None:
        self._inner.close()


def _place(url: httpx2.URL) -> tuple[str, str, int | None]:
    # A port that is the scheme's own is none.
    return url.scheme, url.host, url.port


class _Reference(httpx2.Auth):
    """Signs a request with a secret that is fetched for it and then forgotten."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        request.headers["Authorization"] = self._signature()
        yield request

    def _signature(self) -> str:
        if self._access.token:
            return f"Bearer {header_credential(self._access.token)}"
        pair = f"{credential(self._access.user)}:{credential(self._access.password)}"
        return f"Basic {base64.b64encode(pair.encode()).decode('ascii')}"

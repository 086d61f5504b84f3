"""Sign requests by OAuth 1.0a without a token, as providers of OneRoster 1.0 and 1.1 ask for.

Source: RFC 5849 sections 3.1, 3.4 and 3.5.1; OneRoster 1.1, section on security, which adds
HMAC-SHA256.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import time
from typing import TYPE_CHECKING, Literal
from urllib.parse import parse_qsl, quote

import httpx2

from matricula.connectors.kit.secrets import credential

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence

Method = Literal["HMAC-SHA256", "HMAC-SHA1"]
_HASHES = {"HMAC-SHA256": hashlib.sha256, "HMAC-SHA1": hashlib.sha1}
_USUAL_PORTS = {("http", 80), ("https", 443), ("http", None), ("https", None)}
_BYTES = 16


class Signed(httpx2.Auth):
    """Signs each request anew, with a nonce of its own.

    Args:
        key: The consumer key.
        secret: Reference to the consumer secret.
        method: How it is signed.
    """

    def __init__(self, key: str, secret: str, method: Method) -> None:
        self._key, self._secret, self._method = key, secret, method

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Put the signature on a request."""
        told = [
            ("oauth_consumer_key", self._key),
            ("oauth_nonce", secrets.token_hex(_BYTES)),
            ("oauth_signature_method", self._method),
            ("oauth_timestamp", str(int(time.time()))),
            ("oauth_version", "1.0"),
        ]
        url = request.url
        place = f":{url.port}" if (url.scheme, url.port) not in _USUAL_PORTS else ""
        address = f"{url.scheme}://{url.host}{place}{url.raw_path.decode().partition('?')[0]}"
        asked = parse_qsl(url.query.decode(), keep_blank_values=True)
        text = base_string(request.method, address, [*told, *asked])
        signature = signed(text, f"{_spelled(credential(self._secret))}&", self._method)
        parts = [*told, ("oauth_signature", signature)]
        listed = ", ".join(f'{_spelled(name)}="{_spelled(value)}"' for name, value in parts)
        request.headers["Authorization"] = f"OAuth {listed}"
        yield request


def base_string(method: str, address: str, parameters: Sequence[tuple[str, str]]) -> str:
    """Write what is signed: the method, the address without its query, all parameters sorted."""
    pairs = sorted((_spelled(name), _spelled(value)) for name, value in parameters)
    normal = "&".join(f"{name}={value}" for name, value in pairs)
    return f"{method.upper()}&{_spelled(address)}&{_spelled(normal)}"


def signed(text: str, key: str, method: Method) -> str:
    """Sign a base string.

    Args:
        text: The base string.
        key: Both secrets, spelled and joined by `&`; the second is empty without a token.
        method: How.
    """
    made = hmac.new(key.encode(), text.encode(), _HASHES[method])
    return base64.b64encode(made.digest()).decode()


def _spelled(text: str) -> str:
    return quote(text, safe="-._~")

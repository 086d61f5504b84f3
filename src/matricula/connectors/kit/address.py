"""The address of a system as a charter may write it, for the settings of every HTTP connector."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _must_be_safe(address: str) -> str:
    parts = urlsplit(address)
    if not parts.hostname or parts.username or parts.query or parts.fragment:
        message = "an address has a host, and no user name, query or fragment"
        raise ValueError(message)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in LOOPBACK):
        message = "an address starts with https:// (http:// only on this machine itself)"
        raise ValueError(message)
    return address.rstrip("/")


# Over TLS, or on this machine; without a name, a secret or a stroke at its end.
Address = Annotated[str, AfterValidator(_must_be_safe)]

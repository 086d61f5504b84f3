"""The only way in for a request: by its token, to the one system its client may read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.utils import timezone

from matricula.api.models import Token
from matricula.api.rules import NotServed, digest

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import datetime

    from django.http import HttpRequest


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: a client by its name, and the one system it was let in to."""

    client: str
    system: str


_AGAIN = "Ask for a token at /oauth/token."


def system_for(request: HttpRequest, scopes: Collection[str]) -> str:
    """Say which system a request may read: that of its `caller`."""
    return caller(request, scopes).system


def caller(request: HttpRequest, scopes: Collection[str]) -> Caller:
    """Say who asks.

    Args:
        request: Of another system.
        scopes: Any of these is enough.

    Raises:
        NotServed: It has no token that counts (M751), or none of the scopes (M752).
    """
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise NotServed("M751", "The request carries no bearer token.", cure=_AGAIN)
    found = Token.objects.filter(digest=digest(secret.strip()), client__closed_at=None)
    token = found.values_list("client__name", "client__system", "scopes", "expires_at")[:1]
    for client, system, granted, expires_at in token:
        _must_count(granted.split(), scopes, expires_at)
        return Caller(client, system)
    raise NotServed("M751", "The token is none of ours, or was taken back.", cure=_AGAIN)


def _must_count(granted: Sequence[str], scopes: Collection[str], expires_at: datetime) -> None:
    if expires_at <= timezone.now():
        raise NotServed("M751", "The token has expired.", cure=_AGAIN)
    if not set(granted).intersection(scopes):
        needed = " or ".join(sorted(scopes))
        raise NotServed("M752", f"This takes the scope {needed}.", cure="Ask for it.")

"""Let clients in, replace their secrets, shut them out, and hand out tokens."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.api import queries
from matricula.api.models import Client, Token
from matricula.api.rules import LIFETIME, SCOPES, digest
from matricula.audit.actions import Entry, append
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection
    from datetime import datetime

_BYTES = 32


@dataclass(frozen=True, slots=True)
class Doing:
    """Who does something, why, and when."""

    actor: str
    why: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Issued:
    """A token as it is told once, and how long it lasts."""

    token: str
    scopes: tuple[str, ...]
    seconds: int


@transaction.atomic
def let_in(doing: Doing, name: str, *, system: str, scopes: Collection[str]) -> str:
    """Let a client in to one served system.

    Args:
        doing: Who, why and when.
        name: The client's, never given twice.
        system: Of the charter; the caller has made sure that it is served.
        scopes: Words of `rules.SCOPES`.

    Returns:
        Its secret, which is told this once.

    Raises:
        Refused: The name was given before (M759).
    """
    if Client.objects.filter(name=name).exists():
        raise Refused(
            "M759", f"The client {name} was let in before.",
            cure="Choose another name, or replace its secret: `matricula api renew`.",
        )  # fmt: skip
    secret = secrets.token_urlsafe(_BYTES)
    granted = " ".join(sorted(scopes))
    Client.objects.create(
        name=name, system=system, scopes=granted, secret_digest=digest(secret),
        opened_at=doing.at,
    )  # fmt: skip
    _note(doing, "let client in", name, {"system": system, "scopes": granted})
    return secret


@transaction.atomic
def renew(doing: Doing, name: str) -> str:
    """Give a client a new secret; the old one and its tokens count no more.

    Raises:
        Refused: There is no such client (M750).
    """
    client = _locked(name)
    secret = secrets.token_urlsafe(_BYTES)
    client.secret_digest = digest(secret)
    client.save(update_fields=["secret_digest"])
    Token.objects.filter(client=client).delete()
    _note(doing, "renew client", name, {})
    return secret


@transaction.atomic
def shut_out(doing: Doing, name: str) -> None:
    """Shut a client out, from this moment on.

    Raises:
        Refused: There is no such client (M750).
    """
    client = _locked(name)
    client.closed_at = doing.at
    client.save(update_fields=["closed_at"])
    Token.objects.filter(client=client).delete()
    _note(doing, "shut client out", name, {})


def _locked(name: str) -> Client:
    """Find a client whom nobody else renews or shuts out meanwhile."""
    return Client.objects.select_for_update().get(pk=queries.client(name).pk)


def issue(name: str, secret: str, *, scopes: Collection[str], at: datetime) -> Issued:
    """Hand out a token.

    Args:
        name: The client's.
        secret: What it was told.
        scopes: Whole scopes of the standard that it asks for; all it has where there are none.
        at: Now.

    Raises:
        Refused: It is none of ours (M750), or was granted none of these scopes (M752).
    """
    client = Client.objects.filter(name=name, closed_at=None).first()
    held = client.secret_digest if client else digest("")
    if not hmac.compare_digest(held, digest(secret)) or client is None:
        raise Refused("M750", "No client has this name and secret.", cure="Ask its operator.")
    granted = [SCOPES[word] for word in client.scopes.split()]
    given = tuple(one for one in granted if not scopes or one in scopes)
    if not given:
        raise Refused("M752", "None of these scopes is granted.", cure="Ask an operator.")
    token = secrets.token_urlsafe(_BYTES)
    # Strangers never get here, so that they keep nobody waiting for the database.
    with transaction.atomic():
        still = Client.objects.select_for_update().filter(
            pk=client.pk, closed_at=None, secret_digest=held
        )
        if not still:
            raise Refused("M750", "No client has this name and secret.", cure="Ask its operator.")
        Token.objects.filter(client=client, expires_at__lte=at).delete()
        Token.objects.create(
            client=client, digest=digest(token), scopes=" ".join(given), issued_at=at,
            expires_at=at + LIFETIME,
        )  # fmt: skip
    return Issued(token, given, int(LIFETIME.total_seconds()))


def _note(doing: Doing, action: str, name: str, told: dict[str, object]) -> None:
    entry = Entry(doing.actor, action, "client", name, doing.why, after=told)
    append([entry], at=doing.at)

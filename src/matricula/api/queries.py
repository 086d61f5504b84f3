"""Which clients there are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db.models import Max

from matricula.api.models import Client
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime


def client(name: str) -> Client:
    """Fetch a client by its name.

    Raises:
        Refused: There is none (M750).
    """
    found = Client.objects.filter(name=name).first()
    if found is None:
        raise Refused(
            "M750", f"There is no client {name}.", cure="`matricula api clients` lists them."
        )
    return found


def clients() -> list[tuple[str, str, str, datetime | None, datetime | None]]:
    """List clients: name, system, scopes, when a token was last handed out, when shut out."""
    rows = Client.objects.annotate(last=Max("token__issued_at")).order_by("name")
    return list(rows.values_list("name", "system", "scopes", "last", "closed_at"))

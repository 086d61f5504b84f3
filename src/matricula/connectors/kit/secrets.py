"""Secrets in settings: written `env:NAME` or `file:PATH`, never as themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from matricula.connectors.kit.errors import Stop
from matricula.kernel.errors import SettingMissing
from matricula.kernel.secrets import reveal


def credential(reference: str) -> str:
    """Fetch a secret without which a system does not let us in.

    Raises:
        Stop: It is not there (M613).
    """
    try:
        return reveal(reference)
    except SettingMissing as error:
        raise Stop(error.message, code="M613", cure=error.cure) from None


def header_credential(reference: str) -> str:
    """Fetch a secret that stands in a header as it is.

    Raises:
        Stop: It is not there, or no header can carry it (M613).
    """
    found = credential(reference)
    if not (found.isascii() and found.isprintable() and found == found.strip()):
        raise cannot_be_sent(reference, "a header")
    return found


def cannot_be_sent(reference: str, by: str) -> Stop:
    """Say that a secret holds what a protocol has no room for: it is a wrong one."""
    return Stop(
        f"The secret {reference} holds a sign that {by} cannot carry: a line end, a blank at its "
        "end, or a letter of another alphabet.",
        code="M613",
        cure="Write the secret there alone, as the system gave it out.",
    )


def _must_refer(text: str) -> str:
    if not text.startswith(("env:", "file:")):
        message = "a secret is written env:NAME or file:PATH, never as itself"
        raise ValueError(message)
    return text


Secret = Annotated[str, AfterValidator(_must_refer)]

"""Secrets in settings: written `env:NAME` or `file:PATH`, never as themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from matricula.connectors.kit.errors import Stop
from matricula.kernel import secrets
from matricula.kernel.errors import SettingMissing


def reveal(reference: str) -> str:
    """Fetch what a reference names. Call it where the value is used and do not keep it.

    Raises:
        Stop: It is not there (M613); this system waits, the others do not.
    """
    try:
        return secrets.reveal(reference)
    except SettingMissing as error:
        raise Stop(error.message, code="M613", cure=error.cure) from error


def _must_refer(text: str) -> str:
    if not text.startswith(("env:", "file:")):
        message = "a secret is written env:NAME or file:PATH, never as itself"
        raise ValueError(message)
    return text


Secret = Annotated[str, AfterValidator(_must_refer)]

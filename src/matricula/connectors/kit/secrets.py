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


def _must_refer(text: str) -> str:
    if not text.startswith(("env:", "file:")):
        message = "a secret is written env:NAME or file:PATH, never as itself"
        raise ValueError(message)
    return text


Secret = Annotated[str, AfterValidator(_must_refer)]

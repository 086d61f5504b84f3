"""Secrets in settings: written `env:NAME` or `file:PATH`, never as themselves."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator

from matricula.kernel.secrets import reveal

__all__ = ["Secret", "reveal"]


def _must_refer(text: str) -> str:
    if not text.startswith(("env:", "file:")):
        message = "a secret is written env:NAME or file:PATH, never as itself"
        raise ValueError(message)
    return text


Secret = Annotated[str, AfterValidator(_must_refer)]

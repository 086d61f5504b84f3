"""Secrets by reference: `env:NAME` or `file:PATH`. The value is fetched when it is used."""

from __future__ import annotations

import os
from pathlib import Path

from matricula.kernel.errors import SettingMissing


def reveal(reference: str) -> str:
    """Fetch what a reference names. Call it where the value is used and do not keep it.

    Raises:
        SettingMissing: The variable is not set, or the file is not there or no text (M803).
    """
    kind, _, name = reference.partition(":")
    if kind == "env":
        value = os.environ.get(name, "")
    else:
        try:
            value = Path(name).read_text(encoding="utf-8").strip()
        except (OSError, ValueError):
            value = ""
    if not value:
        raise SettingMissing(
            "M803",
            f"The secret {reference} is not there.",
            cure=f"Provide {name or 'it'} and run again.",
        )
    return value

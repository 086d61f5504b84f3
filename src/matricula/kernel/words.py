"""What somebody may have meant who wrote a name that nobody knows."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def meant(word: str, known: Iterable[str]) -> str:
    """Say what to write instead: the nearest known name, else all there are."""
    names = list(known)
    near = get_close_matches(word, names, n=1)
    if near:
        return f"Did you mean {near[0]}?"
    return f"Use one of {', '.join(names)}." if names else "There is none yet."

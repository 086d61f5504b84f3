r"""How the parts of a key become one text, and back.

A key of one part is that part. Parts of a longer key are joined with `|`; a `|` or `\`
inside a part is written `\|` or `\\`, so two different keys never look alike.
"""

from __future__ import annotations

import re
import secrets
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

_PART = re.compile(r"((?:[^\\|]|\\.)*)(?:\||$)", re.DOTALL)


def join_key(parts: Iterable[str]) -> str:
    """Join key parts; a single part stays as it is."""
    values = list(parts)
    if len(values) == 1:
        return values[0]
    return "|".join(part.replace("\\", "\\\\").replace("|", "\\|") for part in values)


def split_key(key: str, size: int) -> tuple[str, ...]:
    """Split a key of `size` parts; the inverse of `join_key`.

    Raises:
        ValueError: The text does not have that many parts.
    """
    if size == 1:
        return (key,)
    found = _PART.findall(key)[:size]
    parts = tuple(re.sub(r"\\(.)", r"\1", part, flags=re.DOTALL) for part in found)
    if len(parts) != size or join_key(parts) != key:
        message = f"a key of {size} parts was expected"
        raise ValueError(message)
    return parts


def new_id(prefix: str, *, at: datetime) -> str:
    """Make an identifier that sorts by the time it was made, such as `run-01jd...`.

    Args:
        prefix: A word that says what it identifies.
        at: The instant of what it identifies; there is no clock here.
    """
    return f"{prefix}-{int(at.timestamp() * 1000):011x}{secrets.token_hex(4)}"

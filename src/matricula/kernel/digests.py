"""Digests of values, the same on every machine and in every version.

Canonical JSON: keys sorted, no white space, UTF-8 as it is. SHA-256 throughout.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

# Pair by pair from the left: a backslash that is itself escaped begins no escape.
_ESCAPE = re.compile(r"\\(?:u([0-9a-f]{4})|.)")


def canonical(value: object) -> str:
    """Write a JSON value in its one canonical form."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def document(members: Mapping[str, object]) -> str:
    r"""Write an object as the engine writes it in plans, so that equal text is equal state.

    DuckDB spells a control character `\u001F` where Python spells `\u001f`.
    """
    return _ESCAPE.sub(_capital, canonical(members))


def _capital(escape: re.Match[str]) -> str:
    return f"\\u{escape[1].upper()}" if escape[1] else escape[0]


def digest(value: object) -> str:
    """Digest a JSON value: 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()

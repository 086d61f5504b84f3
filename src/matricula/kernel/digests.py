"""Digests of values, the same on every machine and in every version.

Canonical JSON: keys sorted, no white space, UTF-8 as it is. SHA-256 throughout.
"""

from __future__ import annotations

import hashlib
import json


def canonical(value: object) -> str:
    """Write a JSON value in its one canonical form."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def digest(value: object) -> str:
    """Digest a JSON value: 64 hexadecimal digits."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()

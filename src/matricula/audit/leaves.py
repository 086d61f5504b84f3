"""How entries become leaves, leaves a root, roots a chain. Pure, and short on purpose.

A leaf is SHA-256 over a zero byte and the JSON array of the entry's columns in their
order; an inner node over a one byte and its two children (RFC 6962, section 2.1); a link
of the chain over the previous link, the root, the first and last sequence numbers and the
instant of sealing, one per line. The stand-alone verifier says the same in its own words.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

COLUMNS = (
    "seq", "at", "actor", "action", "subject", "why", "flow", "charter_version", "run",
    "values_digest",
)  # fmt: skip
START = "0" * 64
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def leaf(row: Sequence[object]) -> bytes:
    """Digest one entry, its columns in the order of `COLUMNS`."""
    return hashlib.sha256(b"\x00" + _encode(list(row)).encode()).digest()


def root(leaves: Sequence[bytes]) -> str:
    """Compute the Merkle tree hash of a batch (RFC 6962), in hexadecimal."""
    return _tree(leaves).hex()


def _tree(leaves: Sequence[bytes]) -> bytes:
    level = list(leaves)
    # Pairing neighbours and carrying an odd one up yields RFC 6962's tree, without recursion.
    while len(level) > 1:
        paired = [
            hashlib.sha256(b"\x01" + level[i] + level[i + 1]).digest()
            for i in range(0, len(level) - 1, 2)
        ]
        level = paired + level[len(paired) * 2 :]
    return level[0] if level else hashlib.sha256(b"").digest()


def link(previous: str, root_: str, *, first: int, last: int, sealed_at: str) -> str:
    """Chain a batch to the one before."""
    told = f"{previous}\n{root_}\n{first}\n{last}\n{sealed_at}"
    return hashlib.sha256(told.encode()).hexdigest()


def values_digest(salt: str, before: str, after: str) -> str:
    """Commit to values without telling them."""
    return hashlib.sha256(_encode([salt, before, after]).encode()).hexdigest()


def checkpoint_text(last_seq: int, chain: str, at: str) -> bytes:
    """Write what a checkpoint signs."""
    return f"matricula audit checkpoint\n{last_seq}\n{chain}\n{at}\n".encode()

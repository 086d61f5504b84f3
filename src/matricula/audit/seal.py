"""What is hashed, byte for byte. Pure; the stand-alone verifier says the same in its own words.

A leaf is SHA-256 over 0x00 and a JSON list; an inner node over 0x01 and its two children
(RFC 6962, section 2.1); a link of the chain over 0x02 and a JSON list. JSON is written
without white space, with characters as they are. Values are digested as their lengths in
characters, a colon, and the texts themselves.
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha256
from json.encoder import encode_basestring as _quoted
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# What the first batch is chained to.
GENESIS = "0" * 64
# What an erasure is recorded under; the dot keeps it apart from every entity of a charter.
ERASURE = "audit.erasure"
# At, actor, action, entity, why, flow, charter version, run.
Act = tuple[str, str, str, str, str, str, str, str]


def values_digest(salt: str, key: str, before: str, after: str) -> str:
    """Commit to whom an entry speaks of and what changed, without saying it."""
    # Lengths instead of JSON: quoting what is JSON already costs more than the digest.
    text = f"{len(salt)},{len(key)},{len(before)},{len(after)}:{salt}{key}{before}{after}"
    return sha256(text.encode()).hexdigest()


# Thousands of entries in a row share one act.
@lru_cache(maxsize=1024)
def what(act: Act) -> str:
    """Write an act the way it stands inside a leaf."""
    return ",".join(map(_quoted, act))


def leaf(seq: int, act: Act, digest: str) -> bytes:
    """Digest one entry: its number, what was done, and the digest of its values."""
    return sha256(f"\0[{seq},{what(act)},{_quoted(digest)}]".encode()).digest()


def root(leaves: Sequence[bytes]) -> str:
    """Compute the Merkle root of at least one leaf.

    Pairs are joined level by level and an odd one out moves up as it is; that gives the
    tree of RFC 6962, whose left side is the largest power of two.
    """
    level = list(leaves)
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        pairs = zip(level[::2], level[1::2], strict=False)
        level = [sha256(b"\1" + left + right).digest() for left, right in pairs] + odd
    return level[0].hex()


def chain(number: int, first_seq: int, last_seq: int, *, root: str, previous: str, at: str) -> str:
    """Bind a batch to all batches before it."""
    text = f"\2[{number},{first_seq},{last_seq},{_quoted(root)},{_quoted(previous)},{_quoted(at)}]"
    return sha256(text.encode()).hexdigest()

"""Checkpoints: what is signed, how it is written down, how a signature is checked. Pure.

A checkpoint says: at this instant the audit had so many batches and entries, and this
chain. Whoever keeps one can show later that the history up to there is still the same.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from matricula.kernel.digests import canonical
from matricula.kernel.errors import AuditBroken

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT = "matricula-checkpoint-1"
_KINDS = {
    "batch": int, "last_seq": int, "chain": str, "at": str, "public_key": str, "signature": str,
}  # fmt: skip
# Capitals or spaces would be the same signature in another spelling; one spelling is enough.
_DIGITS = {"public_key": re.compile("[0-9a-f]{64}"), "signature": re.compile("[0-9a-f]{128}")}


@dataclass(frozen=True, slots=True)
class Signed:
    """A signed checkpoint.

    Attributes:
        batch: How many batches there were.
        last_seq: How many entries.
        chain: The chain at that point.
        at: When it was signed.
        public_key: Ed25519, 64 hexadecimal digits.
        signature: 128 hexadecimal digits.
    """

    batch: int
    last_seq: int
    chain: str
    at: str
    public_key: str
    signature: str

    def as_text(self) -> str:
        """Write the file that is handed out."""
        return json.dumps({"format": FORMAT, **asdict(self)}, indent=2) + "\n"


def is_well_formed(signed: Signed) -> bool:
    """Say whether a checkpoint is spelt as `sign` spells one, whoever signed it."""
    told = asdict(signed)
    return all(type(told[name]) is kind for name, kind in _KINDS.items()) and all(
        digits.fullmatch(told[name]) for name, digits in _DIGITS.items()
    )


def sign(key: Ed25519PrivateKey, *, batch: int, last_seq: int, chain: str, at: str) -> Signed:
    """Sign how far an audit has come."""
    public_key = key.public_key().public_bytes_raw().hex()
    unsigned = Signed(batch, last_seq, chain, at, public_key, "")
    return Signed(batch, last_seq, chain, at, public_key, key.sign(_signed_text(unsigned)).hex())


def _signed_text(signed: Signed) -> bytes:
    told = {"format": FORMAT, **asdict(signed)}
    del told["signature"]
    return canonical(told).encode()


def check_signature(signed: Signed, *, public_key: str = "") -> None:
    """Check that a checkpoint was signed, and by whom.

    Args:
        signed: The checkpoint.
        public_key: Whose signature it must be; any when empty.

    Raises:
        AuditBroken: The signature is wrong, or another's (M718).
    """
    what = f"The checkpoint of {signed.at}, at entry {signed.last_seq},"
    if public_key and signed.public_key != public_key.strip().lower():
        raise AuditBroken(
            "M718",
            f"{what} was signed with the key {signed.public_key}, not with {public_key}.",
            cure="Ask the institution which key is its own; trust no other.",
        )
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signed.public_key))
        key.verify(bytes.fromhex(signed.signature), _signed_text(signed))
    except (InvalidSignature, ValueError) as error:
        raise AuditBroken(
            "M718",
            f"{what} is not what its key signed.",
            cure="Compare it with the copies handed out; one of them was altered.",
        ) from error


def read(path: Path) -> Signed:
    """Read a checkpoint that was handed out.

    Raises:
        AuditBroken: It is no checkpoint (M704).
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, dict) and told.get("format") == FORMAT and told.keys() >= _KINDS.keys():
        found = Signed(**{name: told[name] for name in _KINDS})
        if is_well_formed(found):
            return found
    raise AuditBroken(
        "M704",
        f"{path} is not a checkpoint.",
        cure="Hand in the file as `matricula audit checkpoint` wrote it.",
    )

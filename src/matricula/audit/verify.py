"""Recompute the audit from its entries and say whether it is untouched."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from django.db import connection

from matricula.audit import leaves
from matricula.audit.models import AuditBatch, AuditCheckpoint, AuditHead
from matricula.kernel.errors import AuditBroken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CHUNK = 50_000
_CURE = (
    "Compare with the last export or checkpoint handed out; find out who wrote to the database."
)


@dataclass(frozen=True, slots=True)
class Verified:
    """An audit that is untouched."""

    entries: int
    batches: int
    checkpoints: int
    head: str


def verify(*, checkpoint: Path | None = None) -> Verified:
    """Recompute every leaf, root and link and compare them with what is kept.

    Args:
        checkpoint: A checkpoint file handed out earlier, which the audit must contain.

    Raises:
        AuditBroken: Names the first entry or batch that is not as it was sealed (M701).
    """
    rows = _rows()
    batches = list(AuditBatch.objects.order_by("first_seq"))
    chain, expected, count = leaves.START, 1, 0
    links = {0: leaves.START}
    for batch in batches:
        if batch.first_seq != expected or batch.previous != chain:
            raise _broken(
                f"batch {batch.first_seq}-{batch.last_seq} does not follow the one before"
            )
        digests = _leaves_of(rows, batch)
        count += len(digests)
        if leaves.root(digests) != batch.root:
            raise _broken(_changed(batch))
        chain = leaves.link(
            batch.previous, batch.root, first=batch.first_seq, last=batch.last_seq,
            sealed_at=batch.sealed_at,
        )  # fmt: skip
        if chain != batch.chain:
            raise _broken(f"the seal of batch {batch.first_seq}-{batch.last_seq} was altered")
        expected = batch.last_seq + 1
        links[batch.last_seq] = chain
    _check_end(next(rows, None), chain, expected - 1)
    return Verified(count, len(batches), _check_points(links, checkpoint), chain)


def _rows() -> Iterator[tuple[object, ...]]:
    """Stream entries with their values, by sequence number."""
    names = ", ".join(f"e.{connection.ops.quote_name(column)}" for column in leaves.COLUMNS)
    query = (
        f"SELECT {names}, v.salt, v.before, v.after FROM audit_auditentry e "  # noqa: S608 - quoted names
        "LEFT JOIN audit_auditvalue v ON v.seq = e.seq ORDER BY e.seq"
    )
    with connection.chunked_cursor() as cursor:
        cursor.execute(query)
        while chunk := cursor.fetchmany(_CHUNK):
            yield from chunk


def _leaves_of(rows: Iterator[tuple[object, ...]], batch: AuditBatch) -> list[bytes]:
    digests = []
    for seq in range(batch.first_seq, batch.last_seq + 1):
        row = next(rows, None)
        if row is None or row[0] != seq:
            found = "nothing" if row is None else f"entry {row[0]}"
            raise _broken(f"entry {seq} is missing or out of its place; {found} stands there")
        if row[10] is not None and leaves.values_digest(row[10], row[11], row[12]) != row[9]:  # type: ignore[arg-type]  # texts
            raise _broken(f"the values of entry {seq} are not those that were written")
        digests.append(leaves.leaf(row[:10]))
    return digests


def _changed(batch: AuditBatch) -> str:
    if batch.first_seq == batch.last_seq:
        return f"entry {batch.first_seq} is not as it was sealed"
    return f"an entry among {batch.first_seq} to {batch.last_seq} is not as it was sealed"


def _check_end(extra: tuple[object, ...] | None, chain: str, last: int) -> None:
    if extra is not None:
        raise _broken(f"entry {extra[0]} was added outside any sealed batch")
    head = AuditHead.objects.first()
    if head is None and last == 0:
        return
    if head is None or head.last_seq != last or head.chain != chain:
        known = head.last_seq if head else 0
        raise _broken(f"entry {last + 1} and what followed, up to {known}, was cut off")


def _check_points(links: Mapping[int, str], file: Path | None) -> int:
    points = [
        (p.last_seq, p.chain, p.at, p.public_key, p.signature)
        for p in AuditCheckpoint.objects.order_by("id")
    ]
    if file is not None:
        told = json.loads(file.read_text(encoding="utf-8"))
        points.append(
            (told["last_seq"], told["chain"], told["at"], told["public_key"], told["signature"])
        )
    for last, chain, at, public, signature in points:
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
            key.verify(bytes.fromhex(signature), leaves.checkpoint_text(last, chain, at))
        except (InvalidSignature, ValueError) as error:
            raise _broken(f"the checkpoint at entry {last} is not signed by its key") from error
        if links.get(last) != chain:
            raise _broken(f"entry {last} is not the one that was signed on {at[:10]}")
    return len(points)


def _broken(what: str) -> AuditBroken:
    return AuditBroken("M701", f"The audit was touched: {what}.", cure=_CURE)

"""Write the audit down for an outsider, who checks it without Matricula.

One JSON value a line: a header; each batch followed by its entries; then the
checkpoints. `verifier/verify_audit.py` reads it; `docs/how-to/audit.md` describes it.
"""

from __future__ import annotations

import json
import os
from itertools import islice
from typing import TYPE_CHECKING

from matricula.audit import rows, seal
from matricula.audit.models import Checkpoint, Head
from matricula.audit.walk import broken

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

FORMAT = "matricula-audit-1"
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def export(path: Path, *, values: bool = True) -> int:
    """Write everything that is sealed at this moment; keeps nobody from appending.

    Args:
        path: Where; replaced if it is there.
        values: With the keys and values. They are personal; without them the file proves
            that something was done and in which order, not to whom.

    Returns:
        How many entries were written.

    Raises:
        AuditBroken: An entry cannot be written down as what it should be (M710, M716).
    """
    head = Head.objects.first() or Head(batch=0, last_seq=0, chain=seal.GENESIS)
    # With values it is as personal as the database: a new file is its owner's alone.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        for line in _lines(head, values=values):
            file.write(_encode(line) + "\n")
    return head.last_seq


def _lines(head: Head, *, values: bool) -> Iterator[dict[str, object]]:
    yield {
        "format": FORMAT, "batches": head.batch, "entries": head.last_seq, "head": head.chain,
        "values": values,
    }  # fmt: skip
    entries = rows.entries(1, head.last_seq)
    for batch in rows.batches(1, head.batch):
        yield {"batch": batch}
        for entry in islice(entries, max(0, batch.last_seq - batch.first_seq + 1)):
            yield _entry(entry, values=values)
    yield from _beside()
    for point in Checkpoint.objects.filter(batch__lte=head.batch).order_by("id"):
        yield {
            "checkpoint": {
                "batch": point.batch, "last_seq": point.last_seq, "chain": point.chain,
                "at": point.at, "public_key": point.public_key, "signature": point.signature,
            }
        }  # fmt: skip


def _beside() -> Iterator[dict[str, object]]:
    """Write what stands beyond the head too, so that an outsider sees that nothing seals it."""
    ((highest,),) = rows.fetch("SELECT max(seq) FROM audit_entry")
    # Read after the highest number: what is appended in between is sealed.
    head = Head.objects.first()
    if highest is not None and int(highest) > (head.last_seq if head else 0):
        for entry in rows.entries(int(highest), int(highest)):
            yield _entry(entry, values=False)


def _entry(entry: rows.Stored, *, values: bool) -> dict[str, object]:
    act = entry.act or ("",) * 8
    if not all(isinstance(text, str) for text in (*act, entry.values_digest, entry.leaf)):
        raise broken("M710", f"Entry {entry.seq} holds something that is not text.")
    told: dict[str, object] = {"entry": [entry.seq, *act, entry.values_digest, entry.leaf]}
    # What an erasure names is never personal, and without it a gap could not be explained.
    if (values or act[3] == seal.ERASURE) and entry.salt is not None:
        if not all(isinstance(text, str) for text in entry[4:]):
            raise broken("M716", f"The values of entry {entry.seq} are not text.")
        return {**told, "values": entry[4:]}
    return told

"""Write the audit down for an outsider, who checks it without Matricula.

One JSON value a line: a header; each batch followed by its entries; what stands beside
them, which in a sound audit is nothing; then the checkpoints. `verifier/verify_audit.py`
reads it; `docs/how-to/audit.md` describes it.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING

from django.db import DatabaseError

from matricula.audit import rows, seal, standing
from matricula.audit.walk import broken, named_by_erasure

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matricula.audit.checkpoints import Signed
    from matricula.audit.standing import Head

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
        AuditBroken: An entry, a seal or a checkpoint cannot be written down as what it
            should be (M710, M713, M716, M718).
    """
    points = standing.signed()
    # Read after the checkpoints: what one of them vouches for beyond it is gone.
    head = standing.head()
    # With values it is as personal as the database: a new file is its owner's alone.
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
        try:
            for line in _lines(head, points, values=values):
                file.write(_encode(line) + "\n")
        except (TypeError, ValueError, DatabaseError) as error:
            raise broken(
                "M713", "The audit holds something that cannot be read as number or text."
            ) from error
    return head.last_seq


def _lines(head: Head, points: Sequence[Signed], *, values: bool) -> Iterator[dict[str, object]]:
    yield {
        "format": FORMAT, "batches": head.batch, "entries": head.last_seq, "head": head.chain,
        "values": values,
    }  # fmt: skip
    erased: dict[int, int] = {}
    entries = rows.entries(1, head.last_seq)
    for batch in rows.batches(1, head.batch):
        yield {"batch": batch}
        for entry in islice(entries, max(0, batch.last_seq - batch.first_seq + 1)):
            yield _entry(entry, values=values)
            if entry.act and entry.act[3] == seal.ERASURE:
                erased.update(dict.fromkeys(named_by_erasure(entry), entry.seq))
    # An outsider sees too that nothing seals it.
    for one in standing.beside(erased, upto=head.last_seq):
        yield {"beside": one}
    for point in points:
        yield {"checkpoint": asdict(point)}


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

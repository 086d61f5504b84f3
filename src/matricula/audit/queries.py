"""Reading the audit: one record's history, one run's entries, the whole for an outsider."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.audit.leaves import COLUMNS
from matricula.audit.models import (
    AuditBatch,
    AuditCheckpoint,
    AuditEntry,
    AuditSubject,
    AuditValue,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

_CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Told:
    """An entry with its values, as far as they were not erased."""

    seq: int
    at: str
    actor: str
    action: str
    entity: str
    key: str
    why: str
    flow: str
    run: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None


def history(entity: str, key: str, *, limit: int = 100) -> list[Told]:
    """List what was done to one record, the newest first."""
    subject = AuditSubject.objects.filter(entity=entity, key=key).first()
    if subject is None:
        return []
    entries = AuditEntry.objects.filter(subject=subject.token).order_by("-seq")[:limit]
    return _told(list(entries), {subject.token: (entity, key)})


def entries(run: str) -> list[Told]:
    """List what a run did, in order."""
    found = list(AuditEntry.objects.filter(run=run).order_by("seq"))
    tokens = {entry.subject for entry in found}
    subjects = AuditSubject.objects.filter(token__in=tokens)
    return _told(found, {s.token: (s.entity, s.key) for s in subjects})


def _told(found: list[AuditEntry], subjects: Mapping[str, tuple[str, str]]) -> list[Told]:
    values = AuditValue.objects.in_bulk([entry.seq for entry in found])
    told = []
    for entry in found:
        entity, key = subjects.get(entry.subject, ("", "(erased)"))
        value = values.get(entry.seq)
        told.append(
            Told(
                entry.seq, entry.at, entry.actor, entry.action, entity, key, entry.why,
                entry.flow, entry.run,
                _values(value.before if value else ""), _values(value.after if value else ""),
            )
        )  # fmt: skip
    return told


def _values(text: str) -> Mapping[str, object] | None:
    if not text:
        return None
    found: Mapping[str, object] = json.loads(text)
    return found


def export(path: Path, *, values: bool = True) -> int:
    """Write the whole audit as JSON Lines, for the stand-alone verifier.

    Args:
        path: The file to write.
        values: With the values and their salts; without them the chain can still be checked.

    Returns:
        How many entries were written.
    """
    count = 0
    with path.open("w", encoding="utf-8") as file:
        for line in _lines(values=values):
            count += "entry" in line
            file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    return count


def _lines(*, values: bool) -> Iterator[dict[str, object]]:
    yield {"format": "matricula-audit-1", "columns": list(COLUMNS)}
    for batch in AuditBatch.objects.order_by("first_seq").iterator(chunk_size=_CHUNK):
        yield {"batch": [batch.first_seq, batch.last_seq, batch.root, batch.previous, batch.chain,
                         batch.sealed_at]}  # fmt: skip
        span = {"seq__gte": batch.first_seq, "seq__lte": batch.last_seq}
        kept = AuditValue.objects.filter(**span).in_bulk() if values else {}
        for row in AuditEntry.objects.filter(**span).order_by("seq").values_list(*COLUMNS):
            line: dict[str, object] = {"entry": list(row)}
            value = kept.get(row[0])
            if value is not None:
                line["values"] = [value.salt, value.before, value.after]
            yield line
    for point in AuditCheckpoint.objects.order_by("id"):
        yield {"checkpoint": [point.last_seq, point.chain, point.at, point.public_key,
                              point.signature]}  # fmt: skip

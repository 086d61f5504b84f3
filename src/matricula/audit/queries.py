"""Reading the audit: the history of a record, and what a run did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.audit import rows
from matricula.audit.exporting import export

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.audit.rows import Row

__all__ = ["Recorded", "entries", "export", "history"]

_HISTORY = rows.JOINED + "WHERE v.key = %s AND e.entity = %s ORDER BY v.seq DESC LIMIT %s"
_OF_RUN = rows.JOINED + "WHERE e.run = %s AND e.seq > %s ORDER BY e.seq LIMIT %s"
_CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class Recorded:
    """An entry with its values, as far as they were not erased.

    Attributes:
        seq: Its number, from 1.
        at: UTC, with microseconds and a Z.
        actor: Who.
        action: What was done.
        entity: To which kind of record.
        key: To which record; none once it was erased.
        why: The purpose or the reason.
        flow: The flow that carried it, or empty.
        charter_version: Digest of the charter that granted it, or empty.
        run: The run it belongs to, or empty.
        before: The fields as they stood, if there were any and they were not erased.
        after: The fields as they stood afterwards, likewise.
    """

    seq: int
    at: str
    actor: str
    action: str
    entity: str
    key: str | None
    why: str
    flow: str
    charter_version: str
    run: str
    before: Mapping[str, object] | None
    after: Mapping[str, object] | None

    @property
    def is_erased(self) -> bool:
        """Whether key and values were erased."""
        return self.key is None


def history(entity: str, key: str, *, limit: int = 100) -> list[Recorded]:
    """List what was done to one record, newest first; nothing after an erasure."""
    return [_recorded(row) for row in rows.fetch(_HISTORY, (key, entity, limit))]


def entries(*, run: str) -> Iterator[Recorded]:
    """Stream what a run did, in order."""
    last = 0
    while found := rows.fetch(_OF_RUN, (run, last, _CHUNK)):
        yield from map(_recorded, found)
        last = int(found[-1][0])


def _recorded(row: Row) -> Recorded:
    seq, at, actor, action, entity, why, flow, version, run = row[:9]
    key, before, after = row[12:]
    return Recorded(
        seq, at, actor, action, entity, key, why, flow, version, run,  # type: ignore[arg-type]  # as the query selects them
        json.loads(before) if before else None, json.loads(after) if after else None,  # type: ignore[arg-type]  # text
    )  # fmt: skip

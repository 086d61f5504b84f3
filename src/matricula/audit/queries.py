"""Reading the audit: the history of a record, and what a run did."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.audit import rows
from matricula.audit.exporting import export

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.audit.rows import Row

__all__ = ["Recorded", "acts_on", "entries", "export", "history", "keys_with"]

_COLUMNS = (
    "SELECT e.seq, a.at, a.actor, a.action, a.entity, v.key, a.why, a.flow, a.charter_version, "
    "a.run, v.before, v.after "
)
_HISTORY = (
    _COLUMNS + "FROM audit_value v JOIN audit_entry e ON e.seq = v.seq "
    "JOIN audit_act a ON a.number = e.act WHERE v.key = %s AND a.entity = %s "
    "ORDER BY v.seq DESC LIMIT %s"
)
# What stands beyond the head was not sealed, whoever wrote it.
_ACTS_ON = (
    _COLUMNS + "FROM audit_value v JOIN audit_entry e ON e.seq = v.seq "  # noqa: S608 - marks alone
    "JOIN audit_act a ON a.number = e.act WHERE a.entity = %s AND a.action = %s "
    "AND e.seq <= (SELECT max(last_seq) FROM audit_head) AND v.key IN ({}) ORDER BY v.seq"
)
_OF_RUN = (
    _COLUMNS + "FROM audit_act a JOIN audit_entry e ON e.act = a.number "
    "LEFT JOIN audit_value v ON v.seq = e.seq WHERE a.run = %s AND e.seq > %s "
    "ORDER BY e.seq LIMIT %s"
)
_KEYS_WITH = (
    "SELECT DISTINCT v.key FROM audit_value v JOIN audit_entry e ON e.seq = v.seq "
    "JOIN audit_act a ON a.number = e.act WHERE a.entity = %s AND v.key LIKE %s ESCAPE '!'"
)
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


def history(entity: str, key: str, *, limit: int = 100) -> list[Recorded]:
    """List what was done to one record, newest first; nothing after an erasure."""
    return [_recorded(row) for row in rows.fetch(_HISTORY, (key, entity, limit))]


def acts_on(entity: str, action: str, keys: Sequence[str]) -> list[Recorded]:
    """List what was done, in one way, to some records, oldest first; sealed entries alone."""
    if not keys:
        return []
    marks = ", ".join(["%s"] * len(keys))
    return [_recorded(row) for row in rows.fetch(_ACTS_ON.format(marks), (entity, action, *keys))]


def keys_with(entity: str, part: str) -> set[str]:
    """List the keys of an entity's records that hold a text anywhere and were not erased."""
    pattern = "%" + part.replace("!", "!!").replace("%", "!%").replace("_", "!_") + "%"
    return {str(row[0]) for row in rows.fetch(_KEYS_WITH, (entity, pattern))}


def entries(*, run: str) -> Iterator[Recorded]:
    """Stream what a run did, in order."""
    last = 0
    while found := rows.fetch(_OF_RUN, (run, last, _CHUNK)):
        yield from map(_recorded, found)
        last = int(found[-1][0])


def _recorded(row: Row) -> Recorded:
    *columns, before, after = row
    told = (*columns, _fields(before), _fields(after))
    return Recorded(*told)  # type: ignore[arg-type]  # as the query selects them


def _fields(text: object) -> Mapping[str, object] | None:
    """Read the fields of an entry. What is no such text counts for none; `verify` names it."""
    try:
        found = json.loads(text) if isinstance(text, str) and text else None
    except ValueError:
        found = None
    return found if isinstance(found, dict) else None

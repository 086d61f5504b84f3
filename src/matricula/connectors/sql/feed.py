"""Read a PostgreSQL table into which triggers write the identifiers of what may have changed.

Order of writing is not order of committing: a number, or an instant, that was drawn early
may become visible late. So a reading goes by transactions: it remembers the oldest that was
still under way (`pg_snapshot_xmin`), and the next one begins with that, whatever it has seen
twice. What stands in the table is never believed; it says which records to look at.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Whole
from matricula.connectors.sql import feed_script
from matricula.connectors.sql.mapping import DoesNotFit

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.connectors.sql.feed_script import Outbox
    from matricula.connectors.sql.tables import Identity, Mirror

# More than this is read faster as a whole.
MOST = 200_000
# Who copies a cluster, or makes a standby the first, starts another history of transactions.
_HISTORY = """
SELECT s.system_identifier::text || '/' || c.timeline_id || '/' || d.oid,
       pg_snapshot_xmin(pg_current_snapshot())::text
FROM pg_control_system() s, pg_control_checkpoint() c, pg_database d
WHERE d.datname = current_database()
"""
_THERE = """
SELECT to_regclass(:outbox)::oid, to_regclass(:read)::oid
"""
_RIGHTS = """
SELECT has_table_privilege(:outbox, 'SELECT') AND has_table_privilege(:read, 'SELECT'),
       has_table_privilege(:outbox, 'DELETE') AND has_table_privilege(:read, 'UPDATE')
"""
_TRIGGERS = """
SELECT t.tgname, t.oid::text, t.tgenabled::text IN ('O', 'A')
FROM pg_trigger t WHERE t.tgrelid = to_regclass(:watched)
AND t.tgname IN (:rows, :emptied) AND NOT t.tgisinternal
"""
_ENTRIES = """
SELECT DISTINCT key::text FROM {outbox} WHERE made_in >= CAST(:since AS xid8) LIMIT :most
"""
_UPTO = "SELECT coalesce(max(upto::text::numeric), 0)::text FROM {read}"
# Who asks again from before this is told that it is gone.
_FORGET = """
WITH gone AS (DELETE FROM {outbox} WHERE made_in < CAST(:upto AS xid8) RETURNING 1)
UPDATE {read} SET upto = CAST(:upto AS xid8)
WHERE upto < CAST(:upto AS xid8) AND EXISTS (SELECT 1 FROM gone)
"""


@dataclass(frozen=True, slots=True)
class Place:
    """How far the transactions had come when a reading began.

    Attributes:
        history: Of which cluster, timeline and database, with which tables and triggers.
        after: The oldest transaction that was still under way.
    """

    history: str
    after: int

    def told(self) -> dict[str, str | int]:
        """Spell it for a token."""
        return {"history": self.history, "after": self.after}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Place:
        """Read what `told` spelled.

        Raises:
            KeyError, TypeError, ValueError: It is nothing of the kind.
        """
        return cls(str(told["history"]), int(told["after"]))


def place_of(connection: sa.Connection, mirror: Mirror, outbox: Outbox) -> Place | Whole:
    """Ask how far the transactions have come; to be called before anything is read.

    Returns:
        The place, or what the feed lacks.
    """
    try:
        must_be_whole(connection, mirror, outbox)
    except GiveUp as error:
        return Whole(error.message.rstrip("."))
    history, oldest = connection.execute(sa.text(_HISTORY)).one()
    parts = [history, *_standing(connection, outbox)]
    return Place(" ".join(parts), int(oldest))


def must_be_whole(connection: sa.Connection, mirror: Mirror, outbox: Outbox) -> None:
    """Make sure that all the feed stands on is there, switched on and ours to read.

    Raises:
        GiveUp: Something is not (M626, M627).
    """
    if connection.dialect.name != "postgresql":
        raise _missing(mirror, "needs PostgreSQL", "Leave `feed:` out; `changed_by:` may serve.")
    named = {"outbox": outbox.table, "read": outbox.read}
    if None in connection.execute(sa.text(_THERE), named).one():
        raise _missing(mirror, f"has no table {outbox.table}")
    may_read, may_forget = connection.execute(sa.text(_RIGHTS), named).one()
    if not may_read or not may_forget:
        what = "forget what was read of" if may_read else "read"
        raise GiveUp(
            f"{mirror.name}: the account may not {what} the feed {outbox.table}.",
            code="M627",
            cure="Have the rights granted that `matricula feed` prints.",
        )
    for watched in outbox.watched:
        found = {row[0]: row for row in _triggers(connection, outbox, watched)}
        for name in (outbox.trigger, outbox.emptied):
            if name not in found:
                raise _missing(mirror, f"has no trigger {name} on {watched}")
            if not found[name][2]:
                raise _missing(mirror, f"is switched off: the trigger {name} on {watched}")


def _missing(mirror: Mirror, what: str, cure: str = "") -> GiveUp:
    return GiveUp(
        f"{mirror.name}: the feed {what}.",
        code="M626",
        cure=cure or "Have the system's administrator run what `matricula feed` prints.",
    )


def _triggers(connection: sa.Connection, outbox: Outbox, watched: str) -> list[Any]:
    named = {"watched": watched, "rows": outbox.trigger, "emptied": outbox.emptied}
    return sorted(tuple(row) for row in connection.execute(sa.text(_TRIGGERS), named))


def _standing(connection: sa.Connection, outbox: Outbox) -> Iterable[str]:
    """Number what the feed stands on: what is made anew has not seen what happened between."""
    named = {"outbox": outbox.table, "read": outbox.read}
    yield from (str(number) for number in connection.execute(sa.text(_THERE), named).one())
    for watched in outbox.watched:
        yield from (str(row[1]) for row in _triggers(connection, outbox, watched))


def identities_since(
    connection: sa.Connection, mirror: Mirror, outbox: Outbox, *, before: Place, now: Place
) -> list[Identity] | Whole:
    """List which records may differ, or say why nobody can.

    Args:
        connection: To the database.
        mirror: The resource.
        outbox: Its feed.
        before: When the earlier reading began.
        now: As this one begins.
    """
    if before.history != now.history or before.after > now.after:
        return Whole("the database, or what the feed stands on, was made anew since")
    named = {"since": str(before.after), "most": MOST + 1}
    # First what is there and then how far others forgot: what is removed in between is told.
    entries = connection.execute(sa.text(_in(_ENTRIES, outbox)), named).scalars().all()
    upto = connection.execute(sa.text(_in(_UPTO, outbox))).scalar_one()
    if before.after < int(upto):
        return Whole("the feed was read and forgotten past this point by another reader")
    if None in entries:
        return Whole("the feed says that anything may have changed")
    if len(entries) > MOST:
        return Whole(f"the feed names more than {MOST:,} records")
    try:
        return [_identity(mirror, entry) for entry in entries]
    except (DoesNotFit, ValueError):
        return Whole("the feed names something that is no identifier of the resource")


def _identity(mirror: Mirror, entry: str) -> Identity:
    parts = json.loads(entry, parse_float=str)
    if not isinstance(parts, list) or len(parts) != len(mirror.identity) or None in parts:
        message = "no identifier"
        raise ValueError(message)
    padded = [mirror.columns[name].padded for name in mirror.identity]
    bare = [p.rstrip(" ") if pad else p for p, pad in zip(parts, padded, strict=True)]
    return mirror.canonical(mirror.identity, bare)


def forget(connection: sa.Connection, outbox: Outbox, *, upto: Place) -> None:
    """Remove what was written by transactions that a reading has seen the end of."""
    connection.execute(sa.text(_in(_FORGET, outbox)), {"upto": str(upto.after)})


def _in(statement: str, outbox: Outbox) -> str:
    quoted = {"outbox": outbox.table, "read": outbox.read}
    return statement.format(**{n: feed_script.literal(q) for n, q in quoted.items()})

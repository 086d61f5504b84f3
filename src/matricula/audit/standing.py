"""What stands in the audit's tables, taken for nothing but what an append would have written.

Whoever owns the database can put anything anywhere: bytes for a number, a row that no batch
seals. It is named here, for our own verification and, by the export, for an outsider's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import DatabaseError

from matricula.audit import rows, seal
from matricula.audit.checkpoints import Signed, is_well_formed
from matricula.audit.walk import broken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

_POINTS = (
    "SELECT batch, last_seq, chain, at, public_key, signature FROM audit_checkpoint ORDER BY id"
)
# By what a row is, which no append wrote: how it is named, and the lowest and highest number.
_COUNTED = (
    ("entry", "SELECT min(seq), max(seq) FROM audit_entry", "last_seq"),
    ("batch", "SELECT min(number), max(number) FROM audit_batch", "batch"),
    ("values", "SELECT min(seq), max(seq) FROM audit_value", "last_seq"),
)
_NO_ENTRY = "NOT EXISTS (SELECT 1 FROM audit_entry e WHERE e.act = a.number)"
# An append writes no act without an entry, and an erasure takes the values it names at once.
_UNUSED = (
    ("head", 'SELECT min("only") FROM audit_head WHERE "only" <> 1'),
    ("act", f"SELECT min(number) FROM audit_act a WHERE {_NO_ENTRY}"),  # noqa: S608 - written above
    ("erased", "SELECT min(v.seq) FROM audit_erasure e JOIN audit_value v ON v.seq = e.seq"),
)


class Head(NamedTuple):
    """How far the audit has come."""

    batch: int
    last_seq: int
    chain: str


class Beside(NamedTuple):
    """A row that no batch seals: what it is, and its number."""

    kind: str
    number: int


def head() -> Head:
    """Read how far the audit has come.

    Raises:
        AuditBroken: The head holds what no append writes (M713).
    """
    try:
        found = rows.fetch('SELECT batch, last_seq, chain FROM audit_head WHERE "only" = 1')
    except DatabaseError as error:
        raise broken("M713", "The head cannot be read.") from error
    if not found:
        return Head(0, 0, seal.GENESIS)
    batch, last_seq, chain = found[0]
    if type(batch) is int and type(last_seq) is int and type(chain) is str:
        return Head(batch, last_seq, chain)
    raise broken("M713", "The head holds something that is neither number nor text.")


def signed() -> list[Signed]:
    """Read the checkpoints that were kept, oldest first.

    Raises:
        AuditBroken: One holds what no checkpoint holds (M718).
    """
    try:
        found = [Signed(*row) for row in rows.fetch(_POINTS)]  # type: ignore[arg-type]  # as selected
    except DatabaseError as error:
        raise broken("M718", "The checkpoints that were kept cannot be read.") from error
    for place, one in enumerate(found, 1):
        if not is_well_formed(one):
            raise broken(
                "M718",
                f"The checkpoint that was kept as number {place} is not written as one is: two "
                "numbers, and text whose digits are small.",
            )
    return found


def beside(erased: Mapping[int, int], *, upto: int) -> Iterator[Beside]:
    """Find the rows that no batch seals.

    Args:
        erased: The entries that sealed erasures name, each with the entry that is the erasure.
        upto: The entry up to which `erased` is complete.
    """
    for kind, query, limit in _COUNTED:
        # Asked before the head is read: what an append adds in between is never beyond it.
        ((lowest, highest),) = rows.fetch(query)
        if highest is not None and int(highest) > getattr(head(), limit):
            yield Beside(kind, int(highest))
        if lowest is not None and int(lowest) < 1:
            yield Beside(kind, int(lowest))
    for kind, query in _UNUSED:
        ((first,),) = rows.fetch(query)
        if first is not None:
            yield Beside(kind, int(first))
    yield from _erasures(erased, upto)


def _erasures(erased: Mapping[int, int], upto: int) -> Iterator[Beside]:
    """Hold what may be deleted against what sealed entries order."""
    found = rows.fetch("SELECT seq, erased_by FROM audit_erasure")
    allowed = {int(seq): by for seq, by in found}
    last = head().last_seq
    for seq in {**erased, **allowed}:
        by = allowed.get(seq)
        # What was ordered meanwhile is sealed beyond what was walked; the next time sees to it.
        is_new = seq not in erased and isinstance(by, int) and upto < by <= last
        if by != erased.get(seq) and not is_new:
            yield Beside("erasure", seq)

"""Recompute the whole audit from its rows and say whether it is untouched.

Reads only, and keeps nobody from appending: what is sealed up to the head is verified,
what is appended meanwhile is left for the next time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import DatabaseError

from matricula.audit import checkpoints, rows, standing
from matricula.audit.walk import Walk, broken

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matricula.audit.checkpoints import Signed
    from matricula.audit.standing import Head
    from matricula.kernel.errors import AuditBroken


@dataclass(frozen=True, slots=True)
class Verified:
    """An audit that is untouched.

    Attributes:
        entries: How many entries.
        batches: How many batches seal them.
        checkpoints: How many checkpoints vouch for them, the one handed in included.
        head: The chain at the end.
        erased: How many entries no longer have their values, by an erasure.
    """

    entries: int
    batches: int
    checkpoints: int
    head: str
    erased: int


def verify(*, checkpoint: Path | None = None, public_key: str = "") -> Verified:
    """Recompute every entry, value, root and link and hold them against what was signed.

    Args:
        checkpoint: A checkpoint file handed out earlier, which the audit must contain.
        public_key: Whose signature every checkpoint must bear; any when empty.

    Raises:
        AuditBroken: Names the first entry that is not as it was sealed (M704, M710 to M718).
    """
    signed = standing.signed()
    if checkpoint is not None:
        signed.append(checkpoints.read(checkpoint))
    for one in signed:
        checkpoints.check_signature(one, public_key=public_key)
    walk = Walk(one.batch for one in signed)
    head = _walk_to_the_head(walk)
    _check_signed(walk, signed)
    _check_nothing_beside(walk)
    return Verified(
        head.last_seq, head.batch, len(signed), head.chain, head.last_seq - walk.values
    )


def _walk_to_the_head(walk: Walk) -> Head:
    while True:
        head = standing.head()
        try:
            _walk(walk, head)
        except (TypeError, DatabaseError) as error:
            raise broken(
                "M713",
                f"The seals after entry {walk.last_seq} hold something that is neither number "
                "nor text.",
            ) from error
        unexplained = walk.unexplained()
        if unexplained is None:
            return head
        # An erasure while we walked takes values here and records itself beyond this head.
        if standing.head() == head:
            raise broken(
                "M717", f"The values of entry {unexplained} are gone, and no erasure names it."
            )


def _walk(walk: Walk, head: Head) -> None:
    entries = _entries(walk.last_seq + 1, head.last_seq)
    for batch in rows.batches(walk.number + 1, head.batch):
        walk.go(batch, entries)
    if walk.last_seq != head.last_seq or walk.number != head.batch:
        raise broken(
            "M714",
            f"The audit ends with entry {walk.last_seq}, and its head stands at entry "
            f"{head.last_seq}: entry {walk.last_seq + 1} and what followed is gone.",
        )
    if walk.chain != head.chain:
        raise broken(
            "M713",
            f"The head does not carry the chain of the last batch, at entry {head.last_seq}.",
        )


def _entries(first: int, last: int) -> Iterator[rows.Stored]:
    try:
        yield from rows.entries(first, last)
    except DatabaseError as error:
        raise _unreadable(first, last) from error


def _unreadable(first: int, last: int) -> AuditBroken:
    """Find the entry that the database itself cannot read, such as text that is no UTF-8."""
    seq = first
    for seq in range(first, last + 1):
        try:
            list(rows.entries(seq, seq))
        except DatabaseError:
            break
    return broken("M710", f"Entry {seq} cannot be read.")


def _check_signed(walk: Walk, signed: Sequence[Signed]) -> None:
    for one in signed:
        if one.batch > walk.number or one.last_seq > walk.last_seq:
            raise broken(
                "M714",
                f"The checkpoint of {one.at} vouches for {one.last_seq} entries, and the audit "
                f"ends with entry {walk.last_seq}: entry {walk.last_seq + 1} and what followed "
                "is gone.",
            )
        if walk.passed(one.batch) != (one.last_seq, one.chain):
            raise broken(
                "M715",
                f"The checkpoint of {one.at} vouches for another history up to entry "
                f"{one.last_seq}: the audit was rewritten.",
            )


_BESIDE = {
    "entry": "Entry {} stands outside every batch.",
    "batch": "Batch {} was not sealed by an append.",
    "values": "Values stand beside entry {}, which does not exist.",
    "head": "A second head, {}, stands beside the audit's own.",
    "act": "What act {} says was done to no entry.",
    "erased": "The values of entry {} are there, though an erasure is recorded that took them.",
    "erasure": "The erasure of entry {} is not recorded as a sealed entry orders it.",
}


def _check_nothing_beside(walk: Walk) -> None:
    """Check that nothing was added that no batch seals."""
    for one in standing.beside(walk.erased, upto=walk.last_seq):
        raise broken("M712", _BESIDE[one.kind].format(one.number))

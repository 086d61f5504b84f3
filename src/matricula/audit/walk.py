"""Walk along the audit and stop at the first entry that is not as it was sealed.

Knows rows, not where they come from. It holds one batch in memory, and the numbers of
the entries whose values are gone.
"""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING

from matricula.audit import seal
from matricula.kernel.errors import AuditBroken

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matricula.audit.rows import Batch, Stored

CURE = (
    "Leave the database as it is; compare it with a backup and the checkpoints handed out, and "
    "find out who could write to it."
)


def broken(code: str, message: str) -> AuditBroken:
    """Say what is wrong."""
    return AuditBroken(code, message, cure=CURE)


class Walk:
    """How far a verification has come; it changes with every batch.

    Attributes:
        number: The last batch that was found good.
        last_seq: The last entry.
        chain: The chain there.
        values: How many entries still had their values.
        erased: The entries that erasures name, each with the entry that is the erasure.
    """

    def __init__(self, remember: Iterable[int]) -> None:
        self.number, self.last_seq, self.chain, self.values = 0, 0, seal.GENESIS, 0
        self._remember = frozenset(remember)
        self._passed = {0: (0, seal.GENESIS)}
        self._gone: set[int] = set()
        self.erased: dict[int, int] = {}

    def passed(self, number: int) -> tuple[int, str] | None:
        """Tell the last entry and the chain of a batch that was to be remembered, if it came."""
        return self._passed.get(number)

    def unexplained(self) -> int | None:
        """Find the first entry whose values are gone although no erasure names it."""
        return min(self._gone - self.erased.keys(), default=None)

    def go(self, batch: Batch, entries: Iterator[Stored]) -> None:
        """Check the next batch against its entries.

        Raises:
            AuditBroken: It is not as it was sealed.
        """
        self._check_place(batch)
        expected = range(batch.first_seq, batch.last_seq + 1)
        leaves = [
            self._leaf(seq, entry)
            for seq, entry in zip(expected, islice(entries, len(expected)), strict=False)
        ]
        if len(leaves) < len(expected):
            raise broken("M711", f"Entry {batch.first_seq + len(leaves)} is missing.")
        self._check_seal(batch, seal.root(leaves))
        self.number, self.last_seq, self.chain = batch.number, batch.last_seq, batch.chain
        if batch.number in self._remember:
            self._passed[batch.number] = (batch.last_seq, batch.chain)

    def _check_place(self, batch: Batch) -> None:
        following = self.last_seq + 1
        if batch.number != self.number + 1:
            raise broken(
                "M713",
                f"Entry {following} is sealed by nothing: batch {self.number + 1} is missing.",
            )
        if batch.first_seq != following or batch.last_seq < following:
            raise broken(
                "M713",
                f"Batch {batch.number} claims entries {batch.first_seq} to {batch.last_seq}; "
                f"it must begin with entry {following}.",
            )

    def _leaf(self, seq: int, entry: Stored) -> bytes:
        if entry.seq != seq:
            raise broken("M711", f"Entry {seq} is missing; entry {entry.seq} stands in its place.")
        if entry.act is None:
            raise broken("M710", f"What entry {seq} says was done is missing.")
        try:
            leaf = seal.leaf(seq, entry.act, entry.values_digest)
        except TypeError as error:
            raise broken("M710", f"Entry {seq} holds something that is not text.") from error
        if leaf.hex() != entry.leaf:
            raise broken("M710", f"Entry {seq} is not what was sealed.")
        if entry.salt is None:
            self._gone.add(seq)
        else:
            self._check_values(entry, entry.act)
        return leaf

    def _check_values(self, entry: Stored, act: seal.Act) -> None:
        try:
            digest = seal.values_digest(*entry[4:])  # type: ignore[arg-type]  # there, as the salt is
        except TypeError as error:
            raise broken("M716", f"The values of entry {entry.seq} are not text.") from error
        if digest != entry.values_digest:
            raise broken(
                "M716", f"The key or the values of entry {entry.seq} are not what was sealed."
            )
        self.values += 1
        if act[3] == seal.ERASURE:
            self.erased.update(dict.fromkeys(named_by_erasure(entry), entry.seq))

    def _check_seal(self, batch: Batch, root: str) -> None:
        entries = f"entry {batch.first_seq}"
        if batch.first_seq != batch.last_seq:
            entries = f"entry {batch.first_seq} or one of those up to entry {batch.last_seq}"
        if root != batch.root:
            raise broken(
                "M713", f"Batch {batch.number} does not seal what is there: {entries} is another."
            )
        chain = seal.chain(
            batch.number, batch.first_seq, batch.last_seq,
            root=root, previous=self.chain, at=batch.sealed_at,
        )  # fmt: skip
        if batch.previous != self.chain or chain != batch.chain:
            raise broken(
                "M713",
                f"Batch {batch.number} (from entry {batch.first_seq}) does not follow from "
                "the batches before it.",
            )


def named_by_erasure(entry: Stored) -> list[int]:
    """List the entries whose values an erasure took; none where its own are gone."""
    try:
        found: list[int] = json.loads(entry.after or "")["entries"]
    except (ValueError, KeyError, TypeError):
        return []
    return found

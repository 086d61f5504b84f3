"""Add to the audit, erase a person's values from it, and sign how far it has come.

This is the only way in. Everything joins the caller's transaction, so what was done and
the record of it become true together or not at all.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.audit import rows, seal, sets
from matricula.audit.checkpoints import Signed, sign
from matricula.audit.models import Checkpoint, Head
from matricula.audit.verify import verify
from matricula.kernel.digests import canonical
from matricula.kernel.keys import new_id

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# The largest batch under one root: its leaves are held in memory at once.
_BATCH = 10_000


@dataclass(frozen=True, slots=True)
class Entry:
    """Something that was done.

    Attributes:
        actor: Who did it: an account, never a person's name, for it cannot be erased.
        action: What was done: `create`, `update`, `suspend`, `sign` ...
        entity: The kind of record it was done to.
        key: Which record. Kept apart from the chain, and erasable.
        why: The purpose or the reason. Never a personal value: it cannot be erased.
        flow: The flow that carried it, if any.
        charter_version: Digest of the charter that granted it, if any.
        run: The run it belongs to, if any.
        before: The fields as they stood, as a mapping or as canonical JSON; erasable.
        after: The fields as they stand now, likewise.
    """

    actor: str
    action: str
    entity: str
    key: str
    why: str
    flow: str = ""
    charter_version: str = ""
    run: str = ""
    before: Mapping[str, object] | str | None = None
    after: Mapping[str, object] | str | None = None


@dataclass(frozen=True, slots=True)
class Sealed:
    """What `append` wrote.

    Attributes:
        first_seq: Number of the first entry; one more than `last_seq` if there was none.
        last_seq: Number of the last entry.
        batches: How many batches seal them.
        chain: The head of the chain from now on.
    """

    first_seq: int
    last_seq: int
    batches: int
    chain: str


@transaction.atomic(savepoint=False)
def append(entries: Sequence[Entry], *, at: datetime) -> Sealed:
    """Record entries in their order and seal them, in the caller's transaction.

    Whoever appends next waits until this transaction ends, so append last in it.

    Args:
        entries: At most 10,000 of them go under one root.
        at: The instant; with a time zone.

    Raises:
        ValueError: The instant has no time zone.
    """
    head = _take_head()
    first_seq = head.last_seq + 1
    moment = _text_of(at)
    count = 0
    for start in range(0, len(entries), _BATCH):
        head = _seal(head, entries[start : start + _BATCH], moment)
        count += 1
    if count:
        Head.objects.filter(pk=1).update(
            batch=head.batch, last_seq=head.last_seq, chain=head.chain
        )
    return Sealed(first_seq, head.last_seq, count, head.chain)


def _take_head() -> Head:
    """Read the head and keep everybody else from appending until the transaction ends."""
    # SQLite's transactions begin immediate and stand in a queue anyway.
    head = Head.objects.select_for_update().filter(pk=1).first()
    if head is None:
        Head.objects.bulk_create(
            [Head(only=1, batch=0, last_seq=0, chain=seal.GENESIS)], ignore_conflicts=True
        )
        head = Head.objects.select_for_update().get(pk=1)
    return head


def _text_of(at: datetime) -> str:
    if at.tzinfo is None:
        message = f"{at.isoformat()} has no time zone; the audit's instants are UTC"
        raise ValueError(message)
    return at.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _json_of(fields: Mapping[str, object] | str | None) -> str:
    if fields is None:
        return ""
    return fields if isinstance(fields, str) else canonical(fields)


def _seal(head: Head, entries: Sequence[Entry], at: str) -> Head:
    """Write one batch: values, entries, and the root over them."""
    acts = _Acts(at)
    values = list(_values(entries, head.last_seq))
    kept: list[rows.Row] = []
    leaves = []
    for entry, value in zip(entries, values, strict=True):
        number, act = acts.of(entry)
        digest = seal.values_digest(*value[1:])
        leaf = seal.leaf(value[0], act, digest)
        leaves.append(leaf)
        kept.append((value[0], number, digest, leaf.hex()))
    sets.insert("audit_act", rows.ACT, acts.made())
    sets.insert("audit_value", rows.VALUE, values)
    sets.insert("audit_entry", rows.ENTRY, kept)
    number, first, last = head.batch + 1, head.last_seq + 1, head.last_seq + len(entries)
    root = seal.root(leaves)
    chain = seal.chain(number, first, last, root=root, previous=head.chain, at=at)
    sets.insert("audit_batch", rows.BATCH, [(number, first, last, root, head.chain, chain, at)])
    return Head(only=1, batch=number, last_seq=last, chain=chain)


class _Acts:
    """What was done in one batch, each act once; grows with the entries."""

    def __init__(self, at: str) -> None:
        ((highest,),) = rows.fetch("SELECT max(number) FROM audit_act")
        self._at, self._last = at, int(highest or 0)
        self._numbers: dict[seal.Act, int] = {}

    def of(self, entry: Entry) -> tuple[int, seal.Act]:
        """Number an entry's act."""
        act = (
            self._at, entry.actor, entry.action, entry.entity, entry.why, entry.flow,
            entry.charter_version, entry.run,
        )  # fmt: skip
        return self._numbers.setdefault(act, self._last + len(self._numbers) + 1), act

    def made(self) -> list[rows.Row]:
        """List the acts with their numbers."""
        return [(number, *act) for act, number in self._numbers.items()]


def _values(entries: Sequence[Entry], last_seq: int) -> Iterator[tuple[int, str, str, str, str]]:
    salts = os.urandom(16 * len(entries)).hex()
    for place, entry in enumerate(entries):
        salt = salts[32 * place : 32 * place + 32]
        yield (
            last_seq + 1 + place, salt, entry.key, _json_of(entry.before), _json_of(entry.after)
        )  # fmt: skip


@transaction.atomic(savepoint=False)
def erase(entity: str, key: str, *, actor: str, why: str, at: datetime) -> int:
    """Erase a record's key and values from the audit. That it was done stays, and the seals hold.

    The entry that is added names the entries erased, so that a verifier can tell an
    erasure from a theft. Backups, and what the database has not yet cleaned up on disk,
    are the operator's to deal with.

    Args:
        entity: The kind of record.
        key: Which one; it appears nowhere in the new entry.
        actor: Who decided: an account.
        why: On which ground. Never a personal value.
        at: When; with a time zone.

    Returns:
        How many entries lost their values; nothing is recorded when there were none.
    """
    _take_head()
    numbers = rows.numbers_about(entity, key)
    if not numbers:
        return 0
    order = Entry(
        actor=actor, action="erase", entity=seal.ERASURE, key=new_id("erasure", at=at), why=why,
        after={"entries": numbers},
    )  # fmt: skip
    by = append([order], at=at).last_seq
    sets.insert("audit_erasure", ("seq", "erased_by"), [(n, by) for n in numbers])
    rows.delete_values(by)
    return len(numbers)


def checkpoint(*, at: datetime, key: Ed25519PrivateKey) -> Signed:
    """Verify the audit, then sign how far it has come and keep a copy.

    Args:
        at: When; with a time zone.
        key: The operator's.

    Raises:
        AuditBroken: It does not verify; nothing is signed.
    """
    found = verify()
    signed = sign(
        key, batch=found.batches, last_seq=found.entries, chain=found.head, at=_text_of(at)
    )
    Checkpoint.objects.create(
        batch=signed.batch, last_seq=signed.last_seq, chain=signed.chain, at=signed.at,
        public_key=signed.public_key, signature=signed.signature,
    )  # fmt: skip
    return signed

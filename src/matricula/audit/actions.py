"""What can be done to the audit: append, erase a person, sign a checkpoint."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.db import connection, transaction

from matricula.audit import leaves
from matricula.audit.models import (
    AuditBatch,
    AuditCheckpoint,
    AuditErasure,
    AuditHead,
    AuditSubject,
    AuditValue,
)
from matricula.kernel.digests import canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

_LOCK = 0x61756469  # "audi": the audit's own number among PostgreSQL's advisory locks


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that was done.

    Attributes:
        actor: Who.
        action: A verb.
        entity: What kind of thing it was done to.
        key: Which.
        why: The purpose or the reason.
        flow: The grant, if one stands behind it.
        charter_version: Digest of the charter in force.
        run: The run that did it.
        before: Values before, as a mapping or as canonical JSON text.
        after: Values after, likewise.
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
    """A batch as it was sealed."""

    first_seq: int
    last_seq: int
    chain: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A signed statement of how far the audit has come, for an outsider to keep."""

    last_seq: int
    chain: str
    at: str
    public_key: str
    signature: str

    def as_text(self) -> str:
        """Write it as one JSON object."""
        return json.dumps(
            {
                "last_seq": self.last_seq, "chain": self.chain, "at": self.at,
                "public_key": self.public_key, "signature": self.signature,
            },
            indent=2,
        ) + "\n"  # fmt: skip


def instant(at: datetime) -> str:
    """Write an instant the one way the audit does: UTC, microseconds, `Z`."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


@transaction.atomic
def append(entries: Sequence[Entry], *, at: datetime) -> Sealed:
    """Append entries and seal them as one batch, within the caller's transaction.

    Args:
        entries: In the order in which things were done; at least one.
        at: When.

    Returns:
        The sealed batch.
    """
    head = _lock_head()
    moment = instant(at)
    tokens = _tokens({(entry.entity, entry.key) for entry in entries})
    first = head.last_seq + 1
    rows, values, digests = [], [], []
    salts = secrets.token_hex(16 * len(entries))
    for place, entry in enumerate(entries):
        before, after = _text(entry.before), _text(entry.after)
        salt = salts[place * 32 : place * 32 + 32]
        row = (
            first + place, moment, entry.actor, entry.action, tokens[entry.entity, entry.key],
            entry.why, entry.flow, entry.charter_version, entry.run,
            leaves.values_digest(salt, before, after),
        )  # fmt: skip
        rows.append(row)
        values.append((first + place, salt, before, after))
        digests.append(leaves.leaf(row))
    _insert("audit_auditentry", leaves.COLUMNS, rows)
    _insert("audit_auditvalue", ("seq", "salt", "before", "after"), values)
    return _seal(head, digests, first=first, moment=moment)


def _seal(head: AuditHead, digests: Sequence[bytes], *, first: int, moment: str) -> Sealed:
    last = first + len(digests) - 1
    root = leaves.root(digests)
    chain = leaves.link(head.chain, root, first=first, last=last, sealed_at=moment)
    AuditBatch.objects.create(
        first_seq=first, last_seq=last, root=root, previous=head.chain, chain=chain,
        sealed_at=moment,
    )  # fmt: skip
    AuditHead.objects.filter(pk=1).update(last_seq=last, chain=chain)
    return Sealed(first, last, chain)


def _lock_head() -> AuditHead:
    """Be the only one who appends until the transaction ends."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_LOCK])
    head, _ = AuditHead.objects.get_or_create(
        pk=1, defaults={"last_seq": 0, "chain": leaves.START}
    )
    return head


def _text(values: Mapping[str, object] | str | None) -> str:
    if values is None:
        return ""
    return values if isinstance(values, str) else canonical(dict(values))


def _tokens(subjects: set[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Find or make the token of every subject."""
    found: dict[tuple[str, str], str] = {}
    by_entity: dict[str, list[str]] = {}
    for entity, key in subjects:
        by_entity.setdefault(entity, []).append(key)
    for entity, keys in by_entity.items():
        for start in range(0, len(keys), 5000):
            known = AuditSubject.objects.filter(entity=entity, key__in=keys[start : start + 5000])
            found.update({(entity, s.key): s.token for s in known})
    fresh = sorted(subjects - found.keys())
    made = [(secrets.token_hex(12), entity, key) for entity, key in fresh]
    _insert("audit_auditsubject", ("token", "entity", "key"), made)
    found.update({(entity, key): token for token, entity, key in made})
    return found


def _insert(table: str, columns: Sequence[str], rows: Sequence[tuple[object, ...]]) -> None:
    """Insert rows in one go: COPY on PostgreSQL, one prepared statement on SQLite."""
    if not rows:
        return
    quote = connection.ops.quote_name
    names = ", ".join(quote(column) for column in columns)
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            with cursor.cursor.copy(f"COPY {quote(table)} ({names}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            return
        marks = ", ".join(["%s"] * len(columns))
        statement = f"INSERT INTO {quote(table)} ({names}) VALUES ({marks})"  # noqa: S608 - quoted names
        cursor.executemany(statement, rows)  # type: ignore[arg-type]  # texts and whole numbers


@transaction.atomic
def erase(entity: str, key: str, *, actor: str, why: str, at: datetime) -> int:
    """Erase a person's key and values from the audit; that it was done stays.

    Args:
        entity: What kind of record.
        key: Whose.
        actor: Who decided.
        why: On which ground.
        at: When.

    Returns:
        How many entries lost their values.
    """
    subject = AuditSubject.objects.filter(entity=entity, key=key).first()
    if subject is None:
        return 0
    from matricula.audit.models import AuditEntry

    told = {"token": subject.token}
    append([Entry(actor, "erase", "audit", subject.token, why, after=told)], at=at)
    AuditErasure.objects.create(token=subject.token)
    entries = AuditEntry.objects.filter(subject=subject.token).values("seq")
    count, _ = AuditValue.objects.filter(seq__in=entries).delete()
    subject.delete()
    return count


@transaction.atomic
def checkpoint(*, at: datetime, key: Ed25519PrivateKey) -> Checkpoint:
    """Verify the audit, then sign how far it has come.

    Raises:
        AuditBroken: It does not verify; nothing is signed.
    """
    from matricula.audit.verify import verify

    verify()
    head = _lock_head()
    moment = instant(at)
    signature = key.sign(leaves.checkpoint_text(head.last_seq, head.chain, moment))
    public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    signed = Checkpoint(head.last_seq, head.chain, moment, public.hex(), signature.hex())
    AuditCheckpoint.objects.create(
        last_seq=signed.last_seq, chain=signed.chain, at=signed.at,
        public_key=signed.public_key, signature=signed.signature,
    )  # fmt: skip
    return signed

"""The audit's tables. The database itself refuses to change what was written.

Neither keys nor values stand in an entry: `subject` is a random token, and the values are
there as a salted digest. Tokens and values lie in tables of their own, from which a person
can be erased without touching the chain.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class AuditEntry(models.Model):
    """One thing that was done. Every column is text, so that a leaf is plain to recompute."""

    seq = models.BigIntegerField(primary_key=True)
    at = models.TextField()
    actor = models.TextField()
    action = models.TextField()
    subject = models.TextField(db_index=True)
    why = models.TextField()
    flow = models.TextField()
    charter_version = models.TextField()
    run = models.TextField(db_index=True)
    values_digest = models.TextField()


class AuditBatch(models.Model):
    """Entries sealed together: the Merkle root over them, chained to the batch before."""

    first_seq = models.BigIntegerField(unique=True)
    last_seq = models.BigIntegerField(primary_key=True)
    root = models.TextField()
    previous = models.TextField()
    chain = models.TextField()
    sealed_at = models.TextField()


class AuditValue(models.Model):
    """What an entry changed. Erasable; the entry keeps the salted digest."""

    seq = models.BigIntegerField(primary_key=True)
    salt = models.TextField()
    before = models.TextField()
    after = models.TextField()


class AuditSubject(models.Model):
    """Whom a token stands for. Erasable."""

    token = models.TextField(primary_key=True)
    entity = models.TextField()
    key = models.TextField()

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint("entity", "key", name="one_token")]


class AuditErasure(models.Model):
    """A token whose values may be deleted, by an audited decision."""

    token = models.TextField(primary_key=True)


class AuditHead(models.Model):
    """How far the audit has come. One row, which only moves forward."""

    id = models.IntegerField(primary_key=True, default=1)
    last_seq = models.BigIntegerField()
    chain = models.TextField()


class AuditCheckpoint(models.Model):
    """A signed statement of how far the audit had come."""

    last_seq = models.BigIntegerField()
    chain = models.TextField()
    at = models.TextField()
    public_key = models.TextField()
    signature = models.TextField()

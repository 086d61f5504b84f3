"""The audit's tables. Rows are written by `matricula.audit.actions` alone, and never changed.

The database itself refuses changes (`matricula.audit.guards`). Instants are UTC texts
with microseconds, digests are 64 hexadecimal digits, and no column is ever null, so that
what is sealed is exactly what is stored.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Act(models.Model):
    """What was done, by whom and why, kept once for all entries of a batch that share it."""

    number = models.BigAutoField(primary_key=True)
    at = models.TextField()
    actor = models.TextField()
    action = models.TextField()
    entity = models.TextField()
    why = models.TextField()
    flow = models.TextField()
    charter_version = models.TextField()
    run = models.TextField()

    class Meta:
        indexes: ClassVar = [
            models.Index("run", condition=~models.Q(run=""), name="act_of_run"),
        ]


class Entry(models.Model):
    """One record to which an act was done. It names nobody: key and values stand in `Value`.

    `seq` counts without gaps from 1. `values_digest` commits to the row in `Value`;
    `leaf` is the digest of number, act and commitment, so that a changed entry can be named.
    """

    # Auto fields alone become SQLite's row number, which makes reading in order a scan.
    seq = models.BigAutoField(primary_key=True)
    # No foreign key: the seals notice what a constraint would, and bulk loading stays quick.
    act = models.BigIntegerField(db_index=True)
    values_digest = models.TextField()
    leaf = models.TextField()


class Value(models.Model):
    """Of whom an entry speaks, and what stood there before and after; may be erased.

    `before` and `after` are canonical JSON, or empty where there was nothing. Without
    `salt`, which goes with the row, nobody can guess what `values_digest` stands for.
    """

    seq = models.BigAutoField(primary_key=True)
    salt = models.TextField()
    key = models.TextField()
    before = models.TextField()
    after = models.TextField()

    class Meta:
        indexes: ClassVar = [models.Index("key", name="value_of_key")]


class Batch(models.Model):
    """Consecutive entries under one Merkle root, chained to the batch before."""

    number = models.BigAutoField(primary_key=True)
    first_seq = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    root = models.TextField()
    previous = models.TextField()
    chain = models.TextField()
    sealed_at = models.TextField()


class Head(models.Model):
    """How far the audit has come: one row, which only moves forward."""

    only = models.IntegerField(primary_key=True)
    batch = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    chain = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(condition=models.Q(only=1), name="one_head")
        ]


class Erasure(models.Model):
    """An entry whose values may be deleted, and the entry that says who ordered it."""

    seq = models.BigAutoField(primary_key=True)
    erased_by = models.BigIntegerField()


class Checkpoint(models.Model):
    """A signature under the head of a moment; a copy belongs outside this database."""

    batch = models.BigIntegerField()
    last_seq = models.BigIntegerField()
    chain = models.TextField()
    at = models.TextField()
    public_key = models.TextField()
    signature = models.TextField()

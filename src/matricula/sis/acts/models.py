"""What was done to the register, one row for each act."""

from __future__ import annotations

from django.db import models


class Act(models.Model):
    """One thing that was done, whole or not at all.

    Events of every part name it, so that it can be told and reversed as one.
    `approver`: the second person, where the act needed one and used what they agreed to.
    `reverses`: the act it takes back.
    """

    id = models.TextField(primary_key=True)
    action = models.TextField()
    entity = models.TextField()
    key = models.TextField(db_index=True)
    account = models.TextField()
    role = models.TextField()
    approver = models.TextField(default="")
    reason = models.TextField(default="")
    reverses = models.TextField(default="", db_index=True)
    recorded_at = models.DateTimeField()


class Series(models.Model):
    """How far a series of numbers has come. Locked by whoever takes the next; none comes twice."""

    name = models.TextField(primary_key=True)
    last = models.BigIntegerField()

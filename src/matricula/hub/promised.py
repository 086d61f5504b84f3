"""What acts on the register promised: two tables of the hub, kept apart for their length."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Promise(models.Model):
    """A record that an act changed, until it is worked out what that means elsewhere."""

    act = models.TextField()
    entity = models.TextField()
    key = models.TextField()
    made_at = models.DateTimeField()


class Obligation(models.Model):
    """What an act promised one system of one copy, and whether it has happened.

    `fields`: names of the fields that change, joined by commas. `agreed`: there was nothing
    left to do when a pass looked. Whether it was sent or refused is for the effects to say.
    """

    act = models.TextField(db_index=True)
    flow = models.TextField()
    system = models.TextField()
    steward = models.TextField()
    key = models.TextField()
    kind = models.TextField()
    fields = models.TextField(default="")
    made_at = models.DateTimeField()
    due_at = models.DateTimeField()
    acknowledged_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    agreed = models.BooleanField(default=False)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("act", "flow", "key", name="one_obligation")
        ]
        indexes: ClassVar = [
            models.Index(
                "flow", "key", condition=models.Q(acknowledged_at=None), name="obligation_open"
            ),
            models.Index("key", name="obligation_of_key"),
            models.Index(
                "flow", condition=models.Q(verified_at=None), name="obligation_unverified"
            ),
        ]

"""Notices and what became of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Notice(models.Model):
    """What was told to an audience that was frozen when it was sent. `audience`: who, in words."""

    number = models.TextField(unique=True)
    subject = models.TextField()
    body = models.TextField()
    audience = models.TextField()
    must_acknowledge = models.BooleanField(default=False)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class Delivery(models.Model):
    """One person of the audience. `state`: waiting, sent, refused."""

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT)
    person = models.BigIntegerField(db_index=True)
    channel = models.TextField(default="email")
    address = models.TextField()
    state = models.TextField(default="waiting")
    said = models.TextField(default="")
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("notice", "person", name="one_delivery_to_each")
        ]

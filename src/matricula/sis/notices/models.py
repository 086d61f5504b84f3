"""Notices and what became of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Notice(models.Model):
    """What was told to an audience that was frozen when it was sent.

    `audience`: who, as `rules.read` reads it. `sender`: the account.
    """

    number = models.TextField(unique=True)
    subject = models.TextField()
    body = models.TextField()
    audience = models.TextField()
    must_acknowledge = models.BooleanField(default=False)
    sender = models.TextField()
    act = models.TextField()
    recorded_at = models.DateTimeField()


class Delivery(models.Model):
    """One person of the audience, with the address as it was.

    `state`: waiting, sending, sent, refused. What stays sending was cut short and may have
    arrived: it is not sent again unless somebody says so. `said`: the server's words.
    """

    notice = models.ForeignKey(Notice, on_delete=models.PROTECT)
    person = models.BigIntegerField(db_index=True)
    student_no = models.TextField()
    channel = models.TextField(default="email")
    address = models.TextField()
    state = models.TextField(default="waiting")
    said = models.TextField(default="")
    tried_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(null=True)
    acknowledged_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("notice", "person", name="one_delivery_to_each")
        ]
        indexes: ClassVar = [models.Index("state", "id", name="delivery_due")]

"""What is told to others and by them: tables of the hub, kept apart for their length."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Letter(models.Model):
    """What an office was told. `kind`: day or at_once. `incidents`: their numbers, JSON.

    `way`: mail, or channel. `state`: intended, sent, refused (the server said no), away
    (nothing left us), or named (nobody knows whether it arrived, and a later one said so).
    """

    steward = models.TextField()
    kind = models.TextField()
    way = models.TextField(db_default="mail")
    state = models.TextField(default="intended")
    incidents = models.TextField()
    told = models.TextField(default="")
    intended_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index("steward", "kind", "id", name="letter_latest")]


class Subscriber(models.Model):
    """Who subscribes to events: `systems.lms`, `stewards.it`. `terms`: a digest of how.

    `since`: nothing that happened before is told. `not_before`: it is left alone until then.
    `failures`: in a row. `ended_at`: it said that nobody is there any more, under these terms.
    """

    name = models.TextField(primary_key=True)
    terms = models.TextField()
    since = models.DateTimeField()
    not_before = models.DateTimeField(null=True)
    failures = models.IntegerField(db_default=0)
    ended_at = models.DateTimeField(null=True)


class Message(models.Model):
    """An event for one subscriber, as it is posted. `fact`: what it tells of, once for each.

    `event` is its identity, the same each time that it is posted. `state`: waiting, sent,
    given_up (after days) or ended (the subscriber had ended).
    """

    subscriber = models.TextField()
    fact = models.TextField()
    event = models.TextField(unique=True)
    subject = models.TextField()
    body = models.TextField()
    state = models.TextField(default="waiting")
    attempts = models.IntegerField(default=0)
    told = models.TextField(default="")
    made_at = models.DateTimeField()
    next_attempt_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("subscriber", "fact", name="tell_once"),
        ]
        indexes: ClassVar = [
            models.Index(
                "subscriber", "subject", "id", condition=models.Q(state="waiting"),
                name="message_waiting",
            ),
        ]  # fmt: skip


class Announcement(models.Model):
    """That a system said where to look, by the identity of its message; never what it said.

    Those that were not `taken` bore no signature of the system's. Their identities are not kept,
    and one row counts all of a minute, which `at` begins: anybody can send as many as they like.
    """

    system = models.TextField()
    message = models.TextField(default="")
    taken = models.BooleanField()
    at = models.DateTimeField()
    times = models.PositiveIntegerField(db_default=1)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "system", "message", condition=models.Q(taken=True), name="announce_once"
            ),
            models.UniqueConstraint(
                "system", "at", condition=models.Q(taken=False), name="refusals_of_a_minute"
            ),
        ]
        indexes: ClassVar = [models.Index("system", "at", name="announcement_rate")]

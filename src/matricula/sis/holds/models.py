"""Holds, what they mean for each service, and every decision that was made of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Hold(models.Model):
    """What an office holds against a person. Its state follows from its events.

    `cause`: tuition, ancillary, academic, disciplinary, document, health, identity.
    `visibility`: everybody, office; what the person is told besides. Money in minor units.
    """

    number = models.TextField(unique=True)
    person = models.BigIntegerField(db_index=True)
    registration = models.BigIntegerField(null=True)
    term = models.TextField(default="")
    kind = models.TextField()
    cause = models.TextField()
    office = models.TextField()
    amount_minor = models.BigIntegerField(null=True)
    currency = models.TextField(default="")
    source_system = models.TextField(default="")
    source_reference = models.TextField(default="")
    visibility = models.TextField(default="everybody")
    placed_on = models.DateField()
    expires_on = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class HoldEvent(models.Model):
    """What happened to a hold: placed, disputed, settled, released, expired; append-only."""

    hold = models.ForeignKey(Hold, on_delete=models.PROTECT)
    action = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class HoldPolicy(models.Model):
    """What a kind of hold does to a service: none, notice, warn or block.

    `cause` empty: whatever the cause. `threshold_minor`: below it, nothing. `disputed`: the
    effect while it is disputed.
    """

    profile = models.TextField()
    kind = models.TextField()
    cause = models.TextField(default="")
    service = models.TextField()
    effect = models.TextField()
    disputed = models.TextField(default="notice")
    threshold_minor = models.BigIntegerField(default=0)
    act = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "profile", "kind", "cause", "service", name="one_policy_of_a_service"
            )
        ]


class Exemption(models.Model):
    """A person whom a hold, or any hold when it is null, does not keep from a service."""

    person = models.BigIntegerField(db_index=True)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, null=True)
    service = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    approver = models.TextField()
    reason = models.TextField()
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)


class Decision(models.Model):
    """What was answered when a service was asked for, with every check that was made.

    `checks`: a list as `kernel.checks` writes it.
    """

    person = models.BigIntegerField(db_index=True)
    service = models.TextField()
    result = models.TextField()
    checks = models.JSONField()
    policy = models.TextField()
    account = models.TextField()
    decided_at = models.DateTimeField()

"""Holds, what they mean for each service, and every decision that was made of them."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Hold(models.Model):
    """What an office holds against a person. Its state follows from its events and the day.

    `kind` and `cause`: see `rules.KINDS`. `term`: of which term it is, if of one alone.
    `visibility`: everybody, or the office alone. Money in minor units.
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

    class Meta:
        indexes: ClassVar = [
            models.Index("source_system", "source_reference", name="hold_by_its_source")
        ]


class HoldFigure(models.Model):
    """How much a system said that a hold is for, append-only: the latest counts.

    What is settled has a figure of nothing. `loans`: things lent. Money in minor units.
    """

    hold = models.ForeignKey(Hold, on_delete=models.PROTECT)
    amount_minor = models.BigIntegerField(null=True)
    loans = models.IntegerField(null=True)
    effective_on = models.DateField()
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class HoldEvent(models.Model):
    """What happened to a hold, append-only. That it expired is no event: the day says so."""

    hold = models.ForeignKey(Hold, on_delete=models.PROTECT)
    action = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class HoldPolicy(models.Model):
    """An institution's own ruling over a preset, append-only: the latest of a service counts.

    `number` counts the rulings of a profile from 1. `cause` empty: whatever the cause.
    `effect`: none, notice, warn or block; `disputed`: the effect while the hold is disputed.
    `threshold_minor`: below it, nothing, in minor units of whatever currency;
    `threshold_loans`: of fewer things lent, nothing.
    """

    profile = models.TextField()
    number = models.IntegerField()
    kind = models.TextField()
    cause = models.TextField(default="")
    service = models.TextField()
    effect = models.TextField()
    disputed = models.TextField(default="notice")
    threshold_minor = models.BigIntegerField(default=0)
    threshold_loans = models.IntegerField(default=0, db_default=0)
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("profile", "number", name="one_ruling_of_a_number")
        ]


class Exemption(models.Model):
    """A person whom a hold, or any hold when it is null, does not keep from a service.

    `ends_on`: the last day.
    """

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

    `checks`: a list as `kernel.checks` writes it. `policy`: its name and edition. `about`: for
    which term, section or registration. `act`: empty where the answer ended the act.
    """

    person = models.BigIntegerField(db_index=True)
    service = models.TextField()
    about = models.TextField(default="")
    result = models.TextField()
    checks = models.JSONField()
    policy = models.TextField()
    account = models.TextField()
    act = models.TextField(default="", db_index=True)
    decided_at = models.DateTimeField()

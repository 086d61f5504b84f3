"""Applications and offers. The state of an application follows from its events alone."""

from __future__ import annotations

from django.db import models


class Application(models.Model):
    """Somebody wants to study. The names are as applied; `person` once identity is settled."""

    number = models.TextField(unique=True)
    given = models.TextField()
    family = models.TextField()
    born_on = models.DateField()
    email = models.TextField()
    programme = models.TextField(db_index=True)
    term = models.TextField()
    person = models.BigIntegerField(null=True, db_index=True)
    deferred_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class ApplicationEvent(models.Model):
    """What happened to an application, append-only."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT)
    action = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class Offer(models.Model):
    """A place that is offered until a day. Money in minor units."""

    application = models.ForeignKey(Application, on_delete=models.PROTECT)
    is_conditional = models.BooleanField()
    deposit_minor = models.BigIntegerField(default=0)
    currency = models.TextField(default="")
    expires_on = models.DateField()
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)


class Condition(models.Model):
    """What an offer asks for. `outcome`: empty, met or waived."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT)
    text = models.TextField()
    outcome = models.TextField(default="")
    evidence = models.TextField(default="")
    decided_by = models.TextField(default="")
    decided_at = models.DateTimeField(null=True)


class Deposit(models.Model):
    """A deposit that came in. The reference is the payment's own, so that none counts twice."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT)
    reference = models.TextField(unique=True)
    amount_minor = models.BigIntegerField()
    currency = models.TextField()
    act = models.TextField()
    recorded_at = models.DateTimeField()

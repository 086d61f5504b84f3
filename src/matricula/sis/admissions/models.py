"""Applications. Everything that happens to one is an event; its state follows from them alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Application(models.Model):
    """Somebody wants to study. `deferred_from`: the one whose place it carries to a later term."""

    number = models.TextField(unique=True)
    programme = models.TextField(db_index=True)
    term = models.TextField(db_index=True)
    mode = models.TextField()
    deferred_from = models.ForeignKey("self", on_delete=models.PROTECT, null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class ApplicationEvent(models.Model):
    """What happened to an application, append-only.

    `person`: of a matriculation, whom the applicant turned out to be. `supersedes`: the event
    that it takes back.
    """

    application = models.ForeignKey(Application, on_delete=models.PROTECT)
    action = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField()
    person = models.BigIntegerField(null=True, db_index=True)
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    account = models.TextField()
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class Particulars(models.Model):
    """Who applies, as they wrote it; those of the latest event that stands count.

    `former_family`, `former_number`: the name and the student number they once had here.
    """

    event = models.OneToOneField(ApplicationEvent, on_delete=models.PROTECT)
    given = models.TextField()
    family = models.TextField()
    born_on = models.DateField(null=True)
    email = models.TextField()
    former_family = models.TextField(default="")
    former_number = models.TextField(default="")

    class Meta:
        indexes: ClassVar = [models.Index("born_on", "family", name="applicant_as_written")]


class Offer(models.Model):
    """A place that is offered until a day, that day included. Money in minor units.

    A deferral carries an offer on. Conditions and deposits stay with the first one, which
    `terms` names; it is empty in the first itself.
    """

    event = models.OneToOneField(ApplicationEvent, on_delete=models.PROTECT)
    terms = models.ForeignKey("self", on_delete=models.PROTECT, null=True)
    deposit_minor = models.BigIntegerField(default=0)
    currency = models.TextField(default="")
    expires_on = models.DateField(db_index=True)


class Condition(models.Model):
    """What an offer asks for. `place` counts the conditions of an offer from 1."""

    offer = models.ForeignKey(Offer, on_delete=models.PROTECT)
    place = models.IntegerField()
    text = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("offer", "place", name="one_condition_of_a_place")
        ]


class ConditionOutcome(models.Model):
    """That a condition was met or waived; the latest of those that stand counts."""

    event = models.OneToOneField(ApplicationEvent, on_delete=models.PROTECT)
    condition = models.ForeignKey(Condition, on_delete=models.PROTECT)
    evidence = models.TextField(default="")


class Deposit(models.Model):
    """A deposit that came in. The reference is the payment's own, so that none counts twice."""

    event = models.OneToOneField(ApplicationEvent, on_delete=models.PROTECT)
    offer = models.ForeignKey(Offer, on_delete=models.PROTECT)
    reference = models.TextField(unique=True)
    amount_minor = models.BigIntegerField()
    currency = models.TextField()

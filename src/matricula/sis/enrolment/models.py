"""Term registrations and enrolments. What they are now is kept beside the events that made it.

`state` and `status` are what all recorded events lead to, written in the same transaction, an
enrolment's under the lock of its section. What they were on a day, the events say.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class TermRegistration(models.Model):
    """A registration in one term. `load`: full or part; `census`: what stood on census day.

    `attempt`, `programme`, `cohort`: of the registration, which never changes them.
    """

    registration = models.BigIntegerField()
    student_no = models.TextField(db_index=True)
    attempt = models.IntegerField()
    person = models.BigIntegerField()
    programme = models.TextField()
    cohort = models.TextField()
    term = models.TextField()
    state = models.TextField()
    load = models.TextField(default="full")
    fee_category = models.TextField(default="")
    census = models.JSONField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("registration", "term", name="one_registration_of_a_term")
        ]
        indexes: ClassVar = [
            models.Index("term", "programme", "cohort", name="term_registration_in")
        ]


class TermRegistrationEvent(models.Model):
    """What happened to a term registration, append-only."""

    term_registration = models.ForeignKey(TermRegistration, on_delete=models.PROTECT)
    action = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class Enrolment(models.Model):
    """A student in a section. `status`: see `rules.STATUSES`, with what each means.

    `waitlist_rank`: the ticket drawn in the queue; it stays when the wait is over.
    `offered_until`: a seat is kept until then. `vacated_on`: from that day to come on the seat
    is free. `until_on`: until when an incomplete one may be completed. `excepted`: which checks
    somebody with authority let pass, in words with a space between them.
    """

    term_registration = models.ForeignKey(TermRegistration, on_delete=models.PROTECT)
    student_no = models.TextField(db_index=True)
    section = models.TextField(db_index=True)
    module = models.TextField()
    attempt = models.IntegerField(default=1)
    credits = models.DecimalField(max_digits=6, decimal_places=2)
    basis = models.TextField(default="graded")
    status = models.TextField()
    grade = models.TextField(default="")
    waitlist_rank = models.IntegerField(null=True)
    offered_until = models.DateTimeField(null=True)
    vacated_on = models.DateField(null=True)
    until_on = models.DateField(null=True)
    excepted = models.TextField(default="")
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("term_registration", "section", name="one_enrolment_each"),
        ]
        indexes: ClassVar = [
            models.Index(
                "offered_until", condition=models.Q(offered_until__isnull=False),
                name="enrolment_offered",
            )
        ]  # fmt: skip


class EnrolmentEvent(models.Model):
    """What happened to an enrolment, append-only. `grade`, `until_on`: see `rules.Event`."""

    enrolment = models.ForeignKey(Enrolment, on_delete=models.PROTECT)
    action = models.TextField()
    from_status = models.TextField()
    to_status = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField(db_index=True)
    last_attended_on = models.DateField(null=True)
    grade = models.TextField(default="")
    until_on = models.DateField(null=True)
    offered_until = models.DateTimeField(null=True)
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()

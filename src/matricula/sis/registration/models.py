"""Students and their registrations. What a registration is follows from its events alone."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Student(models.Model):
    """A person who was matriculated, once and for ever. The number is never given again."""

    person = models.BigIntegerField(unique=True)
    number = models.TextField(unique=True)
    first_matriculated_on = models.DateField()
    act = models.TextField()
    recorded_at = models.DateTimeField()


class Registration(models.Model):
    """One attempt at a programme. `predecessor`: what it continues or replaces.

    `attempt`: counts a student's registrations from 1.
    """

    student = models.ForeignKey(Student, on_delete=models.PROTECT)
    attempt = models.IntegerField()
    programme = models.TextField()
    curriculum = models.TextField()
    cohort = models.TextField()
    mode = models.TextField()
    expected_end_on = models.DateField(null=True)
    predecessor = models.ForeignKey("self", on_delete=models.PROTECT, null=True)
    is_dual = models.BooleanField(default=False)
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("student", "attempt", name="one_registration_of_an_attempt")
        ]
        indexes: ClassVar = [models.Index("programme", name="registration_for_what")]


class RegistrationEvent(models.Model):
    """What happened to a registration, append-only.

    `effective_on`: from which day it counts. `last_attended_on`: for who leaves. `ends_on`: of
    a leave or a suspension, its last day. `supersedes`: the event it takes back or replaces.
    """

    registration = models.ForeignKey(Registration, on_delete=models.PROTECT)
    action = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    reason = models.TextField(default="")
    effective_on = models.DateField(db_index=True)
    last_attended_on = models.DateField(null=True)
    ends_on = models.DateField(null=True)
    evidence = models.TextField(default="")
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()

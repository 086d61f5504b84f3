"""Who teaches which section, and who was there."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Assignment(models.Model):
    """A duty in a section: lead, lecturer, marker or moderator, from a day to a day.

    A row is never changed but for the instant at which it was withdrawn; one whose days turn
    out otherwise is recorded anew under the same `number`. `takes_over`: the number of the
    assignment in whose place it came. `grant`: what the account was given for it, if anything.
    """

    number = models.TextField(db_index=True)
    section = models.TextField(db_index=True)
    staff_no = models.TextField(db_index=True)
    person = models.BigIntegerField(db_index=True)
    duty = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    takes_over = models.TextField(default="")
    grant = models.BigIntegerField(null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "number", condition=models.Q(withdrawn_at=None), name="one_assignment_of_a_number"
            )
        ]


class AttendanceMark(models.Model):
    """Whether a student was at a meeting. `category`: present, partial, excused, unexcused.

    Append-only: an amendment is a new row that names the one it `amends`. The meeting is told
    by its day and time, so that what was taken stays when the timetable changes.
    """

    section = models.TextField()
    met_on = models.DateField()
    starts_at = models.TimeField()
    student_no = models.TextField(db_index=True)
    category = models.TextField()
    reason = models.TextField(default="")
    amends = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                "section", "met_on", "starts_at", "student_no",
                condition=models.Q(amends=None), name="attendance_is_taken_once",
            )
        ]  # fmt: skip

"""Who teaches which section, and who was there."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Assignment(models.Model):
    """A duty in a section: lead, lecturer, marker or moderator, from a day to a day."""

    section = models.TextField(db_index=True)
    staff_no = models.TextField(db_index=True)
    person = models.BigIntegerField(db_index=True)
    duty = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)


class AttendanceMark(models.Model):
    """Whether a student was at a meeting. `category`: present, partial, excused, unexcused.

    Append-only: an amendment is a new row that names the one it `amends`.
    """

    section = models.TextField()
    met_on = models.DateField()
    starts_at = models.TimeField()
    student_no = models.TextField(db_index=True)
    category = models.TextField()
    reason = models.TextField(default="")
    amends = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index("section", "met_on", name="attendance_at")]

"""What is taught. Codes are the institution's own and stay for ever; versions carry the dates."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Department(models.Model):
    """Who teaches; the scope of its head."""

    code = models.TextField(unique=True)
    title = models.TextField()
    act = models.TextField()


class Campus(models.Model):
    """A place with a clock."""

    code = models.TextField(unique=True)
    title = models.TextField()
    timezone = models.TextField()
    act = models.TextField()


class Room(models.Model):
    """Where a section meets."""

    code = models.TextField(unique=True)
    campus = models.ForeignKey(Campus, on_delete=models.PROTECT)
    seats = models.IntegerField()
    act = models.TextField()


class Programme(models.Model):
    """What students register for. `terms`: its usual length."""

    code = models.TextField(unique=True)
    title = models.TextField()
    department = models.ForeignKey(Department, on_delete=models.PROTECT)
    award = models.TextField()
    terms = models.IntegerField()
    closed_on = models.DateField(null=True)
    act = models.TextField()


class CurriculumVersion(models.Model):
    """What a cohort must do. `requirements`: a tree, as `rules.Requirement` reads it.

    `from_cohort`, `to_cohort`: the first and the last cohort it is for, such as `2026`.
    """

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT)
    version = models.TextField()
    from_cohort = models.TextField()
    to_cohort = models.TextField(default="")
    credits = models.DecimalField(max_digits=6, decimal_places=2)
    requirements = models.JSONField()
    act = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("programme", "version", name="one_curriculum_of_a_version")
        ]


class Module(models.Model):
    """A unit of teaching, whatever its version."""

    code = models.TextField(unique=True)
    department = models.ForeignKey(Department, on_delete=models.PROTECT)
    act = models.TextField()


class ModuleVersion(models.Model):
    """A module as it is taught from a day on. `requisites`: an expression, see `rules`.

    Without `ends_on` it holds until the next version begins.
    """

    module = models.ForeignKey(Module, on_delete=models.PROTECT)
    title = models.TextField()
    credits = models.DecimalField(max_digits=6, decimal_places=2)
    level = models.IntegerField()
    requisites = models.TextField(default="")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    act = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("module", "starts_on", name="one_module_version_of_a_day")
        ]


class Term(models.Model):
    """A stretch of teaching, whatever its dates; these are those of its latest version."""

    code = models.TextField(unique=True)
    title = models.TextField()
    act = models.TextField()


class TermVersion(models.Model):
    """The dates of a term as they were recorded, append-only; the last days are included.

    All are days of the institution. Dates that were wrong are superseded by a later version.
    """

    term = models.ForeignKey(Term, on_delete=models.PROTECT)
    starts_on = models.DateField()
    ends_on = models.DateField()
    register_from = models.DateField()
    add_until = models.DateField()
    drop_until = models.DateField()
    census_on = models.DateField()
    withdraw_until = models.DateField()
    marks_due_on = models.DateField()
    board_on = models.DateField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class RefundBand(models.Model):
    """Which share of a term's fees is given back to who leaves until a day, that day included."""

    version = models.ForeignKey(TermVersion, on_delete=models.PROTECT)
    until_on = models.DateField()
    percent = models.IntegerField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("version", "until_on", name="one_refund_band_of_a_day")
        ]


class Section(models.Model):
    """A module version taught in a term. `state`: see `rules.TRANSITIONS`.

    `state` and `capacity` are what the last event says, written in the same transaction.
    Whoever gives a seat away locks this row first.
    """

    code = models.TextField(unique=True)
    module_version = models.ForeignKey(ModuleVersion, on_delete=models.PROTECT)
    term = models.ForeignKey(Term, on_delete=models.PROTECT)
    campus = models.ForeignKey(Campus, on_delete=models.PROTECT)
    capacity = models.IntegerField()
    state = models.TextField()
    act = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(capacity__gte=0), name="no_section_has_less_than_no_seats"
            )
        ]


class SectionEvent(models.Model):
    """What happened to a section, append-only. `capacity`: the seats afterwards."""

    section = models.ForeignKey(Section, on_delete=models.PROTECT)
    action = models.TextField()
    from_state = models.TextField()
    to_state = models.TextField()
    capacity = models.IntegerField()
    reason = models.TextField(default="")
    effective_on = models.DateField()
    supersedes = models.OneToOneField("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class Meeting(models.Model):
    """When and where a section meets, week after week. `weekday`: 1 is Monday.

    The times are those of the campus. A meeting that moves is withdrawn and recorded anew.
    """

    section = models.ForeignKey(Section, on_delete=models.PROTECT)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, null=True)
    weekday = models.IntegerField()
    starts_at = models.TimeField()
    ends_at = models.TimeField()
    valid_from = models.DateField()
    valid_to = models.DateField()
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.CheckConstraint(
                condition=models.Q(weekday__range=(1, 7)), name="a_week_has_seven_days"
            )
        ]

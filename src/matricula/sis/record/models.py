"""The record as other systems read it: one row for each record, of the institution's today.

Written by `actions.refresh` alone, in the transaction of the act that changed it; everything
here can be made again from the other parts.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Day(models.Model):
    """The institution's day that the record tells of: one row."""

    only = models.IntegerField(primary_key=True)
    on = models.DateField()


class StudentRecord(models.Model):
    """A student. `programme`, `intake`, `status`: of the registration that counts most."""

    student_no = models.TextField(primary_key=True)
    legal_name = models.TextField()
    given_name = models.TextField()
    family_name = models.TextField()
    display_name = models.TextField()
    email = models.TextField(null=True)  # noqa: DJ001 - unknown is not empty
    born_on = models.DateField(null=True)
    status = models.TextField()
    status_since = models.DateField()
    affiliation = models.TextField()
    programme = models.TextField(null=True)  # noqa: DJ001
    intake = models.TextField(null=True)  # noqa: DJ001
    is_restricted = models.BooleanField()


class RegistrationRecord(models.Model):
    """A registration. `registration_no`: the student's number and the attempt."""

    registration_no = models.TextField(primary_key=True)
    student_no = models.TextField(db_index=True)
    programme = models.TextField()
    intake = models.TextField()
    mode = models.TextField()
    state = models.TextField()
    state_since = models.DateField()
    expected_end_on = models.DateField(null=True)


class ProgrammeRecord(models.Model):
    """A programme."""

    code = models.TextField(primary_key=True)
    title = models.TextField()
    department = models.TextField()


class ModuleRecord(models.Model):
    """A module, under the title of the version that is taught on the day."""

    code = models.TextField(primary_key=True)
    title = models.TextField()
    department = models.TextField()


class TermRecord(models.Model):
    """A term. `year`: the calendar year in which its academic year began."""

    code = models.TextField(primary_key=True)
    title = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    year = models.TextField()


class SectionRecord(models.Model):
    """A section. `year`: the academic year's first, of its term."""

    code = models.TextField(primary_key=True)
    title = models.TextField()
    module = models.TextField()
    term = models.TextField()
    year = models.TextField()
    state = models.TextField()


class EnrolmentRecord(models.Model):
    """A student in a section. `state`: waiting, enrolled, dropped, withdrawn or completed.

    `state_since`: from which day. `has_access`: to what is taught there.
    """

    student_no = models.TextField()
    section_code = models.TextField(db_index=True)
    state = models.TextField()
    state_since = models.DateField()
    has_access = models.BooleanField()
    final_mark = models.DecimalField(max_digits=10, decimal_places=4, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("student_no", "section_code", name="one_enrolment_record")
        ]


class StaffRecord(models.Model):
    """A member of staff, while on duty and afterwards."""

    staff_no = models.TextField(primary_key=True)
    given_name = models.TextField()
    family_name = models.TextField()
    display_name = models.TextField()
    email = models.TextField(null=True)  # noqa: DJ001
    status = models.TextField()
    department = models.TextField(null=True)  # noqa: DJ001


class TeachingRecord(models.Model):
    """Who teaches in which section today."""

    staff_no = models.TextField()
    section_code = models.TextField(db_index=True)
    duty = models.TextField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("staff_no", "section_code", "duty", name="one_teaching_record")
        ]


class ChargeRecord(models.Model):
    """What a student was charged, in major units of the institution's currency."""

    charge_no = models.TextField(primary_key=True)
    student_no = models.TextField(db_index=True)
    amount = models.DecimalField(max_digits=14, decimal_places=4)
    reason = models.TextField()
    due_on = models.DateField()

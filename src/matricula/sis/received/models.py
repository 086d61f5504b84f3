"""What flows to the register from other systems, exactly as the charter lets it."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Clearance(models.Model):
    """What the library and accounting say of a student. Money in major units."""

    student_no = models.TextField(primary_key=True)
    overdue_loans = models.IntegerField(null=True)
    library_fines = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    library_access = models.TextField(null=True)  # noqa: DJ001 - a copy: unknown is not empty
    balance_due = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    is_clear = models.BooleanField(null=True)


class Unheeded(models.Model):
    """A student of whom what is said of their clearance changed and nobody has looked yet.

    Written with the change, in one transaction; of one student there may be several.
    """

    student_no = models.TextField()


class Heard(models.Model):
    """When whoever tells of a resource was last heard, whether or not anything was new."""

    resource = models.TextField(primary_key=True)
    at = models.DateTimeField()


class StudentLogin(models.Model):
    """The login that the identity provider gave a student."""

    student_no = models.TextField(primary_key=True)
    login = models.TextField(null=True)  # noqa: DJ001


class ImportedMark(models.Model):
    """A coursework mark, unverified, as the learning platform has it."""

    student_no = models.TextField()
    section_code = models.TextField()
    mark = models.DecimalField(max_digits=10, decimal_places=4, null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("student_no", "section_code", name="one_imported_mark")
        ]


class SettledPayment(models.Model):
    """A payment that the gateway settled. Money in major units."""

    reference = models.TextField(primary_key=True)
    student_no = models.TextField(null=True, db_index=True)  # noqa: DJ001
    amount = models.DecimalField(max_digits=14, decimal_places=4, null=True)
    settled_on = models.DateField(null=True)

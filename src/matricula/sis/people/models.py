"""Persons and what is known of them.

A row is never changed but for the instant at which it was withdrawn: it says since when and
until when something was so (`valid_from`, `valid_to`, the last day), and since when and until
when we thought so (`recorded_at`, `withdrawn_at`).
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Person(models.Model):
    """A human being. Never deleted; one that was merged points to the survivor."""

    born_on = models.DateField(null=True)
    merged_into = models.ForeignKey("self", on_delete=models.PROTECT, null=True)
    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class Name(models.Model):
    """A name of a person. `kind`: legal or display."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.TextField()
    given = models.TextField()
    family = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index("family", "given", name="name_as_written")]


class ContactPoint(models.Model):
    """How a person is reached. `kind`: email, phone or address; `use`: study, home, emergency."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.TextField()
    use = models.TextField()
    value = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index("kind", "value", name="contact_by_value")]


class Identifier(models.Model):
    """A number that a system gave a person: nobody else ever gets it, whatever happens."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    system = models.TextField()
    kind = models.TextField()
    value = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("system", "kind", "value", name="identifier_for_ever")
        ]


class Directive(models.Model):
    """What a person asked for. `kind`: directory_restriction, consent or third_party_release."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.TextField()
    items = models.TextField(default="")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)


class Merge(models.Model):
    """Two persons who are one, as somebody decided; events keep the person they were about."""

    survivor = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    merged = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    evidence = models.TextField()
    act = models.TextField()
    recorded_at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True)


class StaffMember(models.Model):
    """A person who works here. The number is never given again."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT)
    number = models.TextField(unique=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class Duty(models.Model):
    """What a member of staff is here, and from when to when. `kind`: lecturer, registrar ..."""

    staff = models.ForeignKey(StaffMember, on_delete=models.PROTECT)
    kind = models.TextField()
    department = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

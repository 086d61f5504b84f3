"""Persons and what is known of them.

A row is never changed but for the instant at which it was withdrawn: it says since when and
until when something was so (`valid_from`, `valid_to`, the last day), and since when and until
when we thought so (`recorded_at`, `withdrawn_at`).

`plain` columns hold the same as their neighbours in the form in which it is looked for, see
`rules.plain`.
"""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

_STANDING = Q(withdrawn_at=None)


class Person(models.Model):
    """A human being. Never deleted; whether it was merged into another one, `Merge` says."""

    act = models.TextField(db_index=True)
    recorded_at = models.DateTimeField()


class Birth(models.Model):
    """The day on which a person was born, as we thought from one instant to another."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    born_on = models.DateField(db_index=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["person"], condition=_STANDING, name="born_once")
        ]


class Name(models.Model):
    """A name of a person. `kind`: legal or display."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.TextField()
    given = models.TextField()
    family = models.TextField()
    plain_given = models.TextField(db_index=True)
    plain_family = models.TextField(db_index=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "kind", "valid_from"], condition=_STANDING,
                name="one_name_of_a_kind_begins_on_a_day",
            )
        ]  # fmt: skip


class ContactPoint(models.Model):
    """How a person is reached. `kind`, `use`: see `rules.KINDS_OF_CONTACT`, `rules.USES`."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.TextField()
    use = models.TextField()
    value = models.TextField()
    plain = models.TextField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index("kind", "plain", name="contact_by_value")]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "kind", "use", "valid_from"], condition=_STANDING,
                name="one_contact_of_a_use_begins_on_a_day",
            )
        ]  # fmt: skip


class Identifier(models.Model):
    """A number that a system gave a person: nobody else ever gets it, whatever happens."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    system = models.TextField()
    kind = models.TextField()
    value = models.TextField(db_index=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("system", "kind", "value", name="identifier_for_ever")
        ]


class Directive(models.Model):
    """What a person asked for. `kind`: see `rules.DIRECTIVES`; `items`: of what, or to whom."""

    person = models.ForeignKey(Person, on_delete=models.PROTECT)
    kind = models.TextField()
    items = models.TextField(default="")
    valid_from = models.DateField()
    valid_to = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["person", "kind", "items", "valid_from"], condition=_STANDING,
                name="one_directive_of_a_kind_begins_on_a_day",
            )
        ]  # fmt: skip


class Merge(models.Model):
    """Two persons who are one, as two people decided; events keep the person they were about.

    `number`: the student number that goes on, where both had one. `undone_act`: the act that
    took it back.
    """

    survivor = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    merged = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="+")
    evidence = models.TextField()
    number = models.TextField(default="")
    act = models.TextField()
    recorded_at = models.DateTimeField()
    undone_act = models.TextField(default="")
    undone_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["merged"], condition=Q(undone_at=None), name="merged_into_one"
            )
        ]


class StaffMember(models.Model):
    """A person who works here. The number is never given again."""

    person = models.OneToOneField(Person, on_delete=models.PROTECT)
    number = models.TextField(unique=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()


class Duty(models.Model):
    """What a member of staff is here, and from when to when. `kind`: see `rules.DUTIES`."""

    staff = models.ForeignKey(StaffMember, on_delete=models.PROTECT)
    kind = models.TextField()
    department = models.TextField()
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    act = models.TextField()
    recorded_at = models.DateTimeField()
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["staff", "kind", "department", "starts_on"], condition=_STANDING,
                name="one_duty_of_a_kind_begins_on_a_day",
            )
        ]  # fmt: skip

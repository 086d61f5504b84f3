"""The tables of accounts. No decisions here."""

from __future__ import annotations

from typing import ClassVar

from django.db import models


class Account(models.Model):
    """Who can act: a name, never a person's name, for the audit keeps it for ever.

    `person`: whose account it is, where it is somebody's in the register.
    """

    name = models.TextField(unique=True)
    person = models.BigIntegerField(null=True, db_index=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True)


class Grant(models.Model):
    """A role within a scope, from a day to a day. `value`: which programme, section, office."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    role = models.TextField()
    scope = models.TextField()
    value = models.TextField(default="")
    starts_on = models.DateField()
    ends_on = models.DateField(null=True)
    granted_by = models.TextField()
    why = models.TextField()
    granted_at = models.DateTimeField()
    revoked_by = models.TextField(default="")
    revoked_at = models.DateTimeField(null=True)


class Agreement(models.Model):
    """Somebody agreed beforehand to one act of another account about one record.

    `role`: in which they agreed. `whose`: the account that may act. `ends_on`: the last day on
    which it may be used. `used_by`: the act that used it; empty until then.
    """

    account = models.ForeignKey(Account, on_delete=models.PROTECT)
    role = models.TextField()
    whose = models.TextField()
    entity = models.TextField()
    key = models.TextField()
    why = models.TextField()
    agreed_at = models.DateTimeField()
    ends_on = models.DateField()
    used_by = models.TextField(default="", db_index=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        indexes: ClassVar = [models.Index("whose", "entity", "key", name="agreed_to_what")]


class Look(models.Model):
    """Somebody looked at a sensitive record. `is_break_glass`: without a grant, with a ground."""

    account = models.TextField()
    role = models.TextField()
    what = models.TextField()
    entity = models.TextField()
    key = models.TextField()
    why = models.TextField(default="")
    is_break_glass = models.BooleanField(default=False)
    looked_at = models.DateTimeField()

    class Meta:
        indexes: ClassVar = [models.Index("entity", "key", name="look_at_whom")]

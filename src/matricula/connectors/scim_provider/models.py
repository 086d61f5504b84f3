"""The tables that are served: records as flat rows, the values they are found by, memberships."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from matricula.connectors.shelves import ShelfColumns


class Shelf(ShelfColumns):
    """What one system is served of one kind. `places`: how many places were given out."""

    places = models.BigIntegerField(default=0)

    class Meta:
        constraints: ClassVar = [
            models.UniqueConstraint("system", "table", name="scim_one_shelf_for_each_kind")
        ]


class Record(models.Model):
    """One record.

    `place`: its number in the listing, rising and never reused. `identifier`: its `id`, of our
    own making. `document`: its flat row, as JSON. `revision`: that of its shelf at its last
    change.
    """

    shelf = models.ForeignKey(Shelf, on_delete=models.PROTECT, db_index=False)
    place = models.BigIntegerField()
    identifier = models.TextField(unique=True)
    document = models.TextField()
    revision = models.BigIntegerField()
    created = models.TextField()
    modified = models.TextField()

    class Meta:
        db_table = "scim_record"
        constraints: ClassVar = [
            models.UniqueConstraint("shelf", "place", name="scim_one_place_each")
        ]
        indexes: ClassVar = [models.Index("shelf", "modified", name="scim_record_modified")]


class Entry(models.Model):
    """One value of a record, by which it is found.

    `field`: the flat field that holds it; it is looked at by whoever was granted that. `path`:
    as filters write it. `entry`: which of several. `text`: the value, without capitals where
    they make no difference. `head`: its first signs, for an index: a value may be longer than
    one takes.
    """

    shelf = models.ForeignKey(Shelf, on_delete=models.PROTECT, db_index=False)
    record = models.ForeignKey(Record, on_delete=models.CASCADE, db_index=False)
    field = models.TextField()
    path = models.TextField()
    entry = models.IntegerField(default=0)
    head = models.TextField()
    text = models.TextField()

    class Meta:
        db_table = "scim_entry"
        indexes: ClassVar = [
            models.Index("shelf", "path", "head", name="scim_entry_asked"),
            models.Index("record", "path", name="scim_entry_of_record"),
        ]


class Member(models.Model):
    """One user in one group."""

    group = models.ForeignKey(
        Record, on_delete=models.CASCADE, related_name="members", db_index=False
    )
    user = models.ForeignKey(Record, on_delete=models.CASCADE, related_name="memberships")

    class Meta:
        db_table = "scim_member"
        constraints: ClassVar = [
            models.UniqueConstraint("group", "user", name="scim_once_in_a_group")
        ]

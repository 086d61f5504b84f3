"""Conditions on records, for whoever may ask: sets of rows, every value a parameter.

A condition on a value of a record names the flat fields it may look at. What stands in any other
field neither fulfils a condition nor keeps one from being fulfilled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection
from django.db.models import Case, Exists, F, IntegerField, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Collate, Left, Right, StrIndex
from django.db.models.lookups import (
    Exact,
    GreaterThan,
    GreaterThanOrEqual,
    LessThan,
    LessThanOrEqual,
)

from matricula.connectors.scim_provider.models import Entry, Member
from matricula.connectors.scim_provider.statements import HEAD

if TYPE_CHECKING:
    from collections.abc import Sequence

    from django.db.models import Expression, QuerySet

EVERYBODY, NOBODY = Q(pk__isnull=False), Q(pk__isnull=True)
_ORDER = {
    "gt": GreaterThan, "ge": GreaterThanOrEqual, "lt": LessThan, "le": LessThanOrEqual,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where values of one path stand, and which flat fields may be looked at.

    Attributes:
        path: As filters write it.
        fields: The granted flat fields that have values there.
        exact: Whether capitals make a difference.
        is_boolean: Whether the values are truth values.
        is_one_of_several: Whether they stand in entries of an attribute.
    """

    path: str
    fields: tuple[str, ...]
    exact: bool = False
    is_boolean: bool = False
    is_one_of_several: bool = False


@dataclass(frozen=True, slots=True)
class Test:
    """What a value must be: one of SCIM's operators but `ne`, and the text it is compared with.

    `pr` is that there is any value but the empty one.
    """

    operator: str
    text: str = ""


def compared(column: str, test: Test) -> Q:
    """Compare a column of text, sign by sign, whatever language the database was made for."""
    if test.operator in _ORDER:
        return Q(_ORDER[test.operator](_ordered(F(column)), Value(test.text)))
    if test.operator == "eq":
        return Q(**{column: test.text})
    if test.operator == "pr":
        return ~Q(**{column: ""})
    if not test.text:
        # Every text has, begins and ends with nothing.
        return Q(**{f"{column}__isnull": False})
    if test.operator == "co":
        return Q(GreaterThan(StrIndex(F(column), Value(test.text)), 0))
    end = Left if test.operator == "sw" else Right
    return Q(Exact(end(F(column), len(test.text)), Value(test.text)))


def has(shelf: int, place: Place, test: Test) -> Q:
    """Whether a record has a value of a path that passes a test.

    Args:
        shelf: The records'.
        place: Where to look.
        test: What to look for.
    """
    return Q(pk__in=_at(shelf, place, test).values("record"))


def has_any(shelf: int, fields: Sequence[str], under: str) -> Q:
    """Whether a record has any value under a path: of some fields, whose paths begin with it."""
    rows = Entry.objects.filter(shelf_id=shelf, field__in=fields, path__startswith=under)
    return Q(pk__in=rows.exclude(text="").values("record"))


def entry_has(place: Place, test: Test) -> Q:
    """Whether an entry has a value that passes a test; for rows of entries, see `within`."""
    # By the record alone, whose shelf is known: named too, SQLite would go through the shelf.
    own = _passing(Entry.objects.filter(record=OuterRef("record"), entry=OuterRef("entry")),
                   place, test)  # fmt: skip
    return Q(Exists(own))


def within(
    shelf: int, places: Sequence[Place], inner: Q, driver: tuple[Place, Test] | None = None
) -> Q:
    """Whether a record has an entry of an attribute that fulfils a condition on entries.

    Args:
        shelf: The records'.
        places: All paths of the attribute.
        inner: Of `entry_has`, joined.
        driver: What every such entry has besides; an index finds these few, not all entries.
    """
    if driver is not None:
        rows = _at(shelf, *driver)
    else:
        rows = Entry.objects.none()
        for place in places:
            rows = rows | _at(shelf, place, None)
    return Q(pk__in=rows.filter(inner).values("record"))


def member(inner: Q) -> Q:
    """Whether a group has a member that fulfils a condition on memberships."""
    return Q(pk__in=Member.objects.filter(inner).values("group"))


def value_to_sort_by(place: Place, attribute: str) -> Expression | Collate:
    """Give the value by which records are sorted: the primary one, or the first of several.

    Args:
        place: Whose values.
        attribute: The flat field of the primary entry, where there is one.
    """
    first = Case(When(field=attribute, then=0), default=1, output_field=IntegerField())
    own = Entry.objects.filter(
        record=OuterRef("pk"), path=place.path, field__in=place.fields
    ).order_by(first, "entry")
    return _ordered(Subquery(own.values("text")[:1]))


def in_signs(column: str) -> Expression | Collate | F:
    """Give a column to sort by, ordered by its signs alone."""
    return _ordered(F(column))


def _at(shelf: int, place: Place, test: Test | None) -> QuerySet[Entry]:
    return _passing(Entry.objects.filter(shelf_id=shelf), place, test)


def _passing(rows: QuerySet[Entry], place: Place, test: Test | None) -> QuerySet[Entry]:
    rows = rows.filter(path=place.path, field__in=place.fields)
    if test is None:
        return rows
    if test.operator == "eq":
        rows = rows.filter(head=test.text[:HEAD])
    return rows.filter(compared("text", test))


def _ordered(told: Expression | F | Subquery) -> Expression | Collate:
    # SQLite does nothing else.
    return Collate(told, "C" if connection.vendor == "postgresql" else "BINARY")

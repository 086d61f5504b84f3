"""Persons as other rooms may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Q

from matricula.sis.people.models import ContactPoint, Directive, Name, Person

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet

Row = TypeVar("Row", Name, ContactPoint, Directive)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a person on a day.

    Attributes:
        person: Which.
        legal_given: Given names on record.
        legal_family: Family name on record.
        given: Given names by which they are called.
        family: Family name by which they are called.
        born_on: Day of birth.
        email: Where they are reached for their studies; empty if nowhere.
        is_restricted: Whether outsiders may be told nothing.
    """

    person: int
    legal_given: str
    legal_family: str
    given: str
    family: str
    born_on: date | None
    email: str
    is_restricted: bool


def known(
    persons: Iterable[int], *, on: date, known_at: datetime | None = None
) -> dict[int, Known]:
    """Say what is known of persons on a day, as known now or at an instant.

    A display name that is not there is the legal one. Of several contact points of one kind
    the one that holds since the latest day counts.
    """
    wanted = list(persons)
    born = dict(Person.objects.filter(pk__in=wanted).values_list("pk", "born_on"))
    names: dict[tuple[int, str], tuple[str, str]] = {}
    for one in _holding(Name.objects.filter(person__in=wanted), on, known_at):
        names[one.person_id, one.kind] = (one.given, one.family)
    emails: dict[int, str] = {}
    for point in _holding(
        ContactPoint.objects.filter(person__in=wanted, kind="email", use="study"), on, known_at
    ):
        emails[point.person_id] = point.value
    asked = Directive.objects.filter(person__in=wanted, kind="directory_restriction")
    restricted = {one.person_id for one in _holding(asked, on, known_at)}
    nobody = ("", "")
    return {
        person: Known(
            person,
            *names.get((person, "legal"), nobody),
            *names.get((person, "display"), names.get((person, "legal"), nobody)),
            born[person], emails.get(person, ""), person in restricted,
        )
        for person in wanted
        if person in born
    }  # fmt: skip


def _holding(rows: QuerySet[Row], on: date, known_at: datetime | None) -> QuerySet[Row]:
    """Keep the rows that held on a day, as known now or at an instant; the latest comes last."""
    held = rows.filter(Q(valid_to=None) | Q(valid_to__gte=on), valid_from__lte=on)
    if known_at is None:
        held = held.filter(withdrawn_at=None)
    else:
        held = held.filter(
            Q(withdrawn_at=None) | Q(withdrawn_at__gt=known_at), recorded_at__lte=known_at
        )
    return held.order_by("valid_from", "id")


def touched_on(first: date, last: date) -> set[int]:
    """List the persons of whom something begins or ends to hold on some days, both included."""
    found: set[int] = set()
    for model in (Name, ContactPoint, Directive):
        rows = model.objects.filter(withdrawn_at=None)
        begins = rows.filter(valid_from__range=(first, last))
        # What ended with a day is gone on the next.
        ended = rows.filter(valid_to__range=(first, last))
        found.update(begins.values_list("person", flat=True))
        found.update(ended.values_list("person", flat=True))
    return found

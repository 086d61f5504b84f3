"""What is served, as pages: what `matricula.api` may ask, and nothing else."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db.models import F, Q

from matricula.connectors.scim_provider.kinds import GROUPS
from matricula.connectors.scim_provider.models import Member, Record, Shelf

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from django.db.models import QuerySet
    from django.db.models.expressions import Combinable

    from matricula.connectors.kit.protocol import Value


@dataclass(frozen=True, slots=True)
class Lot:
    """A shelf as it is when a question comes: its number, and how many records it has."""

    pk: int
    records: int


@dataclass(frozen=True, slots=True)
class Question:
    """A page that is asked for.

    Attributes:
        where: What records must fulfil; None is all of them.
        sort: What they are sorted by; in order of arrival where there is none.
        descending: Whether the largest, and what has no value, comes first.
        start: How many come before the page.
        count: How many are on it, at most.
        after: The place after which it begins, instead of `start`; None where it is not asked.
    """

    where: Q | None = None
    sort: Combinable | None = None
    descending: bool = False
    start: int = 0
    count: int = 100
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """A record as it is served, but for what was not granted.

    Attributes:
        number: Ours, for `members_of`.
        place: In the listing.
        identifier: Its `id`.
        row: All its flat fields.
        revision: Moves with it.
        created: The instant at which it was first there.
        modified: The instant of its last change.
    """

    number: int
    place: int
    identifier: str
    row: Mapping[str, Value] = field(repr=False)
    revision: int
    created: str
    modified: str


@dataclass(frozen=True, slots=True)
class Page:
    """Records in their order, how many there are in all, and whether more come after these."""

    records: Sequence[Held]
    total: int
    goes_on: bool


def lot(system: str, kind: str) -> Lot:
    """Look up what a system is served of one kind. A kind nobody wrote is nobody's shelf, 0."""
    found = Shelf.objects.filter(system=system, table=kind).values_list("pk", "records").first()
    return Lot(*found) if found else Lot(0, 0)


def page(lot: Lot, question: Question) -> Page:
    """Fetch a page.

    Args:
        lot: Of whose records.
        question: Which page.
    """
    own = Record.objects.filter(shelf_id=lot.pk)
    found = own if question.where is None else own.filter(question.where)
    total = lot.records if question.where is None else found.count()
    if not question.count:
        return Page((), total, goes_on=False)
    ordered = _ordered(found, question)
    # One more than is shown tells whether there are more.
    ends = question.start + question.count + 1
    told = [_held(one) for one in ordered[question.start : ends]]
    return Page(told[: question.count], total, goes_on=len(told) > question.count)


def one(lot: Lot, identifier: str) -> Held | None:
    """Fetch one record by its `id`; None where there is none."""
    found = Record.objects.filter(shelf_id=lot.pk, identifier=identifier).first()
    return _held(found) if found else None


def members_of(groups: Iterable[int]) -> dict[int, list[str]]:
    """List the members of some groups, each by its `id`, in order."""
    told: dict[int, list[str]] = {}
    own = Member.objects.filter(group__in=list(groups), group__shelf__table=GROUPS)
    for group, user in own.order_by("pk").values_list("group", "user__identifier"):
        told.setdefault(group, []).append(user)
    return told


def _ordered(found: QuerySet[Record], question: Question) -> QuerySet[Record]:
    if question.after is not None:
        return found.filter(place__gt=question.after).order_by("place")
    if question.sort is None:
        return found.order_by("-place" if question.descending else "place")
    # RFC 7644 3.4.2.3: what has no value comes last, and first the other way round.
    told = found.annotate(sorted_by=question.sort)
    if question.descending:
        return told.order_by(F("sorted_by").desc(nulls_first=True), "-place")
    return told.order_by(F("sorted_by").asc(nulls_last=True), "place")


def _held(one: Record) -> Held:
    return Held(
        one.pk, one.place, one.identifier, json.loads(one.document), one.revision, one.created,
        one.modified,
    )  # fmt: skip

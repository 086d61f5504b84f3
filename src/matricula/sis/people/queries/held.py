"""Rows that held on a day, as known now or at an instant."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from django.db.models import Model, Q

if TYPE_CHECKING:
    from datetime import date, datetime

    from django.db.models import QuerySet

Row = TypeVar("Row", bound=Model)


def thought(
    rows: QuerySet[Row], known_at: datetime | None, *, until: str = "withdrawn_at"
) -> QuerySet[Row]:
    """Keep the rows that we think true, or thought true at an instant.

    Args:
        rows: Of a table with `recorded_at`.
        known_at: The instant; now when it is None.
        until: The column that says since when we think so no more.
    """
    if known_at is None:
        return rows.filter(**{until: None})
    later = Q(**{until: None}) | Q(**{f"{until}__gt": known_at})
    return rows.filter(later, recorded_at__lte=known_at)


def holding(
    rows: QuerySet[Row],
    on: date,
    known_at: datetime | None,
    *,
    days: tuple[str, str] = ("valid_from", "valid_to"),
) -> QuerySet[Row]:
    """Keep the rows that held on a day, as known now or at an instant; the latest comes last.

    Args:
        rows: Of a table with `recorded_at` and `withdrawn_at`.
        on: The day.
        known_at: The instant; now when it is None.
        days: The columns of the first and of the last day.
    """
    first, last = days
    held = rows.filter(
        Q(**{last: None}) | Q(**{f"{last}__gte": on}), **{f"{first}__lte": on}
    )  # fmt: skip
    return thought(held, known_at).order_by(first, "id")


def begins_or_ends(
    rows: QuerySet[Row], first: date, last: date, *, days: tuple[str, str]
) -> QuerySet[Row]:
    """Keep the rows that begin or end to hold on some days, both included.

    What ended with a day is gone on the next, so the day before the first counts as well.
    """
    begins, ends = days
    begun = Q(**{f"{begins}__range": (first, last)})
    ended = Q(**{f"{ends}__range": (first, last)})
    return rows.filter(begun | ended, withdrawn_at=None)

"""What connectors whose target is a table of ours have in common: shelves, and when they moved.

Whoever writes to what a system is served holds its shelves, so instants and revisions are given
out in the order in which changes become visible.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from django.db import models
from django.utils import timezone

from matricula.connectors.kit.moments import instant

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

# SQLite takes 32,766 parameters, and a long list makes no statement quicker.
_AT_ONCE = 1_000
Value = TypeVar("Value", str, int)


class ShelfColumns(models.Model):
    """What one system of the charter is served of one table.

    `records`: how many are listed. `revision`: moves with every change. `touched`: the latest
    instant of a change given out, so that the next one is later.
    """

    system = models.TextField()
    table = models.TextField()
    records = models.BigIntegerField(default=0)
    revision = models.BigIntegerField(default=0)
    touched = models.TextField(default="")

    class Meta:
        abstract = True


Shelf = TypeVar("Shelf", bound=ShelfColumns)


def held(model: type[Shelf], system: str, tables: Collection[str]) -> dict[str, Shelf]:
    """Fetch the shelves of a system for this transaction alone; the first time, put them up.

    Args:
        model: Whose shelves they are.
        system: Of the charter.
        tables: One shelf for each.

    Returns:
        The shelves by table.
    """
    shelves = model._default_manager.filter(system=system)  # noqa: SLF001 - Django means it to be used
    there = set(shelves.values_list("table", flat=True))
    lacking = [model(system=system, table=name) for name in tables if name not in there]
    if lacking:
        model._default_manager.bulk_create(lacking, ignore_conflicts=True)  # noqa: SLF001 - likewise
    return {one.table: one for one in shelves.select_for_update().order_by("pk")}


def moved_on(shelf: ShelfColumns) -> str:
    """Give the instant of a change: now, and later than every one given out before.

    Args:
        shelf: Held by the caller, who saves it afterwards.
    """
    now = timezone.now().astimezone(UTC)
    if shelf.touched and instant(now) <= shelf.touched:
        now = datetime.fromisoformat(shelf.touched) + timedelta(milliseconds=1)
    shelf.touched, shelf.revision = instant(now), shelf.revision + 1
    return shelf.touched


def portions(values: Iterable[Value]) -> Iterator[list[Value]]:
    """Cut a set of values into lists that one statement takes, in a stable order."""
    ordered = sorted(values)
    for start in range(0, len(ordered), _AT_ONCE):
        yield ordered[start : start + _AT_ONCE]

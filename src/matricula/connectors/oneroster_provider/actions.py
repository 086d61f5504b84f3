"""Take in what flows to a system that is served: one batch, one transaction.

The connector is the only caller. Whoever writes holds the shelves of the system, so places
and instants are given out in the order in which changes become visible: a consumer that asks
for what changed since the latest instant it saw misses nothing, however runs overlap.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.oneroster import mapping as standard
from matricula.connectors.kit.oneroster.objects import INSIDE, rest_tables
from matricula.connectors.kit.oneroster.tables import KEY, LEFT, MODIFIED, STATUS
from matricula.connectors.kit.protocol import Write
from matricula.connectors.oneroster_provider import statements
from matricula.connectors.oneroster_provider.mapping import blanks, stored
from matricula.connectors.oneroster_provider.models import Shelf
from matricula.connectors.oneroster_provider.standing import Standing, inward, sheet_for
from matricula.connectors.shelves import held, moved_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.kit.errors import ConnectorError
    from matricula.connectors.kit.oneroster.mapping import Row, Sheet
    from matricula.connectors.kit.protocol import Outcome
    from matricula.connectors.oneroster_provider.settings import OneRosterProviderSettings


@dataclass(frozen=True, slots=True)
class Served:
    """A system that is served, and what its charter says of it."""

    system: str
    settings: OneRosterProviderSettings


@transaction.atomic
def take_in(served: Served, table: str, writes: Sequence[Write]) -> list[Outcome]:
    """Apply a batch to one table.

    Args:
        served: Whose copy.
        table: One of `rest_tables`.
        writes: Of verbs and fields that the table has; the caller has made sure.

    Returns:
        One outcome per write, in order.
    """
    standing = Standing(held(Shelf, served.system, rest_tables()), served.settings.received)
    outcomes, _ = applied(served, standing, table, writes)
    return outcomes


@transaction.atomic
def lay_out(served: Served) -> None:
    """Make the fixed tables hold what the charter states, and nothing else.

    Raises:
        GiveUp: What the charter states breaks the standard, or is still named (M604, M456).
    """
    standing = Standing(held(Shelf, served.system, rest_tables()), served.settings.received)
    for table, rows in served.settings.static.items():
        wanted = {str(row[KEY]): {n: v or None for n, v in row.items()} for row in rows}
        gone = standing.identifiers(table) - set(wanted)
        writes = [_fixed(one, row) for one, row in wanted.items()]
        writes += [Write(one, "delete", one, {}) for one in sorted(gone)]
        outcomes, _ = applied(served, standing, table, writes)
        for outcome in outcomes:
            if outcome.error is not None:
                raise _not_laid_out(table, outcome.error)


def _not_laid_out(table: str, error: ConnectorError) -> GiveUp:
    return GiveUp(
        f"`static: {table}` cannot be laid out: {error.message}", code=error.code,
        cure="Correct the rows in the charter; nothing of the batch was written.",
    )  # fmt: skip


def _fixed(identifier: str, row: Row) -> Write:
    return Write(identifier, "create", None, row, frozenset(row), {KEY: identifier})


def applied(
    served: Served, standing: Standing, table: str, writes: Sequence[Write]
) -> tuple[list[Outcome], Sheet]:
    """Apply writes within the caller's transaction, and store what they moved.

    Returns:
        One outcome per write, in order; and the rows as they were and as they are.
    """
    sheet = sheet_for(standing, table, writes, served.settings.writable(table))
    outcomes = standard.apply(sheet, writes, lambda: inward(standing, sheet))
    changed = moved(sheet)
    if changed:
        _store(standing, table, changed, sheet)
    return outcomes, sheet


def moved(sheet: Sheet) -> dict[str, Row | None]:
    """Give the rows that are others now; one that says a column has no value is no other."""
    return {
        one: row
        for one, row in sheet.after.items()
        if _values(row) != _values(sheet.before.get(one))
    }


def _values(row: Row | None) -> dict[str, str] | None:
    return None if row is None else {name: value for name, value in row.items() if value}


def _store(standing: Standing, table: str, moved: Mapping[str, Row | None], sheet: Sheet) -> None:
    shelf = standing.shelves[table]
    stamp = moved_on(shelf)
    kept = {one: row for one, row in moved.items() if row is not None}
    known = {
        one for (one,) in statements.select(
            table, shelf.pk, columns=[KEY], where=KEY, among=kept, status="",
        )
    }  # fmt: skip
    rows: list[tuple[int | None, tuple[str | None, ...]]] = []
    for one, row in kept.items():
        place = None
        # A user is served when there is a role to serve with it, and not before.
        if one not in known and table != standard.USERS:
            place, shelf.records = shelf.records, shelf.records + 1
        rows.append((place, stored(table, row, stamp)))
    if rows:
        statements.upsert(table, shelf.pk, rows)
    gone = [one for one, row in moved.items() if row is None]
    if gone:
        left = {STATUS: LEFT, MODIFIED: stamp, **blanks(table)}
        statements.update(table, shelf.pk, left, gone)
    shelf.save()
    if table in INSIDE:
        _touch_owners(standing, table, moved, sheet)


def _touch_owners(
    standing: Standing, table: str, moved: Mapping[str, Row | None], sheet: Sheet
) -> None:
    """Move on the objects in which the rows stand; a user gets its place with its first role."""
    owner, column = INSIDE[table]
    every = [*moved.values(), *(sheet.before.get(one) for one in moved)]
    named = {str(row[column]) for row in every if row and row.get(column)}
    shelf = standing.shelves[owner]
    stamp = moved_on(shelf)
    statements.update(owner, shelf.pk, {MODIFIED: stamp}, named)
    if table == "roles":
        found = statements.select(
            owner, shelf.pk, columns=[KEY, "place"], where=KEY, among=named, status=""
        )
        waiting = sorted(str(one) for one, place in found if place is None)
        statements.give_places(owner, shelf.pk, shelf.records, waiting)
        shelf.records += len(waiting)
    shelf.save()

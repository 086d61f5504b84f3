"""Keep what a consumer puts, in the tables that the charter says are the consumer's own.

`matricula.api` is the only caller. Nothing here is the register's truth: it is read back as a
source, and a flow carries on what the charter grants of it. Rules and references are judged
as those of a flow's rows are; one request is one transaction, kept whole or not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from django.db import transaction

from matricula.connectors.kit.oneroster.objects import INSIDE, rest_tables
from matricula.connectors.kit.oneroster.tables import KEY
from matricula.connectors.kit.protocol import Write
from matricula.connectors.oneroster_provider import statements
from matricula.connectors.oneroster_provider.actions import applied, moved
from matricula.connectors.oneroster_provider.mapping import columns_of, row_of
from matricula.connectors.oneroster_provider.models import Shelf
from matricula.connectors.oneroster_provider.standing import Standing
from matricula.connectors.shelves import held

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.connectors.kit.oneroster.json_rows import Told
    from matricula.connectors.kit.oneroster.mapping import Row
    from matricula.connectors.oneroster_provider.actions import Served


class Kept(NamedTuple):
    """Which records of a request were not there before, and which are others now."""

    new: frozenset[str]
    changed: frozenset[str]


@transaction.atomic
def put(served: Served, table: str, records: Sequence[Told]) -> Kept:
    """Keep records as they are told, in place of what stood under their identifiers.

    Args:
        served: Whose copy; its settings receive the table.
        table: Which.
        records: No two of one identifier.

    Raises:
        SkipRow: One breaks the standard, or names what is not there (M604, M456).
        TryAgain: What it leaves out is still named (M456).
    """
    standing = Standing(held(Shelf, served.system, rest_tables()))
    writes = [_whole(one.row) for one in records]
    before, changed = _done(served, standing, table, writes)
    for inner in _inside(table):
        wanted = {str(row[KEY]): row for one in records for row in one.inside.get(inner, ())}
        there = _standing_in(standing, inner, [write.key for write in writes])
        owner = INSIDE[inner][1]
        parts = [_whole(row) for row in wanted.values()]
        parts += [_gone(one) for one in there if one not in wanted]
        _, touched = _done(served, standing, inner, parts)
        both: dict[str, Row] = {**there, **wanted}
        changed |= {str(both[one][owner]) for one in touched}
    return Kept(frozenset(changed) - frozenset(before), frozenset(changed))


@transaction.atomic
def take_away(served: Served, table: str, identifier: str) -> bool:
    """Take a record away; it is served as `tobedeleted` from then on.

    Returns:
        Whether it was there.

    Raises:
        TryAgain: Another record still names it (M456).
    """
    standing = Standing(held(Shelf, served.system, rest_tables()))
    before, _ = _done(served, standing, table, [_gone(identifier)])
    for inner in _inside(table):
        there = _standing_in(standing, inner, [identifier])
        _done(served, standing, inner, [_gone(one) for one in there])
    return identifier in before


def _done(
    served: Served, standing: Standing, table: str, writes: Sequence[Write]
) -> tuple[Mapping[str, Row], set[str]]:
    """Apply all of some writes: the rows as they were, and the identifiers of those that moved."""
    outcomes, sheet = applied(served, standing, table, writes)
    for outcome in outcomes:
        if outcome.error is not None:
            raise outcome.error
    return sheet.before, set(moved(sheet))


def _inside(table: str) -> list[str]:
    return [inner for inner, (owner, _) in INSIDE.items() if owner == table]


def _standing_in(standing: Standing, table: str, owners: Collection[str]) -> dict[str, Row]:
    found = statements.select(
        table, standing.shelves[table].pk, columns=columns_of(table), where=INSIDE[table][1],
        among=owners,
    )  # fmt: skip
    return {str(row[KEY]): row for row in (row_of(table, values) for values in found)}


def _whole(row: Row) -> Write:
    identifier = str(row[KEY])
    return Write(identifier, "create", None, row, frozenset(row), {KEY: identifier})


def _gone(identifier: str) -> Write:
    return Write(identifier, "delete", identifier, {})

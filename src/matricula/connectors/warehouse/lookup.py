"""Find standing records by their fields, many look-ups in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Found
from matricula.connectors.warehouse import statements
from matricula.connectors.warehouse.mapping import FIXED, KEY, DoesNotFit, as_value, canonical

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.warehouse.mapping import Canonical, ColumnType
    from matricula.connectors.warehouse.store import Session

ID = "_id"
Values = tuple["Canonical", ...]


def find(
    session: Session,
    table: sa.Table,
    columns: Mapping[str, ColumnType],
    matches: Sequence[Mapping[str, Value]],
) -> list[list[Found]]:
    """Return, for each mapping, the standing records that equal it in every field.

    Raises:
        GiveUp: A mapping names a field that is not there (M603).
    """
    unknown = sorted({name for match in matches for name in match} - {ID, *columns})
    if unknown:
        raise GiveUp(
            f"The warehouse has no field {', '.join(unknown)} there.",
            code="M603",
            cure="Correct the flow's `match:`.",
        )
    found: list[list[Found]] = [[] for _ in matches]
    groups: dict[tuple[str, ...], dict[Values, list[int]]] = {}
    for place, match in enumerate(matches):
        names = tuple(sorted(match))
        wanted = _wanted(columns, names, match)
        if names and wanted is not None:
            groups.setdefault(names, {}).setdefault(wanted, []).append(place)
    for names, group in groups.items():
        for row in _rows(session, table, columns, names, list(group)):
            record = Found(str(row[ID]), {name: as_value(row[name]) for name in columns})
            for place in group.get(tuple(row[name] for name in names), ()):
                found[place].append(record)
    return found


def _wanted(
    columns: Mapping[str, ColumnType], names: Sequence[str], match: Mapping[str, Value]
) -> Values | None:
    """Spell a mapping as the columns hold it; None when no record can equal it."""
    typed = {**columns, ID: FIXED[KEY]}
    try:
        wanted = tuple(canonical(typed[name], match[name]) for name in names)
    except DoesNotFit:
        return None
    # An empty value recognises nobody.
    return None if None in wanted or "" in wanted else wanted


def _rows(
    session: Session,
    table: sa.Table,
    columns: Mapping[str, ColumnType],
    names: Sequence[str],
    wanted: Sequence[Values],
) -> list[dict[str, Any]]:
    own = {f"wanted_{n}": KEY if name == ID else name for n, name in enumerate(names)}
    types = {w: FIXED[KEY] if name == KEY else columns[name] for w, name in own.items()}
    lists = zip(*wanted, strict=True)
    arrays = [pa.array(v, t.arrow()) for v, t in zip(lists, types.values(), strict=True)]
    session.stage(pa.table(dict(zip(types, arrays, strict=True))), types)
    chosen = statements.standing_among(table, list(columns), own, types)
    order = [*columns, ID, statements.SUSPENDED]
    return [dict(zip(order, row, strict=True)) for row in session.fetch(chosen)]

"""Find records by their fields, many look-ups in one statement."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Found
from matricula.connectors.sql import reading, statements
from matricula.connectors.sql.mapping import Canonical, DoesNotFit, as_value

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.sql.tables import Identity, Mirror

ID = "_id"


def find(
    connection: sa.Connection, mirror: Mirror, matches: Sequence[Mapping[str, Value]]
) -> list[list[Found]]:
    """Return, for each mapping, the records that equal it in every field.

    Raises:
        GiveUp: A mapping names a field that is not there (M603).
    """
    _refuse_fields(mirror, matches)
    found: list[list[Found]] = [[] for _ in matches]
    groups: dict[tuple[str, ...], dict[Identity, list[int]]] = {}
    for place, match in enumerate(matches):
        wanted = _wanted(mirror, match)
        if wanted is not None:
            names = tuple(sorted(wanted))
            values = tuple(wanted[name] for name in names)
            groups.setdefault(names, {}).setdefault(values, []).append(place)
    for names, group in groups.items():
        for values, record in _records(connection, mirror, names, list(group)):
            for place in group.get(values, ()):
                found[place].append(record)
    return found


def _refuse_fields(mirror: Mirror, matches: Sequence[Mapping[str, Value]]) -> None:
    unknown = sorted({name for match in matches for name in match} - {ID, *mirror.fields})
    if unknown:
        raise GiveUp(
            f"{mirror.name}: there is no field {', '.join(unknown)}.",
            code="M603",
            cure="Correct the flow's `match:`, or list the column under `columns:`.",
        )


def _wanted(mirror: Mirror, match: Mapping[str, Value]) -> dict[str, Canonical] | None:
    """Spell a mapping in columns; None when no record can equal it."""
    wanted: dict[str, Canonical] = {}
    if ID in match:
        identity = mirror.parse_id(str(match[ID]))
        if identity is None:
            return None
        wanted |= dict(zip(mirror.identity, identity, strict=True))
    for name, value in match.items():
        if name == ID:
            continue
        try:
            (spelled,) = mirror.canonical((name,), (value,))
        except DoesNotFit:
            return None
        # An empty value recognises nobody, and a field cannot have two values.
        if spelled in (None, "") or wanted.setdefault(name, spelled) != spelled:
            return None
    return wanted or None


def _records(
    connection: sa.Connection,
    mirror: Mirror,
    names: Sequence[str],
    wanted: Sequence[Identity],
) -> list[tuple[Identity, Found]]:
    dialect = connection.dialect.name
    select = statements.select_all(mirror, dialect)
    columns = statements.needed(mirror)
    records: list[tuple[Identity, Found]] = []
    for some in statements.portions(wanted, dialect):
        narrowed = statements.select_among(
            select, mirror, names=names, wanted=some, dialect=dialect
        )
        for row in reading.fetch_tuples(connection, mirror, narrowed, columns):
            by_name = dict(zip(columns, row, strict=True))
            external_id = mirror.external_id(tuple(by_name[n] for n in mirror.identity))
            fields = {name: as_value(by_name[name]) for name in mirror.fields}
            values = tuple(by_name[name] for name in names)
            records.append((values, Found(external_id, fields)))
    return records

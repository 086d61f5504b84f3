"""The statements, built through SQLAlchemy's tree: every name quoted, every value bound.

SQLite and PostgreSQL are handed a whole batch as one JSON document that their own
functions turn into rows, which is many times faster than a parameter for each value.
Every other database gets the same statements with one parameter for each value.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSON

from matricula.connectors.sql.mapping import for_driver, for_json, for_sqlite

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matricula.connectors.sql.mapping import Canonical, Column, Spelling
    from matricula.connectors.sql.tables import Identity, Mirror

Selection: TypeAlias = "sa.Select[*tuple[Any, ...]]"

SUSPENDED = "_suspended"
_POSTGRESQL_AS_IT_IS = frozenset({"integer", "float", "boolean", "date", "instant"})
_CONDITIONS_AT_ONCE = 200
_DOCUMENT = "document"
_SET = "set_"
_KEY = "key_"


class _AsItIs(sa.types.UserDefinedType[Any]):
    """Hands a value to the driver unchanged; SQLAlchemy would make a float of a decimal."""

    cache_ok = True


_AS_IT_IS = _AsItIs()


def select_all(mirror: Mirror, dialect: str, *, names: Sequence[str] = ()) -> Selection:
    """Select every record of the resource.

    Args:
        mirror: The resource.
        dialect: SQLAlchemy's name of the database.
        names: Columns; all that a reading needs when left out.
    """
    columns = list(names) or needed(mirror)
    expressions = [_readable(mirror, mirror.columns[name], dialect) for name in columns]
    if mirror.suspended and not names:
        column, value = mirror.suspended
        is_so = mirror.table.c[column] == bound(mirror, column, value, dialect)
        # Not every database has truth values; all have 0 and 1.
        number = sa.case((is_so, sa.literal_column("1")), else_=sa.literal_column("0"))
        as_text = sa.cast(number, sa.Text) if dialect == "sqlite" else number
        expressions.append(as_text.label(SUSPENDED))
    return sa.select(*expressions).where(*in_scope(mirror, dialect))


def needed(mirror: Mirror) -> list[str]:
    """List the columns that a reading selects: the fields, and what makes `_id`."""
    return list(dict.fromkeys((*mirror.fields, *mirror.identity)))


def in_scope(mirror: Mirror, dialect: str) -> list[sa.ColumnElement[bool]]:
    """Say which records of the table are records of the resource."""
    return [_equal(mirror, name, value, dialect) for name, value in mirror.scope.items()]


def bound(mirror: Mirror, name: str, value: Canonical, dialect: str) -> sa.BindParameter[object]:
    """Bind a value the way its column holds it."""
    spell = _speller(mirror.columns[name], dialect)
    spelled = spell(value) if spell and value is not None else value
    return sa.bindparam(None, spelled, type_=_bound_type(mirror, name, dialect), unique=True)


def select_among(
    statement: Selection,
    mirror: Mirror,
    *,
    names: Sequence[str],
    wanted: Sequence[Identity],
    dialect: str,
) -> Selection:
    """Narrow a selection to the records whose columns equal one of the wanted tuples."""
    if dialect not in _LISTERS:
        return statement.where(sa.or_(*(_all_equal(mirror, names, v, dialect) for v in wanted)))
    columns = [(f"{_KEY}{n}", name) for n, name in enumerate(names)]
    listed = _listed(mirror, columns, list(dict.fromkeys(wanted)), dialect)
    meets = sa.and_(
        *(mirror.table.c[name] == listed.c[f"{_KEY}{n}"] for n, name in enumerate(names))
    )
    # The listed rows lead: each is one look in the index, whatever the planner guesses.
    return statement.select_from(listed.join(mirror.table, meets))


def portions(wanted: Sequence[Identity], dialect: str) -> Iterator[Sequence[Identity]]:
    """Cut look-ups into as many as one statement of this database takes."""
    step = len(wanted) if dialect in _LISTERS else _CONDITIONS_AT_ONCE
    for start in range(0, len(wanted), step or 1):
        yield wanted[start : start + step]


def insert(
    connection: sa.Connection, mirror: Mirror, names: Sequence[str], rows: Sequence[Identity]
) -> None:
    """Insert rows; each states a value for every name."""
    dialect = connection.dialect.name
    columns = [(f"{_SET}{name}", name) for name in names]
    if dialect == "postgresql":
        listed = _listed(mirror, columns, rows, dialect)
        chosen = sa.select(*(listed.c[own] for own, _ in columns))
        connection.execute(sa.insert(_own(mirror)).from_select(list(names), chosen))
        return
    values = {name: _parameter(mirror, name, _SET, dialect) for name in names}
    statement = sa.insert(_own(mirror)).values(values)
    connection.execute(statement, _spelled(mirror, columns, rows, dialect))


def update(
    connection: sa.Connection,
    mirror: Mirror,
    names: Sequence[str],
    rows: Sequence[Identity],
) -> int:
    """Set the same columns of many records; return how many records that were.

    Args:
        connection: In a transaction.
        mirror: The resource.
        names: Columns to set.
        rows: For each record a value for every name, then the parts of its identity.
    """
    dialect = connection.dialect.name
    columns = [(f"{_SET}{name}", name) for name in names]
    columns += [(f"{_KEY}{name}", name) for name in mirror.identity]
    statement = sa.update(_own(mirror)).where(*in_scope(mirror, dialect))
    if dialect == "postgresql":
        listed = _listed(mirror, columns, rows, dialect)
        statement = statement.where(*_met(mirror, listed)).values(
            {name: listed.c[f"{_SET}{name}"] for name in names}
        )
        return connection.execute(statement).rowcount
    values = {name: _parameter(mirror, name, _SET, dialect) for name in names}
    statement = statement.where(*_matches(mirror, dialect)).values(values)
    return connection.execute(statement, _spelled(mirror, columns, rows, dialect)).rowcount


def delete(connection: sa.Connection, mirror: Mirror, keys: Sequence[Identity]) -> None:
    """Delete the records of these identities."""
    dialect = connection.dialect.name
    columns = [(f"{_KEY}{name}", name) for name in mirror.identity]
    statement = sa.delete(_own(mirror)).where(*in_scope(mirror, dialect))
    if dialect == "postgresql":
        listed = _listed(mirror, columns, keys, dialect)
        connection.execute(statement.where(*_met(mirror, listed)))
        return
    statement = statement.where(*_matches(mirror, dialect))
    connection.execute(statement, _spelled(mirror, columns, keys, dialect))


def _own(mirror: Mirror) -> sa.Table:
    # What is written to was reflected: a query offers no writes.
    return cast("sa.Table", mirror.table)


def _met(mirror: Mirror, listed: sa.FromClause) -> list[sa.ColumnElement[bool]]:
    return [mirror.table.c[name] == listed.c[f"{_KEY}{name}"] for name in mirror.identity]


def _all_equal(
    mirror: Mirror, names: Sequence[str], values: Identity, dialect: str
) -> sa.ColumnElement[bool]:
    pairs = zip(names, values, strict=True)
    return sa.and_(*(_equal(mirror, name, value, dialect) for name, value in pairs))


def _equal(mirror: Mirror, name: str, value: Canonical, dialect: str) -> sa.ColumnElement[bool]:
    column = mirror.table.c[name]
    return column.is_(None) if value is None else column == bound(mirror, name, value, dialect)


def _readable(mirror: Mirror, column: Column, dialect: str) -> sa.ColumnElement[Any]:
    found = mirror.table.c[column.name]
    as_it_is = (
        column.kind in _POSTGRESQL_AS_IT_IS or (column.kind == "text" and _is_plain_text(column))
        if dialect == "postgresql"
        # SQLite types values, not columns: as text each can be tried against its column.
        else dialect != "sqlite" and column.kind not in {"opaque", "uuid", "json", "time"}
    )
    expression = found if as_it_is else sa.cast(found, sa.Text)
    return expression.label(column.name)


def _is_plain_text(column: Column) -> bool:
    return not column.padded and not column.words


def _parameter(mirror: Mirror, name: str, prefix: str, dialect: str) -> sa.BindParameter[object]:
    return sa.bindparam(f"{prefix}{name}", type_=_bound_type(mirror, name, dialect))


def _bound_type(mirror: Mirror, name: str, dialect: str) -> sa.types.TypeEngine[Any]:
    return _AS_IT_IS if dialect == "sqlite" else mirror.table.c[name].type


def _matches(mirror: Mirror, dialect: str) -> list[sa.ColumnElement[bool]]:
    return [
        mirror.table.c[name] == _parameter(mirror, name, _KEY, dialect) for name in mirror.identity
    ]


def _speller(column: Column, dialect: str) -> Spelling | None:
    return for_sqlite(column) if dialect == "sqlite" else for_driver(column)


def _spelled(
    mirror: Mirror,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Identity],
    dialect: str,
) -> list[dict[str, object]]:
    """Spell rows column by column, as a list of parameters by name."""
    names = [own for own, _ in columns]
    spelled = []
    for (_, name), values in zip(columns, zip(*rows, strict=True), strict=True):
        column = mirror.columns[name]
        spell = for_json(column) if dialect == _DOCUMENT else _speller(column, dialect)
        spelled.append([v if v is None else spell(v) for v in values] if spell else values)
    return [dict(zip(names, row, strict=True)) for row in zip(*spelled, strict=True)]


def _listed(
    mirror: Mirror,
    columns: Sequence[tuple[str, str]],
    rows: Sequence[Identity],
    dialect: str,
) -> sa.FromClause:
    """Turn rows into a table of their own inside the database.

    Args:
        mirror: The resource.
        columns: Name in the new table, and the column of the resource whose type it has.
        rows: A value for each column.
        dialect: One of `_LISTERS`.
    """
    as_what = dialect if dialect == "sqlite" else _DOCUMENT
    document = json.dumps(_spelled(mirror, columns, rows, as_what), ensure_ascii=False)
    return _LISTERS[dialect](mirror, columns, document)


def _listed_by_postgresql(
    mirror: Mirror, columns: Sequence[tuple[str, str]], document: str
) -> sa.FromClause:
    typed = [sa.column(own, mirror.table.c[name].type) for own, name in columns]
    return (
        sa.func.json_to_recordset(sa.cast(sa.literal(document, sa.Text), JSON))
        .table_valued(*typed, name="listed")
        .render_derived(with_types=True)
    )


def _listed_by_sqlite(
    _mirror: Mirror, columns: Sequence[tuple[str, str]], document: str
) -> sa.FromClause:
    each = sa.func.json_each(document).table_valued("value", name="each_one")
    found = [
        sa.func.json_extract(each.c.value, f"$.{json.dumps(own)}").label(own) for own, _ in columns
    ]
    return sa.select(*found).subquery("listed")


_LISTERS = {"postgresql": _listed_by_postgresql, "sqlite": _listed_by_sqlite}

"""The warehouse's statements, one text for both stores, built through SQLAlchemy's tree.

DuckDB reads PostgreSQL's dialect, so one tree serves both. Rows of a batch stand in a
staged table that the store makes of an Arrow table.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql.base import PGDialect, PGIdentifierPreparer
from sqlalchemy.schema import CreateIndex, CreateTable, CreateView

from matricula.connectors.warehouse.mapping import (
    AFTER,
    BEFORE,
    CHANGE,
    CLOSED_BY,
    FIXED,
    IS_CURRENT,
    KEY,
    REFERENCE_ENDING,
    SURROGATE,
    VALID_FROM,
    VALID_TO,
    ColumnType,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Selection: TypeAlias = "sa.Select[*tuple[Any, ...]]"

HISTORY_ENDING, CURRENT_ENDING = "_history", "_current"
STAGED = "matricula_staged"
SUSPENDED = "_suspended"
_OBLIGATORY = (SURROGATE, KEY, VALID_FROM, IS_CURRENT, CHANGE)


def history_table(
    schema: str | None, resource: str, columns: Mapping[str, ColumnType], *, indexed: bool
) -> sa.Table:
    """Describe a resource's history table.

    Args:
        schema: Where it is; None for the store's own.
        resource: Its name.
        columns: Granted columns, and the surrogate keys beside references.
        indexed: Whether the store finds rows by an index (PostgreSQL) or by a scan.
    """
    before = [_fixed(name, indexed=indexed) for name in BEFORE]
    granted = [sa.Column(name, type_.sql()) for name, type_ in columns.items()]
    after = [_fixed(name, indexed=False) for name in AFTER]
    name = f"{resource}{HISTORY_ENDING}"
    return sa.Table(name, sa.MetaData(), *before, *granted, *after, schema=schema)


def create(table: sa.Table) -> list[sa.ExecutableDDLElement]:
    """Make the table, and its indexes where it has any."""
    indexes = (CreateIndex(index, if_not_exists=True) for index in table.indexes)
    return [CreateTable(table, if_not_exists=True), *indexes]


def add_column(table: sa.Table, name: str, dialect: sa.Dialect) -> sa.ExecutableDDLElement:
    """Add a granted column to a table that is there."""
    quote, column = dialect.identifier_preparer, table.c[name]
    return sa.DDL(  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so
        "ALTER TABLE %(whole)s ADD COLUMN %(column)s %(type)s",
        context={
            "whole": quote.format_table(table),
            "column": quote.format_column(column),
            "type": column.type.compile(dialect),
        },
    )


def current_view(
    table: sa.Table, names: Sequence[str], schema: str | None
) -> sa.ExecutableDDLElement:
    """Make the view of what is valid now; `names` in the order in which the table has them."""
    name = table.name.removesuffix(HISTORY_ENDING) + CURRENT_ENDING
    chosen = sa.select(*(table.c[name] for name in names)).where(table.c[IS_CURRENT].is_(True))
    return CreateView(chosen, name, schema=schema, or_replace=True)


def staged(columns: Mapping[str, ColumnType]) -> sa.TableClause:
    """Name the staged table."""
    return sa.table(STAGED, *(sa.column(name, type_.sql()) for name, type_ in columns.items()))


def latest(table: sa.Table, names: Sequence[str]) -> Selection:
    """Select the latest version of each record whose key is staged."""
    keys = staged({KEY: FIXED[KEY]})
    newest = (
        sa.select(sa.func.max(table.c[SURROGATE]).label("newest"))
        .select_from(table.join(keys, table.c[KEY] == keys.c[KEY]))
        .group_by(table.c[KEY])
        .subquery("newest_of_each")
    )
    chosen = [table.c[name] for name in (*BEFORE, *names, VALID_FROM, VALID_TO, CLOSED_BY)]
    joined = table.join(newest, table.c[SURROGATE] == newest.c.newest)
    return sa.select(*chosen).select_from(joined)


def last_surrogate(table: sa.Table) -> Selection:
    """Select the highest surrogate key given so far, 0 when none was."""
    return sa.select(sa.func.coalesce(sa.func.max(table.c[SURROGATE]), 0))


def close_staged(table: sa.Table) -> sa.Update:
    """Close the versions that are staged with their end."""
    ends = staged({name: FIXED[name] for name in (SURROGATE, VALID_TO, CLOSED_BY)})
    return (
        sa.update(table)
        .where(table.c[SURROGATE] == ends.c[SURROGATE])
        .values(
            {
                VALID_TO: ends.c[VALID_TO],
                CLOSED_BY: ends.c[CLOSED_BY],
                IS_CURRENT: sa.false(),
            }
        )
    )


def append_staged(table: sa.Table, columns: Mapping[str, ColumnType]) -> sa.Insert:
    """Append the versions that are staged."""
    rows = staged(columns)
    return sa.insert(table).from_select(list(columns), sa.select(*(rows.c[n] for n in columns)))


def refer_by_time(
    fact: sa.Table, dimension: sa.Table, column: str, *, staged_key: str
) -> sa.Update:
    """Name the version of the referred record that was valid when the row began.

    Args:
        fact: The table that refers.
        dimension: The table referred to.
        column: The column of `fact` that holds the referred record's key.
        staged_key: `surrogate_key` when the rows of `fact` are staged, `key` when the
            records of `dimension` are: those that came later than what refers to them.
    """
    surrogate = f"{column}{REFERENCE_ENDING}"
    rows = staged({staged_key: FIXED[staged_key]})
    own = SURROGATE if staged_key == SURROGATE else column
    then = fact.c[VALID_FROM]
    valid = sa.and_(
        dimension.c[VALID_FROM] <= then,
        sa.or_(dimension.c[VALID_TO].is_(None), dimension.c[VALID_TO] > then),
    )
    # A record that arrived after what refers to it is known by its first version.
    best = (
        sa.select(
            fact.c[SURROGATE].label("row"),
            sa.func.coalesce(
                sa.func.max(dimension.c[SURROGATE]).filter(valid),
                sa.func.min(dimension.c[SURROGATE]),
            ).label("found"),
        )
        .select_from(
            fact.join(rows, fact.c[own] == rows.c[staged_key]).join(
                dimension, dimension.c[KEY] == fact.c[column]
            )
        )
        .where(fact.c[surrogate].is_(None))
        .group_by(fact.c[SURROGATE])
        .subquery("best")
    )
    return (
        sa.update(fact)
        .where(fact.c[SURROGATE] == best.c.row)
        .values({fact.c[surrogate]: best.c.found})
    )


def standing(table: sa.Table, names: Sequence[str]) -> Selection:
    """Select what stands: current records, and suspended ones as they last were."""
    later = table.alias("later")
    replaced = sa.exists().where(
        later.c[KEY] == table.c[KEY], later.c[SURROGATE] > table.c[SURROGATE]
    )
    is_suspended = sa.and_(table.c[CLOSED_BY] == "suspended", sa.not_(replaced))
    return sa.select(
        *(table.c[name] for name in names),
        table.c[KEY].label("_id"),
        sa.not_(table.c[IS_CURRENT]).label(SUSPENDED),
    ).where(sa.or_(table.c[IS_CURRENT].is_(True), is_suspended))


def standing_among(
    table: sa.Table,
    names: Sequence[str],
    own: Mapping[str, str],
    types: Mapping[str, ColumnType],
) -> Selection:
    """Select what stands and equals one of the staged rows.

    Args:
        table: The history table.
        names: Columns to select.
        own: Staged column to the column of the table that it must equal.
        types: Of the staged columns.
    """
    wanted = staged(types)
    meets = sa.and_(*(table.c[name] == wanted.c[column] for column, name in own.items()))
    return standing(table, names).select_from(table.join(wanted, meets))


def catalogue(schema: str) -> Selection:
    """Select the columns of every history table from the database's own catalogue."""
    columns = sa.table(
        "columns",
        *(sa.column(name) for name in ("table_schema", "table_name", "column_name", "data_type")),
        *(sa.column(name) for name in ("numeric_precision", "numeric_scale", "ordinal_position")),
        schema="information_schema",
    )
    return (
        sa.select(
            columns.c.table_name,
            columns.c.column_name,
            columns.c.data_type,
            columns.c.numeric_precision,
            columns.c.numeric_scale,
        )
        .where(
            columns.c.table_schema == schema,
            columns.c.table_name.endswith(HISTORY_ENDING, autoescape=True),
        )
        .order_by(columns.c.table_name, columns.c.ordinal_position)
    )


class _QuotingPreparer(PGIdentifierPreparer):
    """Quotes every name: DuckDB reserves words that PostgreSQL does not."""

    def _requires_quotes(self, value: str) -> bool:  # noqa: ARG002 - whatever it is
        return True


class _DuckDialect(PGDialect):
    """PostgreSQL's dialect as DuckDB reads it, with numbered parameters."""

    preparer = _QuotingPreparer
    default_paramstyle = "numeric_dollar"
    supports_statement_cache = False


def duck_dialect() -> sa.Dialect:
    """Make the dialect that DuckDB reads."""
    return _DuckDialect(paramstyle="numeric_dollar")  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it so


def _fixed(name: str, *, indexed: bool) -> sa.Column[Any]:
    return sa.Column(
        name,
        FIXED[name].sql(),
        primary_key=indexed and name == SURROGATE,
        index=indexed and name == KEY,
        nullable=name not in _OBLIGATORY,
        autoincrement=False,
    )

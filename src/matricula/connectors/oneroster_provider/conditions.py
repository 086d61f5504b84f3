"""Conditions on the rows of one table, as SQL with its parameters; the table is called `t`.

Text is compared sign by sign, as Unicode orders them, whatever language the database was made
for; `~` looks for a part of the text and takes capitals for small letters.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import connection

from matricula.connectors.kit.oneroster.objects import rest_tables
from matricula.connectors.kit.oneroster.tables import ACTIVE
from matricula.connectors.oneroster_provider.statements import quoted, table_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

OPERATORS = ("!=", ">=", "<=", "=", ">", "<", "~")
NUMBERS = frozenset({"integer", "float"})
# Fixed forms of digits sort alike in every language, and keep their index that way.
_FIXED = frozenset({"date", "instant", "year"})


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition.

    Attributes:
        sql: With `%s` for each value, and no other `%`.
        values: For them, in their order.
    """

    sql: str
    values: tuple[str | float | int, ...] = ()


def every(conditions: Sequence[Condition]) -> Condition:
    """All of some conditions."""
    return _joined(conditions, " AND ")


def any_of(conditions: Sequence[Condition]) -> Condition:
    """At least one of some conditions."""
    return _joined(conditions, " OR ")


def compared(table: str, name: str, operator: str, value: str) -> Condition:
    """Compare a column with a value; what has no value equals none, and differs from all.

    Args:
        table: One of `rest_tables`.
        name: One of its columns.
        operator: One of `OPERATORS`.
        value: As the standard's tables have it.
    """
    column = rest_tables()[table].column(name)
    own = f"t.{quoted(name)}"
    if operator == "~":
        return Condition(f"LOWER({own}) LIKE LOWER(%s) ESCAPE '\\'", (f"%{_literal(value)}%",))
    if column.kind in NUMBERS:
        number = f"CAST({own} AS double precision)"
        return Condition(f"{number} {_spelled(operator)} %s", (float(value),))
    if operator == "!=":
        return Condition(f"({own} <> %s OR {own} IS NULL)", (value,))
    sign_by_sign = "" if operator == "=" or column.kind in _FIXED else collation()
    return Condition(f"{own}{sign_by_sign} {operator} %s", (value,))


def listed(name: str, value: str, *, is_there: bool = True) -> Condition:
    """Whether a list of identifiers holds one."""
    no = "" if is_there else "NOT "
    own = f"',' || REPLACE(COALESCE(t.{quoted(name)}, ''), ' ', '') || ','"
    return Condition(f"{no}({own} LIKE %s ESCAPE '\\')", (f"%,{_literal(value)},%",))


def among(shelf: int, *, own: str, other: str, column: str, equal: Mapping[str, str]) -> Condition:
    """Whether a value is in a column of active rows of another table.

    Args:
        shelf: The other table's.
        own: A column of this table.
        other: The other table.
        column: Its column.
        equal: What its rows must equal besides.
    """
    more = "".join(f" AND o.{quoted(name)} = %s" for name in equal)
    return Condition(
        f"t.{quoted(own)} IN (SELECT o.{quoted(column)} FROM {table_of(other)} o "  # noqa: S608 - quoted names of the standard
        f"WHERE o.shelf_id = %s AND o.{quoted('status')} = %s{more})",
        (shelf, ACTIVE, *equal.values()),
    )


def named_by(
    shelf: int, *, own: str, other: str, column: str, equal: Mapping[str, str]
) -> Condition:
    """Whether an active row of another table names a value: as `among`, asked row by row.

    For what most rows fulfil: a page then looks at little more than it shows.
    """
    more = "".join(f" AND o.{quoted(name)} = %s" for name in equal)
    return Condition(
        f"EXISTS (SELECT 1 FROM {table_of(other)} o WHERE o.shelf_id = %s "  # noqa: S608 - quoted names of the standard
        f"AND o.{quoted(column)} = t.{quoted(own)} AND o.{quoted('status')} = %s{more})",
        (shelf, ACTIVE, *equal.values()),
    )


def one_of(name: str, values: Sequence[str]) -> Condition:
    """Whether a column holds one of few values."""
    if not values:
        return Condition("1 = 0")
    return Condition(f"t.{quoted(name)} IN ({', '.join(['%s'] * len(values))})", tuple(values))


def collation() -> str:
    """Say that text is ordered by its signs alone; SQLite does nothing else."""
    return ' COLLATE "C"' if connection.vendor == "postgresql" else ""


def _spelled(operator: str) -> str:
    return "<>" if operator == "!=" else operator


def _literal(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _joined(conditions: Sequence[Condition], word: str) -> Condition:
    if len(conditions) == 1:
        return conditions[0]
    sql = word.join(one.sql for one in conditions)
    return Condition(f"({sql})", tuple(value for one in conditions for value in one.values))

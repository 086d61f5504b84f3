"""Judge the cells of a table one by one: is there a value, is it one, may it be that one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.loading.rules import TABLES
from matricula.sis.loading.rules.tables import KINDS, LONGEST

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.sis.loading.actions.desk import Desk
    from matricula.sis.loading.rules import Column, Table

# Addresses alone have several lines, and none is loaded yet.
_LITTLE = 50_000
_UNPRINTABLE = r"[\x00-\x1f\x7f]"


def judge(desk: Desk, name: str, *, keep: bool = False) -> None:
    """Judge the cells of a table and make `cast_<table>` of what landed, with its types.

    What cannot be taken is found; a row of which anything is found stays in `cast_<table>` and
    is left out by `good`.

    Args:
        desk: The load.
        name: The table.
        keep: Whether `cast_<table>` is to be changed.
    """
    table = TABLES[name]
    casts = ", ".join(_cast(column) for column in table.columns)
    # What is little is copied; what is much is read again each time instead.
    kind = "TABLE" if keep or desk.came.get(name, 0) <= _LITTLE else "TEMP VIEW"
    desk.run(f"CREATE {kind} cast_{name} AS SELECT n, place, {casts} FROM landed_{name}")  # noqa: S608 - our own names
    if name not in desk.came:
        return
    told = [one for column in table.columns for one in _checks(column)]
    counts = ", ".join(f"count(*) FILTER ({wrong})" for _, wrong, *_ in told)
    # All is looked at in one go; what is wrong anywhere is looked for again.
    found = desk.rows(f"SELECT {counts} FROM landed_{name}")[0]  # noqa: S608
    for (why, wrong, field, detail), count in zip(told, found, strict=True):
        if count:
            written = detail.replace("'", "''")
            desk.find(
                name, why,
                f"SELECT n, place, '{field}', '{written}' FROM landed_{name} WHERE {wrong}",  # noqa: S608
            )  # fmt: skip
    _only_once(desk, table)


def _told(column: Column) -> str:
    """Say what stands in a cell; what is blank is nothing."""
    return f"nullif(trim(\"{column.name}\"), '')"


def _cast(column: Column) -> str:
    return f'TRY_CAST({_told(column)} AS {column.type}) AS "{column.name}"'


def _checks(column: Column) -> Iterator[tuple[str, str, str, str]]:
    """Give what may be wrong with a cell: why, the condition, the field and the detail."""
    told, field = _told(column), column.name
    if column.required:
        yield "empty", f"{told} IS NULL", field, ""
    if column.kind != "text":
        wrong = f"{told} IS NOT NULL AND TRY_CAST({told} AS {column.type}) IS NULL"
        yield "kind", wrong, field, KINDS[column.kind][1]
        return
    yield "unprintable", f"regexp_matches({told}, '{_UNPRINTABLE}')", field, ""
    if column.words:
        words = ", ".join(f"'{word}'" for word in column.words)
        yield "word", f"{told} NOT IN ({words})", field, ", ".join(column.words)
    elif column.name != "requirements":
        yield "long", f"length({told}) > {LONGEST}", field, ""


def _only_once(desk: Desk, table: Table) -> None:
    """Find the rows whose key an earlier row has."""
    if not table.key:
        return
    key = ", ".join(f'"{name}"' for name in table.key)
    needed = [column.name for column in table.columns if column.required]
    whole = " AND ".join(f'"{name}" IS NOT NULL' for name in table.key if name in needed)
    rows = f"FROM cast_{table.name} WHERE {whole}"
    # Whose digests all differ are not the same; only otherwise is looked for them.
    if not desk.number(f"SELECT count(*) - count(DISTINCT hash({key})) {rows}"):
        return
    desk.find(
        table.name, "twice",
        f"SELECT n, place, '{table.key[0]}', first FROM (SELECT n, place, "  # noqa: S608
        f"first_value(place) OVER w AS first, row_number() OVER w AS nth {rows} "
        f"WINDOW w AS (PARTITION BY {key} ORDER BY n)) WHERE nth > 1",
    )  # fmt: skip

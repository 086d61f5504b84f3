"""Settle which rows of a table are new, which are there already, and whether those agree."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.loading.rules import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    import pyarrow as pa

    from matricula.sis.loading.actions.desk import Desk
    from matricula.sis.loading.rules import Table


def refer(desk: Desk, name: str) -> None:
    """Find the rows of a table that name what is neither taken nor there."""
    if name not in desk.came:
        return
    for column in TABLES[name].references():
        field, key = column.name, TABLES[column.refers].key[0]
        count = desk.run(
            "CREATE OR REPLACE TABLE lacking AS "  # noqa: S608 - our own names
            f'SELECT c.n, c.place, c."{field}" AS named FROM {desk.good(name)} AS c '
            f'ANTI JOIN known_{column.refers} AS k ON k."{key}" = c."{field}" '
            f'WHERE c."{field}" IS NOT NULL'
        )
        if not count:
            continue
        lacking = f"SELECT l.n, l.place, '{field}', '' FROM lacking AS l"  # noqa: S608
        landed = f'JOIN landed_{column.refers} AS o ON trim(o."{key}") = l.named'
        desk.find(name, "parent", f"{lacking} SEMI {landed}")
        desk.find(name, "unknown", f"{lacking} ANTI {landed}")


def asked(desk: Desk, name: str) -> Iterator[str]:
    """Give every code by which rows of a table are named in the bundle, its own rows' too."""
    key = TABLES[name].key[0]
    named = [f'SELECT "{key}" AS code FROM landed_{name}']  # noqa: S608
    for other in desk.came:
        named += [
            f'SELECT DISTINCT "{column.name}" FROM landed_{other}'  # noqa: S608
            for column in TABLES[other].references()
            if column.refers == name
        ]
    every = " UNION ".join(named)
    yield from desk.column(
        f"SELECT DISTINCT trim(code) FROM ({every}) WHERE code IS NOT NULL ORDER BY 1"  # noqa: S608
    )


def remember(desk: Desk, name: str, there: Iterable[pa.RecordBatch]) -> None:
    """Keep rows that are there already as `there_<table>`: `id`, and what is told of them."""
    told = {column.name: column.type for column in TABLES[name].columns}
    desk.keep(f"there_{name}", {"id": "BIGINT", **told}, there)


def settle(desk: Desk, name: str, take_numbers: Callable[[str, int], int]) -> None:
    """Part the good rows of a table into those that are new and those in `there_<table>`.

    Makes `numbered_<table>`, in which each row, `n`, is given its `id`; `new_<table>`, the rows
    that are new; and `known_<table>`, the key and the `id` of all that can be named from now on.

    Args:
        desk: The load.
        name: The table.
        take_numbers: Takes numbers for new rows of a table.
    """
    desk.run(f"CREATE TABLE numbered_{name} (n BIGINT, id BIGINT, is_new BOOLEAN)")
    desk.new_rows[name] = _number(desk, name, take_numbers) if name in desk.came else 0
    desk.run(
        f"CREATE TEMP VIEW new_{name} AS SELECT i.id, c.* FROM cast_{name} AS c "  # noqa: S608
        f"JOIN numbered_{name} AS i ON i.n = c.n AND i.is_new"
    )
    key = ", ".join(f'"{one}"' for one in TABLES[name].key)
    desk.run(
        f"CREATE TEMP VIEW known_{name} AS SELECT {key}, id, FALSE AS is_new FROM there_{name} "  # noqa: S608
        f"UNION ALL SELECT {key}, id, TRUE FROM new_{name}"
    )


def _number(desk: Desk, name: str, take_numbers: Callable[[str, int], int]) -> int:
    """Say which number each good row has: that of what is there, or a new one; give how many."""
    table, rows = TABLES[name], desk.good(name)
    same = alike(table, "g", "t")
    there = desk.run(
        f"INSERT INTO numbered_{name} SELECT g.n, t.id, FALSE FROM {rows} AS g "  # noqa: S608
        f"JOIN there_{name} AS t ON {same}"
    )
    desk.count(name, there=there)
    if there:
        _compare(desk, table)
    new = f"FROM {rows} AS g ANTI JOIN there_{name} AS t ON {same}"
    count = desk.number(f"SELECT count(*) {new}")
    if count:
        first = take_numbers(name, count)
        desk.run(
            f"INSERT INTO numbered_{name} SELECT g.n, row_number() OVER (ORDER BY g.n) - 1 "
            f"+ {first}, TRUE {new}"
        )
    return count


def alike(table: Table, one: str, other: str) -> str:
    """Write the condition that two rows have one key; what is empty in both is the same."""
    return " AND ".join(
        f'{one}."{column.name}" {"=" if column.required else "IS NOT DISTINCT FROM"} '
        f'{other}."{column.name}"'
        for column in table.columns
        if column.name in table.key
    )


def _compare(desk: Desk, table: Table) -> None:
    """Say of rows that are there in which columns the bundle says otherwise."""
    name = table.name
    for field in (one.name for one in table.columns if one.compared and one.name not in table.key):
        # What is not told is not contradicted.
        desk.find(
            name, "differs",
            f"SELECT g.n, g.place, '{field}', '{field}' FROM {desk.good(name)} AS g "  # noqa: S608
            f"JOIN there_{name} AS t ON {alike(table, 'g', 't')} "
            f'WHERE g."{field}" IS NOT NULL AND g."{field}" IS DISTINCT FROM t."{field}"',
        )  # fmt: skip

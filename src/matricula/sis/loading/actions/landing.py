"""Land a bundle: every row as text, with its number and its place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from matricula.engine.workbench import register
from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.loading.rules import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from matricula.sis.loading.actions.desk import Desk

PLACE = "place"


def land(
    desk: Desk, pieces: Iterable[tuple[str, pa.Table]], scratch: Path | None
) -> dict[str, int]:
    """Take in a bundle, piece by piece, as it is made or read; each table is `landed_<table>`.

    Args:
        desk: The load.
        pieces: Names of tables with rows of each, in any order; `place` says where a row
            stands. A column that is left out is empty.
        scratch: A folder in which what comes is kept as files; it is kept in memory when None.

    Returns:
        How many rows came of each table.

    Raises:
        Refused: A table or a column is none of a bundle's (M991).
    """
    came: dict[str, int] = {}
    kept = _Files(scratch) if scratch else _Memory()
    try:
        for name, rows in pieces:
            must_be_known(name, rows.column_names)
            kept.add(name, _texts(name, rows, came.get(name, 0)))
            came[name] = came.get(name, 0) + rows.num_rows
    finally:
        kept.close()
    for name in TABLES:
        there = kept.table(name) if name in came else _schema(name).empty_table()
        register(desk.bench, f"landed_{name}", there)
    return came


def _schema(name: str) -> pa.Schema:
    told: dict[str, Any] = {column.name: pa.string() for column in TABLES[name].columns}
    return pa.schema({"n": pa.int64(), PLACE: pa.string(), **told})


def _texts(name: str, rows: pa.Table, first: int) -> pa.Table:
    """Bring rows into the one form in which all of a table land."""
    schema = _schema(name)
    arrays: list[Any] = [pa.array(range(first, first + rows.num_rows), pa.int64())]
    for column in schema.names[1:]:
        if column in rows.column_names:
            arrays.append(rows[column].cast(pa.string()))
        else:
            empty = "" if column == PLACE else None
            arrays.append(pa.repeat(pa.scalar(empty, pa.string()), rows.num_rows))
    return pa.table(arrays, schema=schema)


class _Memory:
    """What landed, in memory; grows with every piece."""

    def __init__(self) -> None:
        self._held: dict[str, list[pa.Table]] = {}

    def add(self, name: str, rows: pa.Table) -> None:
        self._held.setdefault(name, []).append(rows)

    def table(self, name: str) -> pa.Table | ds.Dataset:
        return pa.concat_tables(self._held[name])

    def close(self) -> None:
        """Nothing is open."""


class _Files:
    """What landed, as a file for each table; grows with every piece."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, pq.ParquetWriter] = {}

    def add(self, name: str, rows: pa.Table) -> None:
        if name not in self._open:
            self._open[name] = pq.ParquetWriter(self._folder / f"{name}.parquet", rows.schema)
        self._open[name].write_table(rows)

    def table(self, name: str) -> pa.Table | ds.Dataset:
        return ds.dataset(self._folder / f"{name}.parquet")

    def close(self) -> None:
        for writer in self._open.values():
            writer.close()


def must_be_known(name: str, columns: Iterable[str], *, place: str = "") -> None:
    """Go on only if a bundle has such a table with such columns.

    Raises:
        Refused: It has not (M991).
    """
    if name not in TABLES:
        raise Refused(
            "M991", f"A bundle has no table {name}.", cure=meant(name, TABLES), place=place
        )
    known = [column.name for column in TABLES[name].columns]
    for column in columns:
        if column not in (*known, PLACE):
            raise Refused(
                "M991", f"{name} has no column {column}.", cure=meant(column, known), place=place
            )

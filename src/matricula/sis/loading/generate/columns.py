"""Columns that grow row by row and are handed on as Arrow before they are many."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.sis.loading.rules import TABLES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

_MANY = 50_000


class Columns:
    """The columns of a bundle's tables under way; grows with every row."""

    def __init__(self) -> None:
        self._held: dict[str, list[tuple[str | None, ...]]] = {}
        # Few words and days, written down again and again.
        self._texts: dict[str | int | date, str] = {}
        self._names = {name: [c.name for c in table.columns] for name, table in TABLES.items()}

    def add(self, table: str, *cells: str | int | date | None) -> None:
        """Add a row: its cells in the order of the table's columns, as far as they are told."""
        texts = self._texts
        self._held.setdefault(table, []).append(
            tuple(
                cell
                if cell is None or isinstance(cell, str)
                else texts.get(cell) or texts.setdefault(cell, str(cell))
                for cell in cells
            )
        )

    def full(self) -> bool:
        """Whether it is time to hand something on."""
        return any(len(rows) >= _MANY for rows in self._held.values())

    def handed_on(self) -> Iterator[tuple[str, pa.Table]]:
        """Give what was gathered, and begin anew."""
        held, self._held = self._held, {}
        for name, rows in held.items():
            width = max(map(len, rows))
            padded = (row + (None,) * (width - len(row)) for row in rows)
            arrays = [pa.array(cells, pa.string()) for cells in zip(*padded, strict=True)]
            yield name, pa.table(arrays, names=self._names[name][:width])

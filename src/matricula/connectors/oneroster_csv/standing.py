"""The bundle as it stands, held as Arrow: few of its rows are ever looked at singly.

A value: `replaced` gives another one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from matricula.connectors.kit.oneroster import rules
from matricula.connectors.kit.oneroster.tables import KEY, SECRET, referrers, tables

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from matricula.connectors.kit.oneroster.mapping import Row
    from matricula.connectors.kit.oneroster.tables import Column, Version

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute


@dataclass(frozen=True, slots=True)
class Standing:
    """All rows of a bundle.

    Attributes:
        version: Of OneRoster.
        tables: File to rows; all text, null where a cell is empty.
    """

    version: Version
    tables: Mapping[str, pa.Table]
    _places: dict[str, dict[str, int]] = field(default_factory=dict)

    def places(self, table: str) -> dict[str, int]:
        """Give the identifiers of a file and where their rows are."""
        if table not in self._places:
            keys = self.tables[table][KEY].to_pylist() if table in self.tables else []
            self._places[table] = {str(key): number for number, key in enumerate(keys)}
        return self._places[table]

    def rows(self, table: str, identifiers: Iterable[str]) -> dict[str, Row]:
        """Fetch rows by identifier; those that are not there are left out."""
        places = self.places(table)
        there = [one for one in identifiers if one in places]
        if not there:
            return {}
        taken = self.tables[table].take(pa.array([places[one] for one in there], pa.int64()))
        return dict(zip(there, taken.to_pylist(), strict=True))

    def index(self, table: str, names: Sequence[str]) -> dict[tuple[str | None, ...], list[str]]:
        """Index a file by some of its columns: values to the identifiers that have them."""
        found: dict[tuple[str | None, ...], list[str]] = {}
        if table not in self.tables:
            return found
        rows = self.tables[table]
        nothing = [None] * rows.num_rows
        columns = [rows[one].to_pylist() if one in rows.column_names else nothing for one in names]
        keys = rows[KEY].to_pylist()
        for key, *values in zip(keys, *columns, strict=True):
            found.setdefault(tuple(values), []).append(key)
        return found

    def naming(self, table: str, identifiers: Collection[str]) -> dict[str, str]:
        """Tell which of some records are named by rows of other files, and where."""
        named: dict[str, str] = {}
        for other, column in referrers(self.version, table):
            if other == table or other not in self.tables:
                continue
            used = rules.identifiers_in(self.tables[other][column.name], column)
            for one in used.intersection(identifiers):
                named.setdefault(one, f"{other}.{column.name}")
        return named

    def inward(self, table: str) -> list[tuple[Column, dict[str, str]]]:
        """List the columns by which a file refers to itself, with the cells that do."""
        found: list[tuple[Column, dict[str, str]]] = []
        for column in tables(self.version)[table].columns:
            if column.refers != table:
                continue
            cells: dict[str, str] = {}
            if table in self.tables:
                filled = self.tables[table].filter(pc.is_valid(self.tables[table][column.name]))
                keys, values = filled[KEY].to_pylist(), filled[column.name].to_pylist()
                cells = {str(key): str(v) for key, v in zip(keys, values, strict=True)}
            found.append((column, cells))
        return found

    def replaced(self, table: str, changed: Mapping[str, Row | None]) -> Standing:
        """Give the bundle with some rows changed, added, or taken away (None)."""
        header = [*tables(self.version)[table].header]
        kept = self.tables.get(table)
        if kept is not None:
            header.extend(name for name in kept.column_names if name not in header)
            gone = pa.array(list(changed), pa.string())
            kept = kept.filter(pc.invert(pc.is_in(kept[KEY], value_set=gone)))
        rows = [row for row in changed.values() if row is not None]
        header.extend(name for row in rows for name in row if name not in header)
        # A row may have columns that no row before it had.
        header = list(dict.fromkeys(header))
        schema = pa.schema([(name, pa.string()) for name in header])
        parts = [pa.Table.from_pylist(rows, schema)]
        if kept is not None:
            parts.insert(0, _widened(kept, schema))
        places = {other: known for other, known in self._places.items() if other != table}
        return Standing(
            self.version, {**self.tables, table: pa.concat_tables(parts)}, _places=places
        )


def shown(name: str) -> bool:
    """Say whether a column may be read at all: credentials may not."""
    return name not in SECRET


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    nothing = pa.nulls(table.num_rows, pa.string())
    columns = [table[n] if n in table.column_names else nothing for n in schema.names]
    return pa.table(columns, schema=schema)

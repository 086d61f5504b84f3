"""What is served as it stands, as far as a batch has to know it: few look-ups, each of a set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.oneroster import mapping as standard
from matricula.connectors.kit.oneroster.objects import INSIDE, rest_tables
from matricula.connectors.kit.oneroster.tables import ACTIVE, KEY
from matricula.connectors.oneroster_provider import statements
from matricula.connectors.oneroster_provider.mapping import columns_of, row_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from matricula.connectors.kit.oneroster.mapping import Index, Inward, Row, Sheet
    from matricula.connectors.kit.oneroster.tables import Column, FileTable
    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.oneroster_provider.models import Shelf


@dataclass(frozen=True, slots=True)
class Standing:
    """The rows that a system is served.

    Attributes:
        shelves: The caller holds them.
        keeping_nobody: Tables whose rows keep no record of another table in its place. What a
            consumer has put may name who leaves, and never keeps anybody from leaving.
    """

    shelves: Mapping[str, Shelf]
    keeping_nobody: Collection[str] = ()

    def rows(self, table: str, identifiers: Iterable[str]) -> dict[str, Row]:
        """Fetch rows by identifier; those that have left are not there."""
        found = statements.select(
            table, self.shelves[table].pk, columns=columns_of(table), where=KEY, among=identifiers
        )
        rows = (row_of(table, values) for values in found)
        return {str(row[KEY]): row for row in rows}

    def present(self, table: str, identifiers: Iterable[str]) -> set[str]:
        """Tell which of some records are there."""
        found = statements.select(
            table, self.shelves[table].pk, columns=[KEY], where=KEY, among=identifiers
        )
        return {str(one) for (one,) in found}

    def identifiers(self, table: str) -> set[str]:
        """List every record of a table; for the short, fixed ones."""
        from matricula.connectors.oneroster_provider.models import SERVED

        rows = SERVED[table]._default_manager.filter(  # noqa: SLF001 - Django's own name for it
            shelf=self.shelves[table], status=ACTIVE
        )
        return set(rows.values_list(KEY, flat=True))


def sheet_for(
    standing: Standing, table: str, writes: Sequence[Write], writable: Mapping[str, Column]
) -> Sheet:
    """Gather what a batch may touch, and what it refers to."""
    spec = rest_tables()[table]
    identifiers, names = standard.touched(writes)
    indexes = {one: _index(standing, table, one, writes) for one in names}
    identifiers |= {one for index in indexes.values() for ids in index.values() for one in ids}
    own = [one for one in spec.columns if one.refers == table]
    before = standing.rows(table, identifiers)
    gone = {write.external_id or "" for write in writes if write.kind == "delete"}
    return standard.Sheet(
        spec=spec,
        writable=writable,
        before=before,
        present={*before, *standing.present(table, _named(writes, own))},
        elsewhere=_elsewhere(standing, spec, writes),
        named=_naming(standing, table, gone) if gone else {},
        indexes=indexes,
    )


def inward(standing: Standing, sheet: Sheet) -> Inward:
    """List how other rows of the table name those that a batch takes away."""
    gone = [one for one, row in sheet.after.items() if row is None]
    table = sheet.spec.name
    found: Inward = []
    for column in sheet.spec.columns:
        if column.refers == table:
            cells = _referring(standing, table, column, gone) if gone else {}
            found.append((column, cells))
    return found


def _elsewhere(
    standing: Standing, spec: FileTable, writes: Sequence[Write]
) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for column in spec.columns:
        if column.refers and column.refers != spec.name and column.refers in rest_tables():
            named = _named(writes, [column])
            found.setdefault(column.refers, set()).update(standing.present(column.refers, named))
    return found


def _named(writes: Sequence[Write], columns: Collection[Column]) -> set[str]:
    found: set[str] = set()
    for column in columns:
        told = (write.fields.get(column.name) for write in writes)
        values = {str(value) for value in told if value}
        found |= {one for value in values for one in _targets(column, value)}
    return found


def _targets(column: Column, value: str) -> Iterable[str]:
    return value.split(",") if column.kind == "guids" else (value,)


def _index(
    standing: Standing, table: str, names: tuple[str, ...], writes: Sequence[Write]
) -> Index:
    """Find the rows that equal what writes match by, by the first of their columns."""
    chosen = [write.match for write in writes if tuple(sorted(write.match)) == names]
    asked = {str(standard.as_text(match[names[0]])) for match in chosen if match[names[0]]}
    found: Index = {}
    known = {one.name for one in rest_tables()[table].columns}
    for row in _matching(standing, table, names[0], asked) if names[0] in known else ():
        found.setdefault(tuple(row.get(name) for name in names), []).append(str(row[KEY]))
    return found


def _matching(standing: Standing, table: str, name: str, asked: set[str]) -> Iterator[Row]:
    shelf = standing.shelves[table].pk
    for values in statements.select(
        table, shelf, columns=columns_of(table), where=name, among=asked
    ):
        yield row_of(table, values)


def _naming(standing: Standing, table: str, gone: Collection[str]) -> dict[str, str]:
    """Tell which records that are to leave are still named by rows of other tables, and where.

    What only stands inside a record does not keep it: with the record it is gone.
    """
    named: dict[str, str] = {}
    for other, column in _referrers(table):
        if other in standing.keeping_nobody:
            continue
        for value in _referring(standing, other, column, gone).values():
            for one in set(_targets(column, value)).intersection(gone):
                named.setdefault(one, f"{other}.{column.name}")
    return named


def _referrers(table: str) -> Iterator[tuple[str, Column]]:
    """List the columns of other tables that name a table's records from outside."""
    for other, spec in rest_tables().items():
        for column in spec.columns:
            if column.refers == table and other != table and not _is_inside(other, column):
                yield other, column


def _is_inside(table: str, column: Column) -> bool:
    return table in INSIDE and INSIDE[table][1] == column.name


def _referring(
    standing: Standing, table: str, column: Column, gone: Collection[str]
) -> dict[str, str]:
    """Find the cells of a column that name some records, by the row they stand in."""
    shelf = standing.shelves[table].pk
    names = [KEY, column.name]
    if column.kind != "guids":
        found = statements.select(table, shelf, columns=names, where=column.name, among=gone)
        return {str(key): str(value) for key, value in found}
    return {
        str(key): str(value)
        for key, value in statements.filled(table, shelf, columns=names)
        if set(str(value).split(",")).intersection(gone)
    }

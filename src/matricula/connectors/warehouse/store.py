"""Where the warehouse keeps its tables: what the two stores have in common."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from matricula.connectors.warehouse import statements
from matricula.connectors.warehouse.mapping import ColumnType, type_found

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from contextlib import AbstractContextManager

    import pyarrow as pa
    import sqlalchemy as sa

    from matricula.connectors.warehouse.statements import Selection

Layout = dict[str, ColumnType]


class Session(Protocol):
    """One transaction on a store."""

    def run(self, statement: sa.Executable | sa.ExecutableDDLElement) -> None:
        """Execute a statement that yields nothing."""
        ...

    def fetch(self, statement: Selection) -> list[tuple[object, ...]]:
        """Execute a small selection."""
        ...

    def stage(self, rows: pa.Table, columns: Mapping[str, ColumnType]) -> None:
        """Make the rows the staged table, in place of whatever was staged."""
        ...


class Store(Protocol):
    """A DuckDB file or a schema of PostgreSQL.

    Every method raises only the errors of the kit: `TryAgain`, `Stop`, and `ReadBack` from
    the end of a transaction whose outcome is unknown.
    """

    schema: str | None
    catalogue_schema: str
    indexed: bool
    dialect: sa.Dialect

    def is_begun(self) -> bool:
        """Say whether there is anything to read. Looking makes nothing."""
        ...

    def transaction(self, *, changes: str = "") -> AbstractContextManager[Session]:
        """Begin; commit at the end, or undo all when an error leaves the block.

        Args:
            changes: The resource whose table will change, if one will. Nobody else changes
                it meanwhile.
        """
        ...

    def stream(
        self, statement: Selection, schema: pa.Schema
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """Execute a selection of any size, as it is at one moment."""
        ...

    def prepare(self, session: Session) -> None:
        """Make what tables need to stand in, such as a schema."""
        ...

    def export(self) -> list[str]:
        """Refresh the copies that are behind; return the resources that were."""
        ...

    def behind(self) -> list[str]:
        """List the resources whose copies are behind."""
        ...

    def lacking(self) -> list[str]:
        """Name the rights that tables cannot be made without and our account lacks."""
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


def found_layouts(store: Store) -> dict[str, Layout]:
    """Read which history tables there are; none where no warehouse was begun."""
    if not store.is_begun():
        return {}
    with store.transaction() as session:
        return layouts(store, session)


def layouts(store: Store, session: Session) -> dict[str, Layout]:
    """Read which history tables there are, each with all its columns in their order."""
    found: dict[str, Layout] = {}
    for table, column, type_, precision, scale in session.fetch(
        statements.catalogue(store.catalogue_schema)
    ):
        resource = str(table).removesuffix(statements.HISTORY_ENDING)
        sizes = (_number(precision), _number(scale))
        found.setdefault(resource, {})[str(column)] = type_found(str(type_), *sizes)
    return found


def _number(found: object) -> int | None:
    return found if isinstance(found, int) else None

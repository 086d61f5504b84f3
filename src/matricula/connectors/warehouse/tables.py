"""Which tables the warehouse has, and making them grow with what the charter grants."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.warehouse import statements
from matricula.connectors.warehouse.mapping import (
    FIXED,
    INTEGER,
    REFERENCE_ENDING,
    TEXT,
    ColumnType,
    type_named,
)
from matricula.connectors.warehouse.settings import Resource
from matricula.connectors.warehouse.store import layouts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import sqlalchemy as sa

    from matricula.connectors.warehouse.settings import Settings
    from matricula.connectors.warehouse.store import Layout, Session, Store

_TABLE = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COLUMN_BYTES = 59


class Tables:
    """The history tables of one warehouse."""

    def __init__(self, settings: Settings, store: Store) -> None:
        self._settings = settings
        self._store = store
        self._known: dict[str, Layout] = {}

    def must_be_allowed(self, resource: str) -> None:
        """Refuse a resource that the settings do not list, or whose name is no table's.

        Raises:
            GiveUp: It is refused (M602).
        """
        listed = self._settings.resources
        if resource not in listed if listed else not _TABLE.fullmatch(resource):
            raise GiveUp(
                f"The warehouse has no resource {resource}.",
                code="M602",
                cure="List it under `resources:`; names have small letters, digits and _, 40 "
                "at most.",
            )

    def references(self, resource: str) -> Mapping[str, str]:
        """Say which columns hold keys of which resources."""
        return self._settings.resources.get(resource, Resource()).refs

    def reference_columns(self, resource: str) -> list[str]:
        """Name the columns that hold surrogate keys of other resources' versions."""
        return [f"{column}{REFERENCE_ENDING}" for column in self.references(resource)]

    def referring(self, resource: str) -> list[tuple[str, str]]:
        """List who refers to a resource: another resource and its column."""
        return [
            (name, column)
            for name, one in self._settings.resources.items()
            for column, ref in one.refs.items()
            if ref == resource
        ]

    def columns(self, resource: str, found: Mapping[str, Layout]) -> Layout:
        """List the granted columns: those that are there, then those that will be."""
        there = {n: t for n, t in found.get(resource, {}).items() if n not in FIXED}
        return there | {n: t for n, t in self._declared(resource).items() if n not in there}

    def known(self, resource: str) -> Layout:
        """Give the granted columns of a table made or seen by `ensure`."""
        return {n: t for n, t in self._known.get(resource, {}).items() if n not in FIXED}

    def table(self, resource: str, columns: Mapping[str, ColumnType]) -> sa.Table:
        """Describe a table of these granted columns."""
        store = self._store
        return statements.history_table(store.schema, resource, columns, indexed=store.indexed)

    def ensure(self, resource: str, names: Sequence[str]) -> None:
        """Make what is missing of a table, and of those it refers to.

        Raises:
            GiveUp: A name cannot be a column (M603), or a column has another type than
                the settings say (M604).
        """
        _refuse_names(resource, names)
        wanted = {resource: dict.fromkeys(names, TEXT) | self._declared(resource)}
        wanted |= {other: self._declared(other) for other in self.references(resource).values()}
        missing = any(set(columns) - set(self._known.get(n, {})) for n, columns in wanted.items())
        if not missing and set(wanted) <= set(self._known):
            return
        with self._store.transaction(changes=resource) as session:
            self._store.prepare(session)
            found = layouts(self._store, session)
            for name, columns in wanted.items():
                self._grow(session, name, columns, found.get(name, {}))
            self._known |= layouts(self._store, session)

    def _declared(self, resource: str) -> Layout:
        told = self._settings.resources.get(resource, Resource())
        declared = {column: type_named(type_) for column, type_ in told.columns.items()}
        declared |= {column: TEXT for column in told.refs if column not in declared}
        return declared | dict.fromkeys(self.reference_columns(resource), INTEGER)

    def _grow(
        self, session: Session, resource: str, wanted: Mapping[str, ColumnType], there: Layout
    ) -> None:
        _refuse_types(resource, self._declared(resource), there)
        granted = {n: t for n, t in there.items() if n not in FIXED} | {
            n: t for n, t in wanted.items() if n not in there
        }
        table = self.table(resource, granted)
        if not there:
            for statement in statements.create(table):
                session.run(statement)
        for name in wanted if there else ():
            if name not in there:
                session.run(statements.add_column(table, name, self._store.dialect))
        # A view may only gain columns at its end, where the table has them too.
        order = [*there, *(n for n in granted if n not in there)] if there else table.c.keys()
        session.run(statements.current_view(table, order, self._store.schema))


def _refuse_names(resource: str, names: Sequence[str]) -> None:
    twins = len({name.casefold() for name in names}) < len(names)
    bad = [n for n in names if n.casefold() in FIXED or n.startswith("_") or not _fits(n)]
    if twins or bad:
        raise GiveUp(
            f"{resource}: {', '.join(bad) or 'two fields of one name'} cannot be a column; "
            f"the warehouse keeps {', '.join(FIXED)} for itself.",
            code="M603",
            cure="Give the flow's field another name.",
        )


def _fits(name: str) -> bool:
    return bool(name) and name.isprintable() and len(name.encode()) <= _COLUMN_BYTES


def _refuse_types(resource: str, declared: Layout, there: Layout) -> None:
    differing = sorted(n for n, type_ in declared.items() if n in there and there[n] != type_)
    if differing:
        raise GiveUp(
            f"{resource}: {', '.join(differing)} is of another type in the warehouse than in "
            "the settings.",
            code="M604",
            cure="Grant the field under another name; history is not rewritten.",
        )

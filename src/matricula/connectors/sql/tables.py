"""What the database says its tables are, together with what the charter says of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import NoSuchTableError

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import FieldShape, ResourceShape
from matricula.connectors.sql import queries
from matricula.connectors.sql.mapping import (
    Canonical,
    Column,
    DoesNotFit,
    as_text,
    canonical,
    column_of,
)
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, WriteKind
    from matricula.connectors.sql.settings import Resource

Identity = tuple[Canonical, ...]


@dataclass(frozen=True, slots=True)
class Mirror:
    """One resource as the database has it now.

    Attributes:
        name: In the charter.
        table: Reflected, without its references; for a query what it selects.
        columns: Every column that is used, by name.
        fields: Those the charter may name.
        key: Columns that identify a record.
        identity: Columns that make up `_id`; the key, or the one `external_id` names.
        scope: Values that every record of the resource has.
        suspended: The column that says so, and the value; None where it cannot be said.
        resumed: The value that takes it back.
        constraints: Name of a constraint to the columns it is about.
        is_view: Read-only.
        is_unique: The database itself keeps two records from one identity.
    """

    name: str
    table: sa.FromClause
    columns: Mapping[str, Column]
    fields: tuple[str, ...]
    key: tuple[str, ...]
    identity: tuple[str, ...]
    scope: Mapping[str, Canonical]
    suspended: tuple[str, Canonical] | None
    resumed: Canonical
    constraints: Mapping[str, tuple[str, ...]]
    is_view: bool
    is_unique: bool = False

    @property
    def writes(self) -> frozenset[WriteKind]:
        """List what can be done to its records."""
        if self.is_view:
            return frozenset()
        verbs: set[WriteKind] = {"create", "update", "delete"}
        return frozenset(verbs | {"suspend", "resume"} if self.suspended else verbs)

    def shape(self, lacks: Mapping[str, frozenset[WriteKind]]) -> ResourceShape:
        """Describe it in the kit's words.

        Args:
            lacks: Rights that our account lacks, each with the verbs that it is for.
        """
        columns = [self.columns[name] for name in self.fields]
        return ResourceShape(
            name=self.name,
            fields=tuple(
                FieldShape(
                    name=column.name,
                    type=column.native,
                    writable=column.writable and column.name not in self.scope,
                    required=column.required and column.name not in self.scope,
                    max_length=column.max_length,
                )
                for column in columns
            ),
            id_field=self.identity[0] if len(self.identity) == 1 else "",
            writes=self.writes.difference(*lacks.values()),
            lacks=lacks,
        )

    def external_id(self, identity: Identity) -> str:
        """Join the parts of an identity."""
        return join_key(as_text(part) for part in identity)

    def parse_id(self, external_id: str | None) -> Identity | None:
        """Take an identifier apart; None when it cannot name any record here."""
        try:
            parts = split_key(external_id or "", len(self.identity))
            return self.canonical(self.identity, parts)
        except (ValueError, DoesNotFit):
            return None

    def canonical(self, names: Sequence[str], values: Iterable[Value]) -> Identity:
        """Make canonical values for several columns.

        Raises:
            DoesNotFit: One of the columns cannot hold its value.
        """
        pairs = zip(names, values, strict=True)
        return tuple(canonical(self.columns[name], value) for name, value in pairs)


def mirror_of(
    connection: sa.Connection, name: str, resource: Resource, schema: str | None
) -> Mirror:
    """Reflect one resource.

    Raises:
        GiveUp: The table, or a column that the settings name, is not there (M602); a value
            in the settings does not fit its column (M604); the query is refused (M624).
    """
    if resource.query:
        table, is_view = queries.mirrored(connection, name, resource.query), True
        selected = queries.as_selected(resource.query, table)
    else:
        table_name = resource.table or name
        selected = table = _reflect(connection, name, table_name, schema)
        is_view = table_name in _views(connection, schema)
    dialect = connection.dialect.name
    columns = {
        column.name: column_of(column, dialect=dialect, writable=not is_view)
        for column in table.columns
    }
    _all_there(name, resource, columns)
    suspend, hidden = resource.suspend, {resource.suspend.column} if resource.suspend else set()
    fields = resource.columns or tuple(column for column in columns if column not in hidden)
    return Mirror(
        name=name,
        table=selected,
        columns=columns,
        fields=fields,
        key=resource.key,
        identity=resource.identity,
        scope={c: _setting(name, columns[c], value) for c, value in resource.where.items()},
        suspended=(suspend.column, _setting(name, columns[suspend.column], suspend.value))
        if suspend
        else None,
        resumed=_setting(name, columns[suspend.column], suspend.resume_value) if suspend else None,
        constraints={} if resource.query else _constraints(connection, table),
        is_view=is_view,
        is_unique=not is_view and _is_unique(connection, table, resource.identity),
    )


def _is_unique(connection: sa.Connection, table: sa.Table, identity: Sequence[str]) -> bool:
    inspector, name, schema = sa.inspect(connection), table.name, table.schema
    told = [inspector.get_pk_constraint(name, schema)["constrained_columns"]]
    told += [u["column_names"] for u in inspector.get_unique_constraints(name, schema)]
    return any(columns and set(columns) <= set(identity) for columns in told)


def _reflect(connection: sa.Connection, name: str, table: str, schema: str | None) -> sa.Table:
    try:
        return sa.Table(
            table, sa.MetaData(), schema=schema, autoload_with=connection, resolve_fks=False
        )
    except NoSuchTableError as error:
        raise GiveUp(
            f"{name}: the database has no table or view {table}.",
            code="M602",
            cure="Correct `table:` or `schema:`, or grant the account the right to see it.",
        ) from error


def _constraints(connection: sa.Connection, table: sa.Table) -> dict[str, tuple[str, ...]]:
    inspector, name, schema = sa.inspect(connection), table.name, table.schema
    found: dict[str, tuple[str, ...]] = {}
    primary = inspector.get_pk_constraint(name, schema)
    for one in (primary, *inspector.get_foreign_keys(name, schema)):
        found[str(one["name"])] = tuple(one["constrained_columns"])
    for unique in inspector.get_unique_constraints(name, schema):
        found[str(unique["name"])] = tuple(unique["column_names"])
    for index in inspector.get_indexes(name, schema):
        found[str(index["name"])] = tuple(c for c in index["column_names"] if c)
    for check in inspector.get_check_constraints(name, schema):
        # Its columns are only named in its text.
        words = set(re.findall(r"\w+", check["sqltext"]))
        found[str(check["name"])] = tuple(c.name for c in table.columns if c.name in words)
    return found


def _views(connection: sa.Connection, schema: str | None) -> set[str]:
    inspector = sa.inspect(connection)
    views = set(inspector.get_view_names(schema))
    if connection.dialect.name == "postgresql":
        views |= set(inspector.get_materialized_view_names(schema))
    return views


def _all_there(name: str, resource: Resource, columns: Mapping[str, Column]) -> None:
    named = {*resource.key, *(resource.columns or ()), *resource.where}
    named |= {resource.suspend.column} if resource.suspend else set()
    named |= {resource.external_id} if resource.external_id else set()
    named |= {resource.changed_by.column} if resource.changed_by else set()
    missing = sorted(named - set(columns))
    if missing:
        raise GiveUp(
            f"{name}: the {'query' if resource.query else 'table'} has no column "
            f"{', '.join(missing)}.",
            code="M602",
            cure="Correct the resource's settings, or ask the system's office what was renamed.",
        )


def _setting(name: str, column: Column, value: Value) -> Canonical:
    try:
        return canonical(column, value)
    except DoesNotFit as error:
        raise GiveUp(
            f"{name}.{column.name}: the value in the settings does not fit: {error}.",
            code="M604",
            cure="Correct `where:` or `suspend:`.",
        ) from error

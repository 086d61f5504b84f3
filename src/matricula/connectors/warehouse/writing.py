"""Write a batch: look the records up, decide, close and open versions, all in one transaction."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.warehouse import statements
from matricula.connectors.warehouse.history import Changes, Version, decide, key_of
from matricula.connectors.warehouse.mapping import (
    AFTER,
    BEFORE,
    CLOSED_BY,
    FIXED,
    KEY,
    SURROGATE,
    VALID_TO,
    Canonical,
    ColumnType,
    DoesNotFit,
    canonical,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    import sqlalchemy as sa

    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.warehouse.store import Session, Store
    from matricula.connectors.warehouse.tables import Tables

Rows = list[tuple[Canonical, ...]]


def write(
    store: Store, tables: Tables, resource: str, writes: Sequence[Write], *, at: datetime
) -> list[Outcome]:
    """Write a batch into a table that is there, with columns for every field.

    Raises:
        TryAgain: Nothing happened. ReadBack: the commit's answer was lost. Stop, GiveUp.
    """
    columns = tables.known(resource)
    values, changes = _fitting(resource, columns, writes)
    table = tables.table(resource, columns)
    with store.transaction(changes=resource) as session:
        latest = _latest(session, table, columns, writes)
        for one in writes:
            if one.key not in changes.refused:
                known = latest.get(key_of(one))
                decide(changes, one, values[one.key], latest=known, at=at)
        _close(session, table, changes)
        first = _open(session, table, columns, changes, at=at)
        _refer(session, tables, resource, changes, first=first)
    return [
        Outcome(one.key, error=changes.refused[one.key])
        if one.key in changes.refused
        else Outcome(one.key, key_of(one))
        for one in writes
    ]


def _fitting(
    resource: str, columns: Mapping[str, ColumnType], writes: Sequence[Write]
) -> tuple[dict[str, dict[str, Canonical]], Changes]:
    values: dict[str, dict[str, Canonical]] = {}
    changes = Changes()
    for one in writes:
        values[one.key] = {}
        for name, value in one.fields.items():
            try:
                values[one.key][name] = canonical(columns[name], value)
            except DoesNotFit as error:
                changes.refused[one.key] = SkipRow(
                    f"{resource} {one.key}: {name} is refused, because {error}.",
                    code="M604",
                    cure="Correct the value at its owner, or its type under `columns:`.",
                )
    return values, changes


def _latest(
    session: Session,
    table: sa.Table,
    columns: Mapping[str, ColumnType],
    writes: Sequence[Write],
) -> dict[str, Version]:
    keys = dict.fromkeys(key_of(one) for one in writes)
    _stage(session, {KEY: FIXED[KEY]}, ((key,) for key in keys if "\x00" not in key))
    found: dict[str, Version] = {}
    for surrogate, key, *rest in session.fetch(statements.latest(table, list(columns))):
        *granted, begin, end, by = rest
        named = dict(zip(columns, granted, strict=True))
        found[str(key)] = Version(surrogate, str(key), named, begin, end, by or "")  # type: ignore[arg-type]  # as the columns are typed
    return found


def _close(session: Session, table: sa.Table, changes: Changes) -> None:
    if changes.closed:
        typed = {name: FIXED[name] for name in (SURROGATE, VALID_TO, CLOSED_BY)}
        rows = ((one.surrogate_key, one.valid_to, one.closed_by) for one in changes.closed)
        _stage(session, typed, rows)
        session.run(statements.close_staged(table))


def _open(
    session: Session,
    table: sa.Table,
    columns: Mapping[str, ColumnType],
    changes: Changes,
    *,
    at: datetime,
) -> int:
    """Append the opened versions; return the first surrogate key given."""
    ((last,),) = session.fetch(statements.last_surrogate(table))
    first = int(str(last)) + 1
    if changes.opened:
        typed = {n: FIXED[n] for n in BEFORE} | dict(columns) | {n: FIXED[n] for n in AFTER}
        rows = (
            (
                number,
                one.key,
                *(one.values.get(name) for name in columns),
                *(one.valid_from, None, True, one.change_kind, None, at),
            )
            for number, one in enumerate(changes.opened, first)
        )
        _stage(session, typed, rows)
        session.run(statements.append_staged(table, typed))
    return first


def _refer(
    session: Session, tables: Tables, resource: str, changes: Changes, *, first: int
) -> None:
    """Name versions by surrogate key: in the new rows, and in rows that waited for these."""
    references, referring = tables.references(resource), tables.referring(resource)
    if not changes.opened or not (references or referring):
        return
    own = tables.table(resource, tables.known(resource))
    if references:
        numbers = range(first, first + len(changes.opened))
        _stage(session, {SURROGATE: FIXED[SURROGATE]}, ((number,) for number in numbers))
    for column, other in references.items():
        dimension = tables.table(other, tables.known(other))
        session.run(statements.refer_by_time(own, dimension, column, staged_key=SURROGATE))
    waiting = [(name, column) for name, column in referring if tables.known(name)]
    if waiting:
        _stage(session, {KEY: FIXED[KEY]}, ((one.key,) for one in changes.opened))
    for name, column in waiting:
        fact = tables.table(name, tables.known(name))
        session.run(statements.refer_by_time(fact, own, column, staged_key=KEY))


def _stage(
    session: Session, columns: Mapping[str, ColumnType], rows: Iterable[tuple[Canonical, ...]]
) -> None:
    lists = list(zip(*rows, strict=True)) or [()] * len(columns)
    arrays = [
        pa.array(values, type_.arrow())
        for values, type_ in zip(lists, columns.values(), strict=True)
    ]
    session.stage(pa.table(dict(zip(columns, arrays, strict=True))), columns)

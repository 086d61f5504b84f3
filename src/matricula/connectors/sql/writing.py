"""Write a batch in one transaction, in which a refused record is set aside alone.

Statements are set-based; when the database refuses one, it is rolled back to a savepoint
and halved until the records at fault stand alone. Records are looked up before they are
made, so a batch sent twice makes nothing twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Literal

from sqlalchemy.exc import SQLAlchemyError

from matricula.connectors.kit.errors import ConnectorError, GiveUp, SkipRow
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.sql import reading, refusals, statements
from matricula.connectors.sql.mapping import DoesNotFit, canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    import sqlalchemy as sa

    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.sql.mapping import Canonical
    from matricula.connectors.sql.tables import Identity, Mirror

_ORDER = {"delete": 0, "update": 1, "insert": 2, "nothing": 3}


class _Miscounted(Exception):
    """A statement met fewer or more records than it was meant for."""


@dataclass(slots=True)
class Task:
    """One write on its way through the batch.

    Attributes:
        write: What is intended.
        names: The fields of the write that are to be set.
        act: The statement it takes; `nothing` when it is settled.
        values: Columns to set.
        identity: The record's own, as soon as it is known.
        error: Why it was set aside.
    """

    write: Write
    names: list[str]
    act: Literal["insert", "update", "delete", "nothing"] = "nothing"
    values: dict[str, Canonical] = field(default_factory=dict)
    identity: Identity | None = None
    error: ConnectorError | None = None

    def set_aside(self, error: ConnectorError) -> None:
        """Settle it as refused."""
        self.error, self.act = error, "nothing"


def prepared(mirror: Mirror, writes: Sequence[Write]) -> list[Task]:
    """Check names and values before anything is sent.

    Raises:
        GiveUp: A verb (M607) or a field (M603, M640) that the table does not support.
    """
    _refuse_verbs(mirror, writes)
    tasks = [Task(write, _names(write)) for write in writes]
    _refuse_fields(mirror, tasks)
    for task in tasks:
        _prepare(mirror, task)
    return tasks


def carry_out(connection: sa.Connection, mirror: Mirror, tasks: Sequence[Task]) -> None:
    """Do all that is prepared, inside the caller's transaction."""
    _find_existing(connection, mirror, tasks)
    _check_there(connection, mirror, tasks)
    todo = [task for task in tasks if task.act != "nothing"]
    _apply(connection, mirror, sorted(todo, key=lambda task: _ORDER[task.act]))
    for task in todo:
        if task.act == "update" and task.identity is not None:
            # A key that changed is the record's identifier from now on.
            named = zip(mirror.identity, task.identity, strict=True)
            task.identity = tuple(task.values.get(name, value) for name, value in named)
    _learn_identifiers(connection, mirror, [task for task in todo if task.act == "insert"])


def leave(tasks: Iterable[Task], error: ConnectorError) -> None:
    """Say of some records of a batch why they are not done, where others may be."""
    for task in tasks:
        task.set_aside(error)


def outcomes(mirror: Mirror, tasks: Sequence[Task]) -> list[Outcome]:
    """Say what became of each write, in order."""
    return [_outcome(mirror, task) for task in tasks]


def _outcome(mirror: Mirror, task: Task) -> Outcome:
    if task.error is not None:
        return Outcome(task.write.key, error=task.error)
    if task.identity is None:
        return Outcome(task.write.key, task.write.external_id)
    adopted = task.write.kind == "create" and task.act != "insert"
    return Outcome(task.write.key, mirror.external_id(task.identity), adopted=adopted)


def _refuse_verbs(mirror: Mirror, writes: Sequence[Write]) -> None:
    beyond = sorted({write.kind for write in writes} - mirror.writes)
    if beyond:
        why = "is a view" if mirror.is_view else "has no `suspend:` in its settings"
        raise GiveUp(
            f"{mirror.name}: cannot {' or '.join(beyond)}, because the resource {why}.",
            code="M607",
            cure="Change the flow's `on_exit:`, or complete the resource's settings.",
        )


def _refuse_fields(mirror: Mirror, tasks: Sequence[Task]) -> None:
    to_set = set(chain.from_iterable(task.names for task in tasks))
    matched = set(chain.from_iterable(task.write.match for task in tasks))
    unknown = sorted((to_set | matched) - set(mirror.fields))
    if unknown:
        raise GiveUp(
            f"{mirror.name}: there is no field {', '.join(unknown)}.",
            code="M603",
            cure="Correct the flow's fields, or list the column under `columns:`.",
        )
    fixed = sorted(n for n in to_set if n in mirror.scope or not mirror.columns[n].writable)
    if fixed:
        raise GiveUp(
            f"{mirror.name}: {', '.join(fixed)} cannot be written; the database makes it or "
            "the settings fix it.",
            code="M640",
            cure="Take the field out of the flow.",
        )


def _names(write: Write) -> list[str]:
    if write.kind in {"suspend", "delete"}:
        return []
    if write.kind == "create" or not write.changed:
        return list(write.fields)
    # What did not change is left alone: somebody may be deciding about a drift there.
    return [name for name in write.fields if name in write.changed]


def _prepare(mirror: Mirror, task: Task) -> None:
    write = task.write
    for name in task.names:
        try:
            task.values[name] = canonical(mirror.columns[name], write.fields[name])
        except DoesNotFit as error:
            task.set_aside(_does_not_fit(mirror, task, name, str(error)))
            return
    if mirror.suspended:
        column, value = mirror.suspended
        if write.kind == "suspend":
            task.values[column] = value
        elif write.kind in {"create", "resume"}:
            task.values.setdefault(column, mirror.resumed)
    if write.kind == "create":
        task.values |= mirror.scope
        task.act = "insert"
        return
    task.identity = mirror.parse_id(write.external_id)
    task.act = "delete" if write.kind == "delete" else "update"
    if task.identity is None:
        _not_there(mirror, task)


def _does_not_fit(mirror: Mirror, task: Task, name: str, why: str) -> SkipRow:
    return SkipRow(
        f"{mirror.name} {task.write.key}: {name} is refused, because {why}.",
        code="M604",
        cure="Correct the value at its owner, or have the column changed.",
    )


def _not_there(mirror: Mirror, task: Task) -> None:
    if task.act == "delete":
        task.act, task.identity = "nothing", None
        return
    task.set_aside(
        SkipRow(
            f"{mirror.name} {task.write.key}: the record is not in the table any more.",
            code="M605",
            cure="Nothing to do by hand: the next full run sees that it is gone.",
        )
    )


def _ambiguous(mirror: Mirror, task: Task, names: Sequence[str]) -> None:
    task.set_aside(
        SkipRow(
            f"{mirror.name} {task.write.key}: more than one record answers to {', '.join(names)}.",
            code="M606",
            cure="Have the system's office merge or correct the records.",
        )
    )


def _find_existing(connection: sa.Connection, mirror: Mirror, tasks: Sequence[Task]) -> None:
    creations = [task for task in tasks if task.act == "insert"]
    found: dict[int, set[Identity]] = {id(task): set() for task in creations}
    for names, group in _by_recognition(mirror, creations).items():
        known = _locate(connection, mirror, names, list(group))
        for wanted, (first, *twins) in group.items():
            for task in (first, *twins):
                found[id(task)].update(known.get(wanted, ()))
            # Within a batch too, the same record is not made twice.
            _all_ambiguous(mirror, twins, names)
    claimed: set[Identity] = set()
    for task in creations:
        _adopt(mirror, task, found[id(task)], claimed)


def _adopt(mirror: Mirror, task: Task, there: set[Identity], claimed: set[Identity]) -> None:
    """Turn a creation into an update of the one record that it is about, if there is one."""
    if len(there) > 1 or there & claimed:
        _all_ambiguous(mirror, [task], tuple(task.write.match) or mirror.key)
    elif there and task.act == "insert":
        (present,) = there
        try:
            task.write.must_be_free(mirror.external_id(present))
        except SkipRow as refusal:
            task.set_aside(refusal)
            return
        task.identity, task.act = present, "update"
        claimed.add(present)


def _all_ambiguous(mirror: Mirror, tasks: Sequence[Task], names: Sequence[str]) -> None:
    for task in tasks:
        _ambiguous(mirror, task, names)


def _by_recognition(
    mirror: Mirror, tasks: Sequence[Task]
) -> dict[tuple[str, ...], dict[Identity, list[Task]]]:
    groups: dict[tuple[str, ...], dict[Identity, list[Task]]] = {}
    for task in tasks:
        for names, wanted in _recognised_by(mirror, task):
            groups.setdefault(names, {}).setdefault(wanted, []).append(task)
    return groups


def _recognised_by(mirror: Mirror, task: Task) -> Iterator[tuple[tuple[str, ...], Identity]]:
    match = tuple(sorted(task.write.match))
    try:
        wanted = mirror.canonical(match, (task.write.match[name] for name in match))
    except DoesNotFit:
        # No record can hold the value, so none is found by it.
        wanted = (None,)
    # An empty value recognises nobody.
    if match and None not in wanted:
        yield match, wanted
    key = tuple(task.values.get(name) for name in mirror.key)
    if None not in key and match != tuple(sorted(mirror.key)):
        yield mirror.key, key


def _check_there(connection: sa.Connection, mirror: Mirror, tasks: Sequence[Task]) -> None:
    expected = {
        task.identity: task for task in tasks if task.act != "insert" and task.identity is not None
    }
    there = _locate(connection, mirror, mirror.identity, list(expected))
    for task in tasks:
        if task.identity is None or task.act == "nothing":
            continue
        if task.identity not in there:
            _not_there(mirror, task)
        elif len(there[task.identity]) > 1:
            _ambiguous(mirror, task, mirror.identity)


def _locate(
    connection: sa.Connection, mirror: Mirror, names: Sequence[str], wanted: Sequence[Identity]
) -> dict[Identity, list[Identity]]:
    """Find the identities of the records whose columns equal each wanted tuple."""
    dialect = connection.dialect.name
    columns = list(dict.fromkeys((*names, *mirror.identity)))
    found: dict[Identity, list[Identity]] = {}
    select = statements.select_all(mirror, dialect, names=columns)
    for some in statements.portions(wanted, dialect):
        narrowed = statements.select_among(
            select, mirror, names=names, wanted=some, dialect=dialect
        )
        for row in reading.fetch_tuples(connection, mirror, narrowed, columns):
            by_name = dict(zip(columns, row, strict=True))
            identity = tuple(by_name[name] for name in mirror.identity)
            found.setdefault(tuple(by_name[name] for name in names), []).append(identity)
    return found


def _apply(connection: sa.Connection, mirror: Mirror, tasks: Sequence[Task]) -> None:
    if not tasks:
        return
    try:
        with connection.begin_nested():
            _execute(connection, mirror, tasks)
    except _Miscounted:
        if len(tasks) == 1:
            _not_there(mirror, tasks[0])
            return
    except SQLAlchemyError as error:
        if not refusals.is_about_a_row(error):
            raise
        if len(tasks) == 1:
            tasks[0].set_aside(refusals.row_refused(mirror, tasks[0].write.key, error))
            return
    else:
        return
    middle = len(tasks) // 2
    _apply(connection, mirror, tasks[:middle])
    _apply(connection, mirror, tasks[middle:])


def _execute(connection: sa.Connection, mirror: Mirror, tasks: Sequence[Task]) -> None:
    groups: dict[tuple[str, tuple[str, ...]], list[Task]] = {}
    for task in tasks:
        groups.setdefault((task.act, tuple(task.values)), []).append(task)
    for (act, names), group in groups.items():
        if act == "insert":
            rows = [tuple(task.values.values()) for task in group]
            statements.insert(connection, mirror, names, rows)
        elif act == "delete":
            statements.delete(connection, mirror, [_known(task) for task in group])
        elif names:
            rows = [(*task.values.values(), *_known(task)) for task in group]
            count = statements.update(connection, mirror, names, rows)
            # Some drivers do not count; they say -1.
            if count not in {-1, len(rows)}:
                raise _Miscounted


def _known(task: Task) -> Identity:
    return task.identity or ()


def _learn_identifiers(
    connection: sa.Connection, mirror: Mirror, inserted: Sequence[Task]
) -> None:
    unknown: list[Task] = []
    for task in inserted:
        identity = tuple(task.values.get(name) for name in mirror.identity)
        if None in identity:
            unknown.append(task)
        else:
            task.identity = identity
    for names, group in _by_recognition(mirror, unknown).items():
        known = _locate(connection, mirror, names, list(group))
        for wanted, (task, *_) in group.items():
            task.identity = next(iter(known.get(wanted, ())), None)

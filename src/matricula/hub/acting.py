"""Carry out an act on the register with all that follows from it, or show what would follow.

The one door to the register's actions for commands, pages and other systems: the act, the
record that others read, the marks by which the hub looks there and the obligations become
true in one transaction, or none of them does. A preview does the very same and takes it back.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Generic, TypeVar

from django.db import OperationalError, connection, transaction

from matricula.accounts import queries as accounts
from matricula.accounts.rules import Acting
from matricula.engine.line import local_date
from matricula.engine.survey import spelling
from matricula.hub import consequences, marks, obligations
from matricula.kernel.errors import Refused
from matricula.kernel.keys import join_key
from matricula.sis.acts.actions import begin
from matricula.sis.holds import actions as holds
from matricula.sis.received import queries as received
from matricula.sis.record import actions as record

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from matricula.charter.model import Charter
    from matricula.hub.desk import Desk
    from matricula.sis.acts.actions import Doing
    from matricula.sis.record.actions import Changed

Value = TypeVar("Value")
CONNECTOR = "register"
# Whose account does what nobody in particular does.
ACCOUNT = "matricula"
_TURN = threading.Lock()
# What PostgreSQL says when it ended an act because it and another waited for each other.
_TIES = frozenset({"40P01", "40001"})
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Followed(Generic[Value]):
    """An act that was carried out, or would be, and what follows from it.

    Attributes:
        act: Its identifier.
        value: What the action gave.
        changed: Records that say something else.
        left: What a person has to see to, in sentences.
        elsewhere: Of a preview, what would become of the copies in every connected system;
            None where it was carried out: then it is an obligation.
    """

    act: str
    value: Value
    changed: tuple[Changed, ...]
    left: tuple[str, ...]
    elsewhere: consequences.Found | None

    @property
    def is_preview(self) -> bool:
        """Whether nothing was kept."""
        return self.elsewhere is not None


class _TakenBack(Exception):
    """Ends the transaction of a preview."""


def sit_down(desk: Desk, *, role: str = "", why: str = "", approver: str = "") -> Acting:
    """Find out in which role somebody acts on the register.

    Args:
        desk: Who, and when.
        role: Which role; may be left out by who holds one only.
        why: The ground.
        approver: The account of the second person.

    Raises:
        Refused: As `accounts.queries.acting`.
    """
    today = local_date(desk.charter, desk.at)
    found = accounts.acting(desk.actor, role=role, at=desk.at, today=today)
    policy = _settings(desk.charter).get("policy", "uk")
    return replace(found, reason=why, approver=approver, policy=str(policy))


def has_register(charter: Charter) -> bool:
    """Whether one of the charter's systems is our register."""
    return any(system.connector == CONNECTOR for system in charter.systems.values())


def register_of(charter: Charter) -> str:
    """Name the system that is our register.

    Raises:
        Refused: The charter has none (M590).
    """
    for name, system in charter.systems.items():
        if system.connector == CONNECTOR:
            return name
    raise Refused(
        "M590",
        "The charter names no system with `connector: register`.",
        cure="Add one, or use the student system that you have.",
        place="systems",
    )


def _settings(charter: Charter) -> dict[str, object]:
    return dict(charter.systems[register_of(charter)].settings)


def carry_out(
    desk: Desk, acting: Acting, action: Callable[[Doing], Value], *, preview: bool = False
) -> Followed[Value]:
    """Do something, and what follows from it; or say what would follow.

    Args:
        desk: The charter and the instant.
        acting: Who does it.
        action: What is done, in a transaction; done anew where two acts were in each other's way.
        preview: Whether everything is taken back again.

    Raises:
        Refused: Whatever the action raises; then nothing was done.
    """
    heed(desk)
    return _tried(lambda: _carried_out(desk, acting, action, preview=preview))


def _tried(action: Callable[[], Value]) -> Value:
    for _ in range(_TRIES):
        try:
            return action()
        except OperationalError as error:
            if not _is_tie(error):
                raise
    return action()


def _is_tie(error: OperationalError) -> bool:
    """Whether two acts waited for each other; the database let the other one through."""
    return getattr(error.__cause__, "sqlstate", "") in _TIES


def _carried_out(
    desk: Desk, acting: Acting, action: Callable[[Doing], Value], *, preview: bool
) -> Followed[Value]:
    found: list[Followed[Value]] = []
    try:
        with _in_turn(), transaction.atomic(), begin(acting) as doing:
            doing.is_preview = preview
            # What began on a day that has come since is no consequence of this act.
            mark(desk, record.bring_to(acting.today), why="a new day")
            value = action(doing)
            # An act that began before midnight does not take the new day back.
            on = max(acting.today, record.day() or acting.today)
            changed = tuple(record.refresh(doing.touched, on=on))
            elsewhere = _elsewhere(desk, changed, doing.act) if preview else None
            found.append(Followed(doing.act, value, changed, tuple(doing.left), elsewhere))
            _end(preview)
            mark(desk, changed, why=doing.action)
            obligations.promise(doing.act, keys_of(desk.charter, changed), at=desk.at)
    except _TakenBack:
        pass
    except holds.RefusedDecision as refused:
        # Nothing was done, but that it was refused, and why, is an answer that stands.
        if not preview:
            holds.keep_refused(refused)
        raise
    return found[0]


@contextmanager
def _in_turn() -> Iterator[None]:
    """Let this process's threads act one after the other on SQLite, which has one writer.

    Its own way of waiting is by chance: among many, one may wait for ever.
    """
    with _TURN if connection.vendor == "sqlite" else nullcontext():
        yield


def _elsewhere(desk: Desk, changed: Sequence[Changed], act: str) -> consequences.Found:
    touched = {
        entity: {key: {act} for key in keys}
        for entity, keys in keys_of(desk.charter, changed).items()
    }
    return consequences.find(desk, register_of(desk.charter), touched)


def _end(preview: bool) -> None:  # noqa: FBT001 - what it asks
    if preview:
        raise _TakenBack


def mark(desk: Desk, changed: Sequence[Changed], *, why: str) -> None:
    """Have the flows look at the records that changed, in the caller's transaction."""
    for entity, keys in keys_of(desk.charter, changed).items():
        marks.mark(desk.charter, entity, sorted(keys), why=why, at=desk.at)


def keys_of(charter: Charter, changed: Sequence[Changed]) -> dict[str, set[str]]:
    """Say which records of the charter's entities are meant by what changed."""
    found: dict[str, set[str]] = {}
    for one in changed:
        for entity, columns in _spelled(charter, one.resource):
            if all(column in one.row for column in columns):
                key = join_key(str(one.row[column]) for column in columns)
                found.setdefault(entity, set()).add(key)
    return found


def _spelled(charter: Charter, resource: str) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Name the entities of which a resource of the register speaks, and how it keys them."""
    system = register_of(charter)
    for entity in charter.entities.values():
        for owner in entity.owners():
            if (owner.system, owner.resource) == (system, resource):
                yield entity.name, spelling(entity, owner)


def heed(desk: Desk) -> None:
    """Have holds follow what the library told since somebody last looked.

    Before every act, so that none is done or refused by what is no longer so; after every
    delivery, and before anything is read.
    """
    while received.is_unheeded():
        today = local_date(desk.charter, desk.at)
        mine = Acting(ACCOUNT, "system", desk.at, today, (holds.GRANT,))
        with _in_turn():
            _tried(lambda: holds.heed(mine, currency=desk.charter.currency))  # noqa: B023 - called at once


def work_out(desk: Desk) -> None:
    """Make obligations of what the acts so far have promised."""
    while obligations.work_out(desk, register_of(desk.charter)):
        continue


def catch_up(desk: Desk) -> None:
    """Bring the record to the institution's day, and work out what was promised.

    Called before anything is read, where the charter has our register: what begins or ends
    to hold on a day is no act.
    """
    if not has_register(desk.charter):
        return
    heed(desk)
    work_out(desk)
    with transaction.atomic():
        changed = record.bring_to(local_date(desk.charter, desk.at))
        mark(desk, changed, why="a new day")

"""Points of the product at which a process is killed, failed or put to sleep, from outside.

A point is a function of the product and the end of it at which something happens: before it
is called, or after it has returned. Within a transaction both are before the commit.
"""

from __future__ import annotations

import errno
import os
import signal
import sqlite3
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.protocol.steps import Step

if TYPE_CHECKING:
    from collections.abc import Callable

BEFORE, AFTER = "before", "after"
KILLED, FULL_DISK, FULL_DATABASE, ASLEEP = "killed", "full disk", "full database", "asleep"
_PLACES = {
    Step.SNAPSHOT: ("matricula.hub.snapshots", "land"),
    Step.PLAN: ("matricula.hub.planning", "_keep"),
    Step.INTEND: ("matricula.hub.ledger", "intend"),
    Step.SEND: ("matricula.hub.ledger", "send"),
    Step.CALL: ("matricula.connectors.sql.connector", "SqlConnector.write"),
    Step.SETTLE: ("matricula.hub.ledger", "settle"),
    Step.SEAL: ("matricula.hub.ledger", "append"),
    Step.FREE: ("matricula.hub.runs", "_conclude"),
    Step.PART: ("matricula.hub.settle", "_tell_apart"),
    Step.LOOK: ("matricula.connectors.sql.connector", "SqlConnector.find"),
    Step.CONCLUDE: ("matricula.hub.settle", "_audit"),
}


class Point(NamedTuple):
    """Where something happens to a process, when it comes there for the `nth` time, and what."""

    step: Step
    end: str = BEFORE
    nth: int = 1
    what: str = KILLED

    def __str__(self) -> str:
        """Name it, as the name of a test."""
        return f"{self.what} {self.end} {self.step} {self.nth}"


def strike(what: str) -> None:
    """Do to this process what happens to it."""
    if what == KILLED:
        os.kill(os.getpid(), signal.SIGKILL)
    elif what == ASLEEP:
        os.kill(os.getpid(), signal.SIGSTOP)
    elif what == FULL_DISK:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    elif what == FULL_DATABASE:
        from django.db import OperationalError

        raise OperationalError from sqlite3.OperationalError("database or disk is full")


def lay(point: Point) -> None:
    """Have a point strike in this process."""
    module, name = _PLACES[point.step]
    *owners, verb = name.split(".")
    owner: Any = import_module(module)
    for inner in owners:
        owner = getattr(owner, inner)
    setattr(owner, verb, _struck(getattr(owner, verb), point))


def _struck(called: Callable[..., Any], point: Point) -> Callable[..., Any]:
    times = 0

    def wrapped(*words: Any, **named: Any) -> Any:
        nonlocal times
        times += 1
        if times == point.nth and point.end == BEFORE:
            strike(point.what)
        found = called(*words, **named)
        if times == point.nth and point.end == AFTER:
            strike(point.what)
        return found

    return wrapped

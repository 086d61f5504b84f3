"""Do the writes of a batch side by side over one connection, each step after step.

A write is a generator: it yields a request, is given the answer, and returns its outcomes.
All writes take their next step together, so that a batch of many writes with few steps each
costs as many round trips as one write. What the system has accepted stays accepted: whatever
fails after it is unknown, not undone.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
    not_begun,
)
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.ldap.messages import Answer, Request

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matricula.connectors.ldap.wire import Wire

# Away, busy, not letting us in.
_NO_TO_ALL = ("M610", "M611", "M613")

Steps = Generator[Request, Answer, list[Outcome]]


@dataclass(slots=True)
class Task:
    """Writes that are done together, by the keys of their outcomes.

    Attributes:
        keys: Of the writes.
        steps: How they are done.
        touched: The directory has accepted something of it.
        waiting: The request whose answer it waits for.
        outcomes: When it is over.
        halt: What is wrong with the whole directory, if that is what ended it.
    """

    keys: Sequence[str]
    steps: Steps
    touched: bool = False
    waiting: Request | None = None
    outcomes: list[Outcome] | None = None
    halt: ConnectorError | None = None

    def go_on(self, answer: Answer | None) -> None:
        """Take a step; None is what it begins with."""
        if answer is not None and self.waiting is not None and self.waiting.writes:
            self.touched |= answer.code == 0
        try:
            # None is what a generator is begun with.
            self.waiting = self.steps.send(answer)  # type: ignore[arg-type]
        except StopIteration as end:
            self.waiting, self.outcomes = None, end.value
        except ConnectorError as error:
            self.fail(error)

    def fail(self, error: ConnectorError) -> None:
        """End it with an error; what was accepted before makes that an unknown outcome."""
        self.steps.close()
        self.waiting = None
        said: ConnectorError = error
        if not isinstance(error, SkipRow | ReadBack):
            said = not_begun(error)
        if self.touched and not isinstance(said, ReadBack):
            said = _half_done(said)
        self.outcomes = [Outcome(key, error=said) for key in self.keys]
        is_passing = isinstance(error, TryAgain) and error.code in _NO_TO_ALL
        if is_passing or isinstance(error, Stop | GiveUp):
            self.halt = error


def run(wire: Wire, tasks: Sequence[Task]) -> dict[str, Outcome]:
    """Do all tasks.

    Returns:
        The outcomes by key.

    Raises:
        Stop, GiveUp: The directory refused, and nothing of the batch has happened.
    """
    _step(wire, tasks, _begun(tasks))
    while (halt := _halt(tasks)) is None and (moving := [one for one in tasks if one.waiting]):
        _step(wire, moving, (task.waiting for task in moving if task.waiting))
    for task in tasks:
        if task.outcomes is None:
            task.fail(not_begun(halt) if halt else _stuck())
    if isinstance(halt, Stop | GiveUp) and not any(map(_may_have_happened, tasks)):
        raise halt
    return {one.key: one for task in tasks for one in task.outcomes or ()}


def _begun(tasks: Sequence[Task]) -> Iterator[Request]:
    """Take every task's first step, one by one, as there is room for its request."""
    for task in tasks:
        task.go_on(None)
        if task.waiting is not None:
            yield task.waiting


def _step(wire: Wire, moving: Sequence[Task], requests: Iterator[Request]) -> None:
    try:
        answers = wire.ask(requests)
    except ConnectorError as error:
        for task in moving:
            if task.outcomes is None:
                task.fail(error)
        return
    waiting = [task for task in moving if task.waiting is not None]
    for task, answer in zip(waiting, answers, strict=True):
        if isinstance(answer, ConnectorError):
            task.fail(answer)
        else:
            task.go_on(answer)


def _halt(tasks: Sequence[Task]) -> ConnectorError | None:
    return next((task.halt for task in tasks if task.halt is not None), None)


def _may_have_happened(task: Task) -> bool:
    return task.touched or any(
        one.error is None or isinstance(one.error, ReadBack) for one in task.outcomes or ()
    )


def _half_done(error: ConnectorError) -> ConnectorError:
    message = f"Half of the write was done. {error.message}"
    if isinstance(error, SkipRow):
        return SkipRow(message, code=error.code, cure=error.cure)
    cure = "The entry is read back before anything else."
    return ReadBack(message, code="M612", cure=cure)


def _stuck() -> TryAgain:
    return TryAgain("The write was not begun.", code="M610", cure="It is tried again by itself.")

"""Drive plans: each by itself, or all of a batch in step, with what they ask put together.

In step, every plan is brought to its next write before anything is written; then all the
writes go out in as few requests as the server takes, and each plan is sent its own part of
the answer. Look-ups and second looks are put together in the same way.
"""

from __future__ import annotations

import threading
from functools import partial
from typing import TYPE_CHECKING

from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    not_begun,
)
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.scim import bulk
from matricula.connectors.scim.calls import Find, Get
from matricula.connectors.scim.wire import Answer, Change, names_nothing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matricula.connectors.scim.calls import Call, Place, Steps, Task
    from matricula.connectors.scim.mapping import Record


def one_by_one(place: Place, tasks: Sequence[Task], *, concurrency: int) -> list[Outcome]:
    """Do each plan from its first look to its last, a few plans at a time.

    Raises:
        Stop, GiveUp: The system refused, and nothing of the batch has happened.
    """
    place.lookup.prepare([wanted for one in tasks for wanted in one.asks])
    jobs = [batches.Job(one.keys, partial(_alone, place, one)) for one in tasks]
    return [one for outcomes in batches.run(jobs, concurrency=concurrency) for one in outcomes]


def in_step(place: Place, tasks: Sequence[Task], *, concurrency: int) -> list[Outcome]:
    """Do all plans together, their writes in bulk.

    Raises:
        Stop, GiveUp: The system refused, and nothing of the batch has happened.
    """

    def do() -> list[Outcome]:
        halt: ConnectorError | None = None
        outcomes: list[Outcome] = []
        for wave in _waves(tasks):
            together = _Wave(place, wave, concurrency, halt)
            outcomes += together.run()
            halt = together.halt
        if isinstance(halt, Stop | GiveUp) and not any(map(_touched, outcomes)):
            raise halt
        return outcomes

    keys = [key for one in tasks for key in one.keys]
    return [
        one for outcomes in batches.run([batches.Job(keys, do)], concurrency=1) for one in outcomes
    ]


def _touched(outcome: Outcome) -> bool:
    return outcome.error is None or isinstance(outcome.error, ReadBack)


def _waves(tasks: Sequence[Task]) -> list[list[Task]]:
    """Part tasks so that no two of a wave are about the same."""
    waves: list[list[Task]] = []
    depth: dict[object, int] = {}
    for one in tasks:
        level = depth.get(one.about, 0)
        depth[one.about] = level + 1
        if level == len(waves):
            waves.append([])
        waves[level].append(one)
    return waves


def _alone(place: Place, task: Task) -> list[Outcome]:
    run = _Run(task)
    while run.call is not None:
        run.follow(partial(place.perform, run.call))
    if run.error is not None:
        raise run.error
    return run.outcomes


class _Run:
    """One plan under way: the call it waits for, or how it ended."""

    def __init__(self, task: Task) -> None:
        self.task = task
        self.call: Call | None = None
        self.outcomes: list[Outcome] = []
        self.error: ConnectorError | None = None
        self.begin()

    def begin(self) -> None:
        """Begin, from the first look on; what was under way is forgotten."""
        self._steps: Steps[list[Outcome]] = self.task.begin()
        self._advance(partial(next, self._steps))

    def follow(self, do: Callable[[], object]) -> None:
        """Do the call that the plan waits for, and let the plan go on."""
        try:
            result = do()
        except ConnectorError as error:
            self.fail(error)
        else:
            self.answer(result)

    def answer(self, result: object) -> None:
        """Let the plan go on with what became of its call."""
        self._advance(partial(self._steps.send, result))

    def fail(self, error: ConnectorError) -> None:
        """Let the plan judge what the failure of its call means for its record."""
        self._advance(partial(self._steps.throw, error))

    def _advance(self, step: Callable[[], Call]) -> None:
        try:
            self.call = step()
        except StopIteration as end:
            self.call, self.outcomes = None, end.value
        except ConnectorError as error:
            self.call, self.error = None, error


class _Wave:
    """Plans that go in step, no two about the same record."""

    def __init__(
        self,
        place: Place,
        tasks: Sequence[Task],
        concurrency: int,
        halt: ConnectorError | None,
    ) -> None:
        self._place = place
        self._concurrency = concurrency
        self._lock = threading.Lock()
        self.halt = halt
        self._runs = [_Run(one) for one in tasks]

    def run(self) -> list[Outcome]:
        """Go on until every plan has ended; the outcomes, a failed plan's for all its keys."""
        while pending := [one for one in self._runs if one.call is not None]:
            reads = [one for one in pending if not isinstance(one.call, Change)]
            if self.halt is not None:
                for one in pending:
                    one.fail(self.halt)
            elif reads:
                self._read(reads)
            else:
                self._write(pending)
            for one in pending:
                self._heed(one.error)
                for outcome in one.outcomes:
                    self._heed(outcome.error)
        return [outcome for one in self._runs for outcome in _ended(one)]

    def _read(self, runs: Sequence[_Run]) -> None:
        finds = [(one, one.call) for one in runs if isinstance(one.call, Find)]
        lookup = self._place.lookup
        if finds:
            found = partial(lookup.many, [call.wanted for _, call in finds])
            self._share([one for one, _ in finds], found)
        seconds = [
            (one, one.call) for one in runs if isinstance(one.call, Get) and not one.call.whole
        ]
        if seconds:
            seen = partial(lookup.by_ids, [call.record_id for _, call in seconds])
            self._share([one for one, _ in seconds], seen)
        self._singly([one for one in runs if isinstance(one.call, Get) and one.call.whole])

    def _share(self, runs: Sequence[_Run], ask: Callable[[], Sequence[object]]) -> None:
        try:
            results = ask()
        except ConnectorError as error:
            self._heed(error)
            for one in runs:
                one.fail(error)
            return
        for one, result in zip(runs, results, strict=True):
            one.answer(result)

    def _singly(self, runs: Sequence[_Run]) -> None:
        """Do single calls a few at a time; plans themselves go on here, one after another."""
        calls = [one.call for one in runs if one.call is not None]
        results = batches.each(self._tried, calls, concurrency=self._concurrency)
        for one, result in zip(runs, results, strict=True):
            _pass_on(one, result)

    def _tried(self, call: Call) -> object:
        if self.halt is not None:
            return not_begun(self.halt)
        try:
            return self._place.perform(call)
        except ConnectorError as error:
            self._heed(error)
            return error

    def _write(self, runs: Sequence[_Run]) -> None:
        numbered = dict(enumerate(runs))
        changes = {
            number: one.call
            for number, one in numbered.items()
            if isinstance(one.call, Change) and not _names_nothing(one.call)
        }
        limits = bulk.within(self._place.endpoint, self._place.service.bulk)
        parts = list(bulk.parts(self._place.endpoint, changes, limits)) if limits else []
        fit = [one for one in parts if limits and bulk.fits(one, limits)]
        in_bulk = {number for part in fit for number in part}
        answers = batches.each(self._sent, fit, concurrency=self._concurrency)
        for part, answer in zip(fit, answers, strict=True):
            if isinstance(answer, bulk.Refused | ReadBack):
                # What was lost may have been too much for the time there was.
                smaller = isinstance(answer, ReadBack) or answer.too_large
                self._place.service.take_less_in_bulk(limits, smaller=smaller)
            self._settle(numbered, part, answer)
        self._singly([one for number, one in numbered.items() if number not in in_bulk])

    def _sent(self, part: Mapping[int, Record]) -> dict[int, bulk.Settled] | Exception:
        if self.halt is not None:
            return not_begun(self.halt)
        try:
            return bulk.send(self._place.endpoint, part)
        except ConnectorError as error:
            self._heed(error)
            return error
        except bulk.Refused as refused:
            return refused

    def _settle(
        self,
        numbered: Mapping[int, _Run],
        part: Iterable[int],
        answer: dict[int, bulk.Settled] | Exception,
    ) -> None:
        if isinstance(answer, bulk.Refused):
            for number in part:
                numbered[number].begin()
            return
        for number in part:
            one = numbered[number]
            result = answer if isinstance(answer, Exception) else answer[number]
            if isinstance(one.call, Change) and isinstance(result, Answer):
                result = self._place.noted(one.call, result)
            _pass_on(one, result)

    def _heed(self, error: ConnectorError | None) -> None:
        with self._lock:
            self.halt = self.halt or batches.halting(error)


def _names_nothing(change: Change) -> bool:
    return change.method != "POST" and names_nothing(change.record_id)


def _pass_on(run: _Run, result: object) -> None:
    if isinstance(result, ConnectorError):
        run.fail(result)
    else:
        run.answer(result)


def _ended(run: _Run) -> list[Outcome]:
    if run.error is None:
        return run.outcomes
    kept_for_itself = isinstance(run.error, SkipRow | ReadBack)
    error = run.error if kept_for_itself else not_begun(run.error)
    return [Outcome(key, error=error) for key in run.task.keys]

"""Do the writes of a batch a few at a time, and stop when the system, not a record, says no.

A refused record is its own outcome. When the server is away, busy, or lets nobody in, the
writes not yet begun are not begun: they come back as "try again".
"""

from __future__ import annotations

import threading
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TypeGuard, TypeVar

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

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Sequence

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")
# Away, busy, not letting us in.
_NO_TO_ALL = ("M610", "M611", "M613")


@dataclass(frozen=True, slots=True)
class Job:
    """Writes that are done together, by the keys of their outcomes."""

    keys: Sequence[str]
    do: Callable[[], list[Outcome]]


def each(
    ask: Callable[[Asked], Answered], questions: Sequence[Asked], *, concurrency: int
) -> list[Answered]:
    """Ask questions a few at a time; answers in the order of the questions.

    Raises:
        ConnectorError: The first that any of them raises.
    """
    if len(questions) < 2:  # noqa: PLR2004 - one needs no threads
        return [ask(one) for one in questions]
    with ThreadPoolExecutor(concurrency) as pool:
        return list(pool.map(ask, questions))


def flowing(
    ask: Callable[[Asked], Answered],
    questions: Iterable[Asked],
    *,
    concurrency: int,
    lead: int | None = None,
) -> Generator[Answered]:
    """Ask questions a few at a time; answers one by one, in the order of the questions.

    While an answer is being used the next questions are under way already.

    Args:
        ask: Asks one.
        questions: Taken as they are needed; they need not end.
        concurrency: Under way at once.
        lead: How many are asked before their turn at most; twice the concurrency if left out.

    Raises:
        ConnectorError: What any of them raises, when its turn comes.
    """
    rest = iter(questions)
    with ThreadPoolExecutor(concurrency) as pool:
        waiting = deque(pool.submit(ask, one) for one in islice(rest, lead or 2 * concurrency))
        try:
            while waiting:
                answer = waiting.popleft().result()
                waiting.extend(pool.submit(ask, one) for one in islice(rest, 1))
                yield answer
        finally:
            for one in waiting:
                one.cancel()


def run(jobs: Sequence[Job], *, concurrency: int) -> list[list[Outcome]]:
    """Do all jobs.

    Returns:
        The outcomes of each job, in the order of the jobs.

    Raises:
        Stop, GiveUp: The system refused, and nothing of the batch has happened.
    """
    batch = _Batch()
    results = each(batch.do, jobs, concurrency=concurrency)
    halt = batch.halt
    touched = any(
        outcome.error is None or isinstance(outcome.error, ReadBack)
        for outcomes in results
        for outcome in outcomes
    )
    if isinstance(halt, Stop | GiveUp) and not touched:
        raise halt
    return results


class _Batch:
    """What the threads of one batch share: why no further write should be begun."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.halt: ConnectorError | None = None

    def do(self, job: Job) -> list[Outcome]:
        """Do one job, unless the system has said no meanwhile."""
        if self.halt is not None:
            return _all(job, not_begun(self.halt))
        try:
            outcomes = job.do()
        except (SkipRow, ReadBack) as error:
            self._heed(error)
            return _all(job, error)
        except (TryAgain, Stop, GiveUp) as error:
            self._heed(error)
            return _all(job, not_begun(error))
        for outcome in outcomes:
            self._heed(outcome.error)
        return outcomes

    def _heed(self, error: ConnectorError | None) -> None:
        with self._lock:
            self.halt = self.halt or halting(error)


def halting(error: BaseException | None) -> ConnectorError | None:
    """Find in a failure, or behind it, what keeps the rest of a batch from being begun."""
    # An accepted write that could not be looked at is unknown because of what is behind it.
    while error is not None and not _is_about_the_system(error):
        error = error.__cause__
    return error


def _is_about_the_system(error: BaseException) -> TypeGuard[ConnectorError]:
    if isinstance(error, TryAgain):
        return error.code in _NO_TO_ALL
    return isinstance(error, Stop | GiveUp)


def _all(job: Job, error: ConnectorError) -> list[Outcome]:
    return [Outcome(key, error=error) for key in job.keys]

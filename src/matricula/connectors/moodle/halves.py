"""Divide what Moodle refuses as a whole until the one record is found that it is about.

Most of Moodle's functions do all or nothing, and name neither row nor field.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Protocol, TypeVar

from matricula.connectors.kit.batches import Job, run
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.moodle.refusals import AFTER_THE_EFFECT, Refused, unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from matricula.connectors.kit.errors import ConnectorError
    from matricula.connectors.kit.protocol import Write


class Intended(Protocol):
    """Anything that is done for one write."""

    @property
    def write(self) -> Write:
        """The write."""
        ...


One = TypeVar("One", bound=Intended)
Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


def settled(
    rows: Sequence[One],
    send: Callable[[Sequence[One]], list[Outcome]],
    refuse: Callable[[One, Refused], ConnectorError | None],
) -> list[Outcome]:
    """Send rows together, and those that are refused in halves, down to one by one.

    Args:
        rows: To be sent in one call.
        send: Does all of them or none, and raises `Refused` when it is none.
        refuse: Says what it means for one row that it was refused alone; None is done.

    Raises:
        ReadBack: The refusal came after the effect.
        ConnectorError: Of the kit, when nothing happened.
    """
    try:
        return send(rows)
    except Refused as refused:
        if refused.code in AFTER_THE_EFFECT:
            raise unknown(f"{refused.function}: done, and the answer is spoilt.") from refused
        if len(rows) == 1:
            return [_outcome(rows[0], refuse(rows[0], refused))]
    middle = len(rows) // 2
    jobs = [
        Job([one.write.key for one in half], partial(settled, half, send, refuse))
        for half in (rows[:middle], rows[middle:])
    ]
    # One after the other: the second is not sent where the first found Moodle away.
    return [outcome for outcomes in run(jobs, concurrency=1) for outcome in outcomes]


def _outcome(row: Intended, error: ConnectorError | None) -> Outcome:
    if error is None:
        return Outcome(row.write.key, row.write.external_id)
    return Outcome(row.write.key, error=error)


def gathered(
    questions: Sequence[Asked], ask: Callable[[Sequence[Asked]], list[Answered]]
) -> list[Answered]:
    """Ask many things together; what spoils the answer for the others is left out.

    Args:
        questions: For one call.
        ask: Raises `Refused` when one of them is refused.
    """
    if not questions:
        return []
    try:
        return ask(questions)
    except Refused as refused:
        if len(questions) == 1:
            if refused.is_gone or refused.is_checked_before:
                return []
            raise
    middle = len(questions) // 2
    return gathered(questions[:middle], ask) + gathered(questions[middle:], ask)

"""Decisions: what was answered, and everything that was looked at to answer it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.checks import Check, in_the_way

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

PASSED, REFUSED = "passed", "refused"


@dataclass(frozen=True, slots=True)
class Decision:
    """What was answered when a service was asked for.

    Attributes:
        person: For whom.
        service: What was asked for.
        about: For which term, section or registration.
        result: passed or refused.
        checks: Every check that was made.
        policy: By which policy, with its edition: `uk 1.3`.
        account: Who asked.
        act: Of which act it was part; empty where the answer ended the act.
        decided_at: When.
    """

    person: int
    service: str
    about: str
    result: str
    checks: tuple[Check, ...]
    policy: str
    account: str
    act: str
    decided_at: datetime

    @property
    def is_refused(self) -> bool:
        """Whether something was in the way."""
        return self.result == REFUSED


def decided(checks: Sequence[Check]) -> str:
    """Say what follows from checks: passed or refused."""
    return REFUSED if in_the_way(checks) else PASSED

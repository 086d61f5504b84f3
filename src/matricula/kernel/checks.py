"""A check that was made before something was done, and what it says to whoever was refused.

A guard never answers with a bare no: what is in the way, which office answers for it, what
clears it, and how to object.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

PASSED, NOTICE, WARNED, BLOCKED = "passed", "notice", "warned", "blocked"


@dataclass(frozen=True, slots=True)
class Check:
    """One check.

    Attributes:
        name: What was looked at, in one word or two: `seat`, `requisites`.
        outcome: passed, notice, warned or blocked.
        what: What was found, in a sentence. No personal value.
        office: Which office answers for it.
        clears: What clears it, in a sentence.
        appeal: How to object, in a sentence.
    """

    name: str
    outcome: str = PASSED
    what: str = ""
    office: str = ""
    clears: str = ""
    appeal: str = ""

    @property
    def is_in_the_way(self) -> bool:
        """Whether it keeps what was asked for from being done."""
        return self.outcome == BLOCKED

    def as_json(self) -> dict[str, str]:
        """Write it for the decision that is kept."""
        return asdict(self)

    def __str__(self) -> str:
        """Say it to a person."""
        return " ".join(part for part in (self.what, self.clears, self.appeal) if part)


def blocked(name: str, what: str, *, office: str, clears: str, appeal: str = "") -> Check:
    """Say what is in the way; whoever names no other way objects at the office itself."""
    return Check(name, BLOCKED, what, office, clears, appeal or f"Object in writing to {office}.")


def in_the_way(checks: Iterable[Check]) -> list[Check]:
    """List the checks that keep something from being done."""
    return [check for check in checks if check.is_in_the_way]


def must_pass(checks: Iterable[Check], *, code: str) -> None:
    """Go on only if nothing is in the way: the first is said in full, the others are counted.

    Args:
        checks: What was looked at.
        code: The code of the part's refusal.

    Raises:
        Refused: Something is in the way.
    """
    wrong = in_the_way(checks)
    if wrong:
        message, cure, office = told(wrong)
        raise Refused(code, message, cure=cure, place=office)


def told(wrong: Sequence[Check]) -> tuple[str, str, str]:
    """Say what is in the way as a refusal does: its message, its cure, and the office."""
    more = f" ({len(wrong) - 1} more)" if len(wrong) > 1 else ""
    first = wrong[0]
    return f"{first.what}{more}", f"{first.clears} {first.appeal}".strip(), first.office

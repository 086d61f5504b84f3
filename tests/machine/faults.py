"""What goes wrong with a call, by name; every kind of `reliability.md` A is one of these."""

from __future__ import annotations

from dataclasses import dataclass

from matricula.connectors.kit.errors import (
    ConnectorError,
    GiveUp,
    ReadBack,
    SkipRow,
    Stop,
    TryAgain,
    Untrusted,
)

# Nothing happened there, whatever was asked.
_BEFORE = ("away", "busy", "shut", "unsupported", "broken")
KINDS = {
    "read": (*_BEFORE, "short", "page_broken", "page_lost", "page_moved", "empty", "skips"),
    "find": ("away", "busy", "broken"),
    "describe": ("away", "broken"),
    "write": (
        *_BEFORE, "lost", "lost_midway", "half", "broken_after", "mute",
        "row_refused", "row_contended", "row_lost", "row_unsent",
    ),
}  # fmt: skip
_CURE = "Nothing to do by hand."


@dataclass(slots=True)
class Fault:
    """One thing that goes wrong: with calls of a verb, after so many, so many times."""

    verb: str
    kind: str
    after: int = 0
    times: int = 1

    def is_due(self) -> bool:
        """Count a call; tell whether it is one of those that go wrong."""
        self.after -= 1
        if self.after >= 0 or self.times <= 0:
            return False
        self.times -= 1
        return True


def away(kind: str) -> ConnectorError | None:
    """Give the error of a call of which nothing happened; None for every other kind."""
    if kind == "away":
        return TryAgain("Nobody answers.", code="M610", cure=_CURE)
    if kind == "busy":
        return TryAgain("It is too busy.", code="M611", cure=_CURE, after_seconds=900)
    if kind == "shut":
        return Stop("It does not let us in.", code="M613", cure="Renew the credentials.")
    if kind == "unsupported":
        return GiveUp("It cannot do this.", code="M607", cure="Change the flow.")
    return None


def error_of(kind: str) -> ConnectorError:
    """Give the error of a call, or a row, of which something may have happened."""
    if kind in {"lost", "lost_midway", "row_lost", "row_unsent"}:
        return ReadBack("The answer was lost.", code="M612", cure=_CURE)
    if kind == "row_refused":
        return SkipRow("It refuses the record.", code="M604", cure="Correct the value.")
    if kind == "row_contended":
        return TryAgain("Somebody else changes the record.", code="M633", cure=_CURE)
    code = {"page_lost": "M441", "page_moved": "M440"}[kind]
    return Untrusted("The listing was cut short.", code=code, cure="Read it again.")

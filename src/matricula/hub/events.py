"""What a worker tells of its work: what happened, in counts and codes, never in values.

No key and no value of a record stands in an event, for logs go to many places and stay there.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from django.db import DatabaseError, OperationalError

from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.charter.model import Charter
    from matricula.hub.runs import Done

_UNUSABLE = "M806"
_UNFORESEEN = "M899"


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        event: Its word: run, delivered, held, failed, letters or webhooks.
        sentence: It in words, for a person; empty where a person need not know.
        run: In which run.
        kind: Of the run: full or changed.
        flow: Which flow.
        system: Its target's system.
        counts: How many of what.
        code: Why.
        seconds: How long it took.
    """

    event: str
    sentence: str = ""
    run: str = ""
    kind: str = ""
    flow: str = ""
    system: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)
    code: str = ""
    seconds: float | None = None

    def __str__(self) -> str:
        """Say it to a person."""
        return self.sentence

    def as_json(self) -> dict[str, object]:
        """Write it for a log: what it says nothing of is left out, and so is the sentence."""
        told: dict[str, object] = {
            "event": self.event, "run": self.run, "kind": self.kind, "flow": self.flow,
            "system": self.system, "counts": dict(self.counts), "code": self.code,
        }  # fmt: skip
        found = {name: value for name, value in told.items() if value}
        if self.seconds is not None:
            found["seconds"] = round(self.seconds, 3)
        return found


def of_run(charter: Charter, done: Done, *, kind: str, seconds: float) -> Iterator[Event]:
    """Tell of a run, and of each flow that delivered something or that something holds."""
    for part in done.plan.flows:
        system = charter.flows[part.flow].target.system
        for code in dict.fromkeys(reason.code for reason in part.reasons):
            yield Event("held", run=done.run, kind=kind, flow=part.flow, system=system, code=code)
    told = []
    for delivered in done.delivered:
        counts = {word: n for word, n in delivered.counts.items() if n}
        told.append(" ".join([delivered.flow, *(f"{n} {word}" for word, n in counts.items())]))
        yield Event(
            "delivered", run=done.run, kind=kind, flow=delivered.flow,
            system=charter.flows[delivered.flow].target.system, counts=counts,
        )  # fmt: skip
    sentence = f"{done.run} ({kind}): {', '.join(told)}" if told else ""
    yield Event("run", sentence, run=done.run, kind=kind, seconds=seconds)


def failed(error: Exception) -> Event:
    """Tell of a failure: in full where we know its words, otherwise by its name alone."""
    if isinstance(error, MatriculaError):
        return Event("failed", str(error), code=error.code)
    if isinstance(error, OperationalError):
        # The first line alone: what follows are hints of the driver.
        said = next(iter(str(error).splitlines()), type(error).__name__)
        return Event("failed", f"The database cannot be used: {said}", code=_UNUSABLE)
    if isinstance(error, DatabaseError):
        return Event("failed", f"The database failed: {type(error).__name__}.", code=_UNUSABLE)
    # Its name alone: what else it says may hold values.
    sentence = f"This round failed: {type(error).__name__}. The next begins afresh."
    return Event("failed", sentence, code=_UNFORESEEN)

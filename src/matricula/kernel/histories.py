"""Histories: events that are never changed, of which some were taken back by later ones.

What stands of a history, in the order of the days from which it counts, is a walk from
state to state by a table of transitions. Nothing here knows which states there are.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar

from matricula.kernel.checks import Check, blocked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

# The action of an event that only takes another back.
REVERSE = "reverse"
# The state of what has no history yet.
NOT_YET = ""


class Dated(Protocol):
    """An event: what is asked of it to stand in a history.

    `number` counts upwards in the order in which events were recorded; `supersedes` is the
    number of the event that it takes back or replaces.
    """

    @property
    def number(self) -> int: ...  # noqa: D102 - said above
    @property
    def action(self) -> str: ...  # noqa: D102
    @property
    def effective_on(self) -> date: ...  # noqa: D102
    @property
    def recorded_at(self) -> datetime: ...  # noqa: D102
    @property
    def supersedes(self) -> int | None: ...  # noqa: D102


class Move(Protocol):
    """What an action does: from which states, to which."""

    @property
    def sources(self) -> frozenset[str]: ...  # noqa: D102
    @property
    def target(self) -> str: ...  # noqa: D102


Happened = TypeVar("Happened", bound=Dated)


@dataclass(frozen=True, slots=True)
class Story:
    """Of what a history tells, for whoever is refused.

    Attributes:
        subject: A word for it: `registration`.
        office: Which office answers for it.
    """

    subject: str
    office: str


@dataclass(frozen=True, slots=True)
class Step(Generic[Happened]):
    """One event that stands, with the states before and after it."""

    event: Happened
    before: str
    after: str


def known(events: Iterable[Happened], at: datetime | None) -> list[Happened]:
    """Keep the events that were recorded by an instant; all of them when it is None."""
    return [event for event in events if at is None or event.recorded_at <= at]


def standing_events(events: Sequence[Happened]) -> list[Happened]:
    """Keep the events that nothing took back, in the order of the days from which they count.

    What took an event back may itself have been taken back: then the event stands again.
    """
    void: set[int] = set()
    for event in sorted(events, key=lambda one: -one.number):
        if event.number not in void and event.supersedes is not None:
            void.add(event.supersedes)
    kept = [e for e in events if e.number not in void and e.action != REVERSE]
    return sorted(kept, key=lambda one: (one.effective_on, one.number))


def last_word(events: Iterable[Happened], number: int) -> int | None:
    """Find what is to be taken back so that an event counts no more; None if it counts no more.

    An event is superseded once. Where what took it back was itself taken back, that last one
    is what lets it count.
    """
    by = {one.supersedes: one.number for one in events if one.supersedes is not None}
    counts = True
    while number in by:
        number, counts = by[number], not counts
    return number if counts else None


def walk(
    events: Sequence[Happened], moves: Mapping[str, Move]
) -> tuple[list[Step[Happened]], Happened | None]:
    """Follow what stands from state to state.

    Args:
        events: The history.
        moves: What each action does.

    Returns:
        The steps, and the first event that is not legal where it stands, or None.
    """
    return follow(standing_events(events), moves)


def follow(
    stands: Iterable[Happened], moves: Mapping[str, Move]
) -> tuple[list[Step[Happened]], Happened | None]:
    """Follow what stands, already in its order, as `walk` does."""
    state = NOT_YET
    steps: list[Step[Happened]] = []
    for event in stands:
        move = moves[event.action]
        if state not in move.sources:
            return steps, event
        steps.append(Step(event, state, move.target))
        state = move.target
    return steps, None


def misfits(
    walked: tuple[Sequence[Step[Happened]], Happened | None],
    new: Happened,
    moves: Mapping[str, Move],
    story: Story,
) -> list[Check]:
    """Say why a history does not allow an event; nothing where it does.

    Args:
        walked: What `walk` gave for the history with the event in it.
        new: The event.
        moves: What each action does.
        story: Of what the history tells.
    """
    steps, wrong = walked
    if wrong is None:
        return []
    was = (steps[-1].after if steps else NOT_YET) or "not there yet"
    if wrong is new:
        asked = " or ".join(sorted(moves[new.action].sources)) or "nothing before it"
        what = f"On {new.effective_on} the {story.subject} is {was}."
        clears = (
            f"To {new.action} asks for: {asked}. Choose another day, or record first what is "
            "missing."
        )
    else:
        what = (
            f"It would then be {was} when, on {wrong.effective_on}, it is recorded to "
            f"{wrong.action}."
        )
        clears = "Reverse the later event first, or choose a day after it."
    return [blocked("history", what, office=story.office, clears=clears)]

"""What may happen to a hold: it is its history, and the day.

A hold is active, may be disputed and settled, and in the end is released. That it expired is
no event: its last day is over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel import histories
from matricula.kernel.checks import Check, blocked
from matricula.kernel.histories import NOT_YET, REVERSE, known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

ACTIVE, DISPUTED, RELEASED, EXPIRED = "active", "disputed", "released", "expired"
# A system told of it that it is settled, or tells of the student no more.
TOLD_SO = SETTLED, UNTOLD = "settled there", "told no more"
# Or the office that holds says why.
BY_HAND = (
    "paid", "returned", "handed in", "met", "waived", "case closed", "dispute", "error",
)  # fmt: skip
# It counts against services.
STANDS = frozenset({ACTIVE, DISPUTED})


@dataclass(frozen=True, slots=True)
class Transition:
    """What an action does, and for which reasons it may be done; none are asked for if empty."""

    sources: frozenset[str]
    target: str
    reasons: tuple[str, ...] = ()


TRANSITIONS: Mapping[str, Transition] = {
    "place": Transition(frozenset({NOT_YET}), ACTIVE),
    "dispute": Transition(
        frozenset({ACTIVE}), DISPUTED,
        ("not owed", "amount", "done already", "not mine", "unfair"),
    ),
    "settle": Transition(frozenset({DISPUTED}), ACTIVE, ("upheld", "no answer", "withdrawn")),
    "release": Transition(
        frozenset({ACTIVE, DISPUTED}), RELEASED,
        (*BY_HAND, *TOLD_SO),
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a hold.

    Attributes:
        number: Counts upwards in the order in which events were recorded.
        action: One of `TRANSITIONS`, or `REVERSE`.
        effective_on: From which day it counts.
        recorded_at: When we came to know of it.
        reason: From the list of its action.
        supersedes: The number of the event that it takes back.
    """

    number: int
    action: str
    effective_on: date
    recorded_at: datetime
    reason: str = ""
    supersedes: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a hold is on a day.

    Attributes:
        state: active, disputed, released or expired; empty before it was placed, or where the
            placing was taken back.
        since: From which day.
        reason: Why.
    """

    state: str
    since: date | None = None
    reason: str = ""


def state_on(
    events: Sequence[Event],
    on: date,
    *,
    expires_on: date | None = None,
    known_at: datetime | None = None,
) -> Standing:
    """Say what a hold is on a day, as it is known now or was known at an instant.

    Args:
        events: Its history.
        on: The day.
        expires_on: The last day on which it may stand.
        known_at: The instant; now if None.
    """
    found = Standing(NOT_YET)
    for step in histories.walk(known(events, known_at), TRANSITIONS)[0]:
        if step.event.effective_on > on:
            break
        found = Standing(step.after, step.event.effective_on, step.event.reason)
    if found.state in STANDS and expires_on is not None and on > expires_on:
        return Standing(EXPIRED, expires_on)
    return found


def may_happen(
    events: Sequence[Event], new: Event, *, office: str, expires_on: date | None
) -> list[Check]:
    """Say what is in the way of an event: a reason that lacks, a history that does not allow it.

    Args:
        events: The history.
        new: The event, with what it supersedes, if anything.
        office: Which office answers for the hold, in words.
        expires_on: The last day on which it may stand.
    """
    moves = {REVERSE: Transition(frozenset(), NOT_YET), **TRANSITIONS}
    if new.action not in moves:
        known_actions = ", ".join(TRANSITIONS)
        what = f"There is no action {new.action}."
        return [blocked("action", what, office=office, clears=f"Use one of {known_actions}.")]
    found = []
    reasons = moves[new.action].reasons
    if reasons and new.reason not in reasons:
        what = f"To {new.action} a hold for the reason {new.reason or '(none)'} is not known."
        clears = f"Give one of: {', '.join(one for one in reasons if one not in TOLD_SO)}."
        found.append(blocked("reason", what, office=office, clears=clears))
    if expires_on is not None and new.action != REVERSE and new.effective_on > expires_on:
        what = f"The hold expired on {expires_on}."
        clears = "Nothing is left to do; or choose a day before it."
        found.append(blocked("expiry", what, office=office, clears=clears))
    walked = histories.walk([*events, new], TRANSITIONS)
    story = histories.Story("hold", office)
    return [*found, *histories.misfits(walked, new, TRANSITIONS, story)]

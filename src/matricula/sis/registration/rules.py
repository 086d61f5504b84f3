"""What may happen to a registration: pure functions on its events.

A registration is nothing but its history. An event is never changed; one that was wrong is
superseded by a later one. What stands, in the order of the days from which it counts, must
be a legal walk from state to state, before and after whatever is put in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel import histories
from matricula.kernel.checks import Check, blocked

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

NOT_YET = ""
ADMITTED, ACTIVE, ON_LEAVE, SUSPENDED = "admitted", "active", "on leave", "suspended"
COMPLETING, COMPLETED, AWARDED, REVOKED = "completing", "completed", "awarded", "revoked"
NEVER_STARTED, LAPSED, DISMISSED = "never started", "lapsed", "dismissed"
WITHDRAWN, CHANGED, TRANSFERRED = "withdrawn", "changed", "transferred out"
# A student of the university, with or without a pause.
LIVE = frozenset({ADMITTED, ACTIVE, ON_LEAVE, SUSPENDED, COMPLETING})
# From these a new registration may continue.
LEFT = frozenset({WITHDRAWN, LAPSED, DISMISSED, NEVER_STARTED})
REVERSE = histories.REVERSE

_OFFICE = "the Registrar's Office"
_STORY = histories.Story("registration", _OFFICE)


@dataclass(frozen=True, slots=True)
class Transition:
    """What an action does and what it asks for.

    Attributes:
        sources: The states in which it may happen.
        target: The state it leads to.
        needs_reason: Whether a reason from `REASONS` must be given.
        needs_last_attended: Whether the last day of attendance must be given.
        needs_end: Whether its last day must be given.
        may_end: Whether a last day may be given.
    """

    sources: frozenset[str]
    target: str
    needs_reason: bool = False
    needs_last_attended: bool = False
    needs_end: bool = False
    may_end: bool = False


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


TRANSITIONS: Mapping[str, Transition] = {
    "admit": Transition(_from(NOT_YET), ADMITTED),
    "start": Transition(_from(ADMITTED), ACTIVE),
    "never start": Transition(_from(ADMITTED), NEVER_STARTED, needs_reason=True),
    "leave": Transition(
        _from(ACTIVE), ON_LEAVE, needs_reason=True, needs_end=True, may_end=True
    ),
    "suspend": Transition(_from(ACTIVE), SUSPENDED, needs_reason=True, may_end=True),
    "return": Transition(_from(ON_LEAVE, SUSPENDED), ACTIVE),
    "lapse": Transition(_from(ON_LEAVE), LAPSED, needs_reason=True),
    "dismiss": Transition(_from(SUSPENDED), DISMISSED, needs_reason=True),
    "withdraw": Transition(
        _from(ACTIVE, ON_LEAVE, SUSPENDED), WITHDRAWN,
        needs_reason=True, needs_last_attended=True,
    ),
    "change": Transition(_from(ACTIVE), CHANGED, needs_reason=True),
    "transfer": Transition(
        _from(ACTIVE, ON_LEAVE), TRANSFERRED, needs_reason=True, needs_last_attended=True
    ),
    "finish": Transition(_from(ACTIVE), COMPLETING),
    "complete": Transition(_from(COMPLETING), COMPLETED),
    "award": Transition(_from(COMPLETED), AWARDED),
    "revoke": Transition(_from(AWARDED), REVOKED, needs_reason=True),
}  # fmt: skip
# Whatever a registration may be, in the order of its life.
STATES: tuple[str, ...] = tuple(dict.fromkeys(one.target for one in TRANSITIONS.values()))

# Reasons, and whether only the registrar and the student may see which it was.
REASONS: Mapping[str, bool] = {
    "personal": False, "academic": False, "financial": False, "employment": False,
    "transfer": False, "programme": False, "no return": False, "no show": False,
    "disciplinary": True, "health": True, "family": True, "bereavement": True, "visa": True,
    "non-payment": True, "error": False,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a registration.

    Attributes:
        number: Counts upwards in the order in which events were recorded.
        action: One of `TRANSITIONS`, or `REVERSE`.
        effective_on: From which day it counts.
        recorded_at: When we came to know of it.
        reason: From `REASONS`.
        last_attended_on: The last day on which the student attended.
        ends_on: The last day of a leave or a suspension.
        supersedes: The number of the event that it takes back or replaces.
    """

    number: int
    action: str
    effective_on: date
    recorded_at: datetime
    reason: str = ""
    last_attended_on: date | None = None
    ends_on: date | None = None
    supersedes: int | None = None


Step = histories.Step[Event]


@dataclass(frozen=True, slots=True)
class Standing:
    """What a registration is on a day.

    Attributes:
        state: One of the states; empty before it was admitted.
        since: From which day.
        ends_on: Until when, where the leave or suspension says so.
        reason: Why.
    """

    state: str
    since: date | None = None
    ends_on: date | None = None
    reason: str = ""


def standing_events(events: Sequence[Event]) -> list[Event]:
    """Keep the events that nothing took back, in the order of the days from which they count."""
    return histories.standing_events(events)


def walk(events: Sequence[Event]) -> tuple[list[Step], Event | None]:
    """Follow what stands from state to state: the steps, and the first event that is not legal."""
    return histories.walk(events, TRANSITIONS)


def state_on(events: Sequence[Event], on: date, *, known_at: datetime | None = None) -> Standing:
    """Say what a registration is on a day, as it is known now or was known at an instant."""
    found = Standing(NOT_YET)
    for step in walk(histories.known(events, known_at))[0]:
        if step.event.effective_on > on:
            break
        event = step.event
        found = Standing(step.after, event.effective_on, event.ends_on, event.reason)
    return found


def live_stretches(events: Sequence[Event]) -> list[tuple[date, date | None]]:
    """List from which day to before which day a registration is live; None: still."""
    found: list[tuple[date, date | None]] = []
    began: date | None = None
    for step in walk(events)[0]:
        if step.after in LIVE and began is None:
            began = step.event.effective_on
        elif step.after not in LIVE and began is not None:
            found.append((began, step.event.effective_on))
            began = None
    if began is not None:
        found.append((began, None))
    return found


def overlap(
    mine: Iterable[tuple[date, date | None]], others: Iterable[tuple[date, date | None]]
) -> date | None:
    """Find the first day on which two registrations would both be live."""
    theirs = list(others)
    for begins, ends in mine:
        for other_begins, other_ends in theirs:
            later = max(begins, other_begins)
            if (ends is None or later < ends) and (other_ends is None or later < other_ends):
                return later
    return None


def checks(events: Sequence[Event], new: Event) -> list[Check]:
    """Say what is in the way of an event: what it lacks, and whether the history allows it.

    Args:
        events: The history.
        new: The event, with what it supersedes, if anything.
    """
    return [*_what_it_lacks(new), *_whether_it_fits(events, new)]


def _what_it_lacks(new: Event) -> list[Check]:
    if new.action == REVERSE:
        return []
    if new.action not in TRANSITIONS:
        known_actions = ", ".join(TRANSITIONS)
        return [_no("action", f"There is no action {new.action}.", f"Use one of {known_actions}.")]
    asked = TRANSITIONS[new.action]
    last, ends = new.last_attended_on, new.ends_on
    told = {
        f"To {new.action} needs a reason.": (
            asked.needs_reason and not new.reason, f"Give one of {', '.join(REASONS)}."),
        f"There is no reason {new.reason}.": (
            bool(new.reason) and new.reason not in REASONS,
            f"Give one of {', '.join(REASONS)}."),
        f"To {new.action} needs the last day of attendance.": (
            asked.needs_last_attended and last is None, "Give --last-attended."),
        f"The last day of attendance, {last}, is after {new.effective_on}.": (
            last is not None and last > new.effective_on,
            "Nobody attends after having left: correct one of the two days."),
        f"To {new.action} needs its last day.": (
            asked.needs_end and ends is None, "Give --until."),
        f"To {new.action} has no last day.": (
            ends is not None and not asked.may_end, "Leave --until out."),
        f"The last day, {ends}, is before {new.effective_on}.": (
            ends is not None and ends < new.effective_on, "Correct one of the two days."),
    }  # fmt: skip
    return [_no("completeness", what, cure) for what, (wrong, cure) in told.items() if wrong]


def _whether_it_fits(events: Sequence[Event], new: Event) -> list[Check]:
    if new.action != REVERSE and new.action not in TRANSITIONS:
        return []
    return histories.misfits(walk([*events, new]), new, TRANSITIONS, _STORY)


def _no(name: str, what: str, cure: str) -> Check:
    return blocked(name, what, office=_OFFICE, clears=cure)

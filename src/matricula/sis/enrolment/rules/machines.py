"""What may happen to a term registration and to an enrolment: two tables of transitions. Pure.

Both are histories: an event is never changed, and one that was wrong is superseded. Whether
an event fits is asked of the whole history, before and after the day from which it counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel import histories
from matricula.kernel.checks import Check, blocked
from matricula.sis.curriculum.rules import REASONS as SECTION_REASONS
from matricula.sis.enrolment.rules.statuses import (
    DROPPED,
    ENROLLED,
    GRADED,
    INCOMPLETE,
    OPEN,
    PENDING,
    REQUESTED,
    WAITLISTED,
    WITHDRAWN,
)
from matricula.sis.registration.rules import REASONS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence
    from datetime import date, datetime

NOT_YET = histories.NOT_YET
REVERSE = histories.REVERSE
OFFICE = "the Registrar's Office"

# Term registrations. Withdrawn is a status of both machines, and one word.
NOT_ELIGIBLE, ELIGIBLE, HELD = "not eligible", "eligible", "pending"
REGISTERED, COMPLETED, CANCELLED, ON_LEAVE = "registered", "completed", "cancelled", "on leave"


@dataclass(frozen=True, slots=True)
class Transition:
    """What an action does and what it asks for.

    Attributes:
        sources: The states in which it may happen.
        target: The state it leads to.
        needs_reason: Whether a reason from the list must be given.
        needs_grade: Whether a grade must be given.
        reasons: The list from which a reason is.
    """

    sources: frozenset[str]
    target: str
    needs_reason: bool = False
    needs_grade: bool = False
    reasons: Collection[str] = tuple(REASONS)


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


@dataclass(frozen=True, slots=True)
class Machine:
    """A kind of history: what it tells of, and what may happen.

    Attributes:
        story: Its subject, and the office that answers for it.
        moves: What each action does.
    """

    story: histories.Story
    moves: Mapping[str, Transition]


# One who dropped a section may be added to it again; one who withdrew may not.
_NOT_IN = _from(NOT_YET, REQUESTED, DROPPED)
ENROLMENTS = Machine(
    histories.Story("enrolment", OFFICE),
    {
        "request": Transition(_from(NOT_YET, DROPPED), REQUESTED),
        "enrol": Transition(_NOT_IN, ENROLLED),
        "wait": Transition(_NOT_IN | {PENDING}, WAITLISTED),
        "ask approval": Transition(_NOT_IN, PENDING),
        "approve": Transition(_from(PENDING), ENROLLED),
        "refuse": Transition(_from(PENDING), DROPPED, needs_reason=True),
        "promote": Transition(_from(WAITLISTED), WAITLISTED),
        "claim": Transition(_from(WAITLISTED), ENROLLED),
        "expire offer": Transition(_from(WAITLISTED), DROPPED),
        "drop": Transition(_from(REQUESTED, WAITLISTED, PENDING, ENROLLED), DROPPED),
        "withdraw": Transition(_from(ENROLLED, INCOMPLETE), WITHDRAWN, needs_reason=True),
        # An end was taken back when the seat had gone to somebody else.
        "lose seat": Transition(_from(ENROLLED, INCOMPLETE), WAITLISTED),
        # The university cancelled the section: nothing of it stays, whatever the day.
        "lose section": Transition(OPEN, DROPPED, needs_reason=True, reasons=SECTION_REASONS),
        "leave incomplete": Transition(_from(ENROLLED), INCOMPLETE, needs_grade=True),
        "grade": Transition(_from(ENROLLED, INCOMPLETE), GRADED, needs_grade=True),
    },
)
TERMS = Machine(
    histories.Story("term registration", OFFICE),
    {
        "find not eligible": Transition(_from(NOT_YET, ELIGIBLE), NOT_ELIGIBLE),
        "find eligible": Transition(_from(NOT_YET, NOT_ELIGIBLE), ELIGIBLE),
        "hold up": Transition(_from(ELIGIBLE), HELD),
        "register": Transition(_from(ELIGIBLE, HELD, CANCELLED), REGISTERED),
        "cancel": Transition(_from(ELIGIBLE, HELD, REGISTERED), CANCELLED, needs_reason=True),
        "withdraw": Transition(_from(REGISTERED, ON_LEAVE), WITHDRAWN, needs_reason=True),
        "leave": Transition(_from(ELIGIBLE, HELD, REGISTERED), ON_LEAVE, needs_reason=True),
        "return": Transition(_from(ON_LEAVE), REGISTERED),
        "complete": Transition(_from(REGISTERED), COMPLETED),
    },
)


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a term registration or an enrolment.

    Attributes:
        number: Counts upwards in the order in which events were recorded.
        action: One of the machine's moves, or `REVERSE`.
        effective_on: From which day it counts.
        recorded_at: When we came to know of it.
        reason: From the list of reasons.
        last_attended_on: The last day on which the student attended.
        grade: What was achieved, or what it lapses to.
        until_on: Until when an incomplete one may be completed.
        supersedes: The number of the event that it takes back or replaces.
    """

    number: int
    action: str
    effective_on: date
    recorded_at: datetime
    reason: str = ""
    last_attended_on: date | None = None
    grade: str = ""
    until_on: date | None = None
    supersedes: int | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """What a term registration or an enrolment is on a day.

    Attributes:
        state: One of the states; empty before there was anything.
        since: From which day.
        grade: What was achieved, or what it lapses to.
        until_on: Until when an incomplete one may be completed.
    """

    state: str
    since: date | None = None
    grade: str = ""
    until_on: date | None = None


def walk(
    machine: Machine, events: Sequence[Event]
) -> tuple[list[histories.Step[Event]], Event | None]:
    """Follow what stands: the steps, and the first event that is not legal where it stands."""
    return histories.walk(events, machine.moves)


def state_on(
    machine: Machine,
    events: Sequence[Event],
    on: date | None = None,
    *,
    known_at: datetime | None = None,
) -> Standing:
    """Say what it is on a day, or when all that is recorded has come about.

    Args:
        machine: What kind of history.
        events: The history.
        on: Which day; None for the end of the history.
        known_at: As it was known at an instant; None: as it is known now.
    """
    found = Standing(NOT_YET)
    for step in walk(machine, histories.known(events, known_at))[0]:
        if on is not None and step.event.effective_on > on:
            break
        event = step.event
        # An offer to who waits is no change of state.
        since = found.since if step.after == step.before else event.effective_on
        found = Standing(step.after, since, event.grade, event.until_on)
    return found


def checks(machine: Machine, events: Sequence[Event], new: Event) -> list[Check]:
    """Say what is in the way of an event: what it lacks, and whether the history allows it."""
    if new.action == REVERSE:
        return histories.misfits(walk(machine, [*events, new]), new, machine.moves, machine.story)
    move = machine.moves.get(new.action)
    if move is None:
        known = ", ".join(machine.moves)
        return [
            blocked(
                "action", f"There is no action {new.action}.", office=OFFICE,
                clears=f"Use one of {known}.",
            )
        ]  # fmt: skip
    return [
        *_what_it_lacks(move, new),
        *histories.misfits(walk(machine, [*events, new]), new, machine.moves, machine.story),
    ]


def _what_it_lacks(move: Transition, new: Event) -> list[Check]:
    reasons = f"Give one of {', '.join(move.reasons)}."
    last = new.last_attended_on
    told = {
        f"To {new.action} needs a reason.": (move.needs_reason and not new.reason, reasons),
        f"There is no reason {new.reason}.": (
            bool(new.reason) and new.reason not in move.reasons, reasons),
        f"To {new.action} needs a grade.": (move.needs_grade and not new.grade, "Give it."),
        f"The last day of attendance, {last}, is after {new.effective_on}.": (
            last is not None and last > new.effective_on,
            "Nobody attends after having left: correct one of the two days."),
    }  # fmt: skip
    return [
        blocked("completeness", what, office=OFFICE, clears=cure)
        for what, (wrong, cure) in told.items()
        if wrong
    ]

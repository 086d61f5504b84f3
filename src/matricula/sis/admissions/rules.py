"""What may happen to an application: pure functions on its events.

An application is nothing but its history. Some events move it from state to state; others, such
as a condition that was met, are notes that leave it where it is. An offer that nobody took
lapses by itself with the day after its last: no event says so, the day does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from matricula.kernel import histories
from matricula.kernel.checks import BLOCKED, WARNED, Check, blocked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date, datetime

NOT_YET = histories.NOT_YET
ENQUIRY, DRAFT, SUBMITTED, UNDER_REVIEW = "enquiry", "draft", "submitted", "under review"
OFFERED, WAITLISTED, DECLINED = "offered", "waitlisted", "declined"
ACCEPTED, MATRICULATED, DEFERRED = "accepted", "matriculated", "deferred"
LAPSED, RESCINDED, WITHDRAWN = "lapsed", "rescinded", "withdrawn"
# Nothing is decided yet, or a place is held.
OPEN = frozenset({ENQUIRY, DRAFT, SUBMITTED, UNDER_REVIEW, WAITLISTED, OFFERED, ACCEPTED})
STATES = (
    ENQUIRY, DRAFT, SUBMITTED, UNDER_REVIEW, WAITLISTED, OFFERED, DECLINED, ACCEPTED,
    MATRICULATED, DEFERRED, LAPSED, RESCINDED, WITHDRAWN,
)  # fmt: skip
REVERSE = histories.REVERSE
# What the day does; nobody records it.
EXPIRE = "expire"

OFFICE = "the Admissions Office"
_STORY = histories.Story("application", OFFICE)


@dataclass(frozen=True, slots=True)
class Transition:
    """What an action does and what it asks for.

    Attributes:
        sources: The states in which it may happen.
        target: The state it leads to.
        needs_reason: Whether a reason from `REASONS` must be given.
    """

    sources: frozenset[str]
    target: str
    needs_reason: bool = False


def _from(*states: str) -> frozenset[str]:
    return frozenset(states)


TRANSITIONS: Mapping[str, Transition] = {
    "enquire": Transition(_from(NOT_YET), ENQUIRY),
    "draft": Transition(_from(NOT_YET, ENQUIRY), DRAFT),
    "submit": Transition(_from(DRAFT), SUBMITTED),
    "review": Transition(_from(SUBMITTED), UNDER_REVIEW),
    "offer": Transition(_from(UNDER_REVIEW, WAITLISTED, OFFERED, LAPSED), OFFERED),
    "waitlist": Transition(_from(UNDER_REVIEW), WAITLISTED),
    "decline": Transition(_from(UNDER_REVIEW, WAITLISTED), DECLINED, needs_reason=True),
    "accept": Transition(_from(OFFERED), ACCEPTED),
    "carry": Transition(_from(NOT_YET), ACCEPTED),
    "matriculate": Transition(_from(ACCEPTED), MATRICULATED),
    "defer": Transition(_from(ACCEPTED), DEFERRED),
    EXPIRE: Transition(_from(OFFERED), LAPSED),
    "lapse": Transition(_from(ACCEPTED), LAPSED, needs_reason=True),
    "rescind": Transition(_from(OFFERED, ACCEPTED), RESCINDED, needs_reason=True),
    "withdraw": Transition(OPEN, WITHDRAWN, needs_reason=True),
}  # fmt: skip
# They say something and move nothing.
NOTES = frozenset({"amend", "meet", "waive", "deposit"})

REASONS = (
    "entry requirements", "no places", "incomplete", "references", "interview", "duplicate",
    "false statement", "conduct", "conditions not met", "no deposit", "no show", "programme",
    "another university", "personal", "financial", "health", "visa", "error",
)  # fmt: skip

# What an unpaid deposit does to a matriculation, by the policy that the institution chose.
DEPOSITS: Mapping[str, str] = {"uk": BLOCKED, "open": WARNED}


@dataclass(frozen=True, slots=True)
class Event:
    """One event of an application.

    Attributes:
        number: Counts upwards in the order in which events were recorded.
        action: One of `TRANSITIONS` or `NOTES`, or `REVERSE`.
        effective_on: From which day it counts.
        recorded_at: When we came to know of it.
        reason: From `REASONS`.
        supersedes: The number of the event that it takes back.
        expires_on: Of an offer, the last day on which it can be accepted.
    """

    number: int
    action: str
    effective_on: date
    recorded_at: datetime
    reason: str = ""
    supersedes: int | None = None
    expires_on: date | None = None


Step = histories.Step[Event]


@dataclass(frozen=True, slots=True)
class Standing:
    """What an application is on a day.

    Attributes:
        state: One of `STATES`; empty before there was one.
        since: From which day.
        reason: Why.
        offer: The number of the event by which the offer that counts was made or carried.
    """

    state: str
    since: date | None = None
    reason: str = ""
    offer: int | None = None


def standing(events: Sequence[Event]) -> list[Event]:
    """Keep what nothing took back, notes included, in the order of the days."""
    return histories.standing_events(events)


def walk(events: Sequence[Event]) -> tuple[list[Step], Event | None]:
    """Follow what stands from state to state, with the days on which an offer lapsed.

    Returns:
        The steps, and the first event that is not legal where it stands, or None.
    """
    moves = [one for one in standing(events) if one.action not in NOTES]
    return histories.follow(_with_lapses(moves), TRANSITIONS)


def _with_lapses(moves: Sequence[Event]) -> list[Event]:
    """Put in what the day does: an offer that was not answered in time has lapsed after it."""
    found: list[Event] = []
    for place, one in enumerate(moves):
        found.append(one)
        if one.action != "offer" or one.expires_on is None:
            continue
        later = moves[place + 1].effective_on if place + 1 < len(moves) else None
        if later is None or later > one.expires_on:
            gone_on = one.expires_on + timedelta(days=1)
            found.append(Event(one.number, EXPIRE, gone_on, one.recorded_at))
    return found


def state_on(events: Sequence[Event], on: date, *, known_at: datetime | None = None) -> Standing:
    """Say what an application is on a day, as it is known now or was known at an instant."""
    found = Standing(NOT_YET)
    for step in walk(histories.known(events, known_at))[0]:
        event = step.event
        if event.effective_on > on:
            break
        offer = event.number if event.action in {"offer", "carry"} else found.offer
        found = Standing(step.after, event.effective_on, event.reason, offer)
    return found


def checks(events: Sequence[Event], new: Event) -> list[Check]:
    """Say what is in the way of an event: what it lacks, and whether the history allows it.

    Args:
        events: The history.
        new: The event, with what it supersedes, if anything.
    """
    lacks = _what_it_lacks(new)
    if new.action in NOTES or (lacks and new.action not in TRANSITIONS):
        return lacks
    return [*lacks, *histories.misfits(walk([*events, new]), new, TRANSITIONS, _STORY)]


def _what_it_lacks(new: Event) -> list[Check]:
    if new.action in {REVERSE, *NOTES}:
        return []
    if new.action not in TRANSITIONS or new.action == EXPIRE:
        recorded = ", ".join(one for one in TRANSITIONS if one != EXPIRE)
        return [no("action", f"Nobody records to {new.action}.", f"Use one of {recorded}.")]
    asked, last = TRANSITIONS[new.action], new.expires_on
    told = {
        f"To {new.action} needs a reason.": (
            asked.needs_reason and not new.reason, f"Give one of {', '.join(REASONS)}."),
        f"There is no reason {new.reason}.": (
            bool(new.reason) and new.reason not in REASONS,
            f"Give one of {', '.join(REASONS)}."),
        "An offer needs the last day on which it can be accepted.": (
            new.action == "offer" and last is None, "Give --until."),
        f"The offer would end on {last}, before it is made on {new.effective_on}.": (
            last is not None and last < new.effective_on, "Correct one of the two days."),
    }  # fmt: skip
    return [no("completeness", what, cure) for what, (wrong, cure) in told.items() if wrong]


def no(name: str, what: str, cure: str) -> Check:
    """Say what is in the way, and that the Admissions Office answers for it."""
    return blocked(name, what, office=OFFICE, clears=cure)


def late(events: Sequence[Event], new: Event, *, today: date) -> bool:
    """Whether an answer counts from a day before its offer lapsed and is recorded after it."""
    if new.action != "accept":
        return False
    offer = state_on(events, new.effective_on).offer
    last = next((one.expires_on for one in events if one.number == offer), None)
    return last is not None and new.effective_on <= last < today


@dataclass(frozen=True, slots=True)
class Outcome:
    """A condition of an offer and what became of it.

    Attributes:
        place: Counts from 1.
        text: What is asked for.
        outcome: met or waived; empty while it is open.
        evidence: By what it was shown.
        by: The account that decided.
        on: The day from which it counts.
    """

    place: int
    text: str
    outcome: str = ""
    evidence: str = ""
    by: str = ""
    on: date | None = None


@dataclass(frozen=True, slots=True)
class Terms:
    """An offer as it stands on a day. Money in minor units.

    Attributes:
        expires_on: The last day on which it can be accepted.
        conditions: In their order.
        deposit_minor: What is to be paid before matriculation.
        paid_minor: What was.
        currency: Of both; empty where nothing is asked for.
    """

    expires_on: date
    conditions: tuple[Outcome, ...] = ()
    deposit_minor: int = 0
    paid_minor: int = 0
    currency: str = ""

    @property
    def open(self) -> list[Outcome]:
        """The conditions that are neither met nor waived."""
        return [one for one in self.conditions if not one.outcome]

    @property
    def kind(self) -> str:
        """Whether a place is promised: conditional or firm."""
        return "conditional" if self.open else "firm"

    @property
    def due_minor(self) -> int:
        """What is still to be paid."""
        return max(self.deposit_minor - self.paid_minor, 0)


def matriculation_checks(terms: Terms, *, policy: str, due: str) -> list[Check]:
    """Say what an offer still asks for before somebody becomes a student.

    Args:
        terms: The offer that was accepted.
        policy: The policy that the institution chose; one we do not know blocks.
        due: What is still to be paid, as it is written.
    """
    found = [
        no(
            "condition", f"Condition {one.place} is open: {one.text}",
            "Record that it was met, with the evidence, or waive it.",
        )
        for one in terms.open
    ]  # fmt: skip
    if terms.due_minor:
        found.append(
            Check(
                "deposit", DEPOSITS.get(policy, BLOCKED),
                f"Of the deposit {due} is not paid.", OFFICE,
                "Record the payment when it has come in.", f"Object in writing to {OFFICE}.",
            )
        )  # fmt: skip
    return found


@dataclass(frozen=True, slots=True)
class Complete:
    """What must be known before an application is handed in.

    Attributes:
        has_birth: Whether the day of birth is written down.
        has_email: Whether there is an address to answer to.
        programme: What it is for.
        closed_on: From which day nobody begins it.
        starts_on: When the term it is for begins.
    """

    has_birth: bool
    has_email: bool
    programme: str
    closed_on: date | None
    starts_on: date


def submission_checks(asked: Complete) -> list[Check]:
    """Say what an application lacks before it can be handed in."""
    closed = asked.closed_on is not None and asked.closed_on <= asked.starts_on
    told = {
        "The day of birth is not written down.": (
            not asked.has_birth, "Amend the application: --born."),
        "There is no address to answer to.": (
            not asked.has_email, "Amend the application: --email."),
        f"The programme {asked.programme} takes nobody from {asked.closed_on} on.": (
            closed, "Apply for another programme or an earlier term."),
    }  # fmt: skip
    return [no("completeness", what, cure) for what, (wrong, cure) in told.items() if wrong]

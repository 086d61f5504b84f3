"""Record what happens to enrolments and term registrations: the events, and what they lead to.

Everything that changes either goes through here, in sets: the number of statements does not
grow with the number of students.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.kernel.checks import must_pass
from matricula.kernel.keys import join_key
from matricula.sis.enrolment import queries, rules
from matricula.sis.enrolment.models import (
    Enrolment,
    EnrolmentEvent,
    TermRegistration,
    TermRegistrationEvent,
)

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing

# Of an enrolment that changes, these columns: of many that change at once they are alike.
_MOVING = ("status", "grade", "offered_until", "vacated_on", "until_on", "excepted")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be recorded of an enrolment: see `rules.Event`.

    Attributes:
        enrolment: Its row; one that is not in the database yet is made.
        action: One of the moves of `rules.ENROLMENTS`, or `REVERSE`.
        effective_on: From which day it counts.
        reason: From the list of reasons.
        last_attended_on: The last day on which the student attended.
        grade: What was achieved, or what it lapses to.
        until_on: Until when an incomplete one may be completed.
        supersedes: The event that it takes back or replaces.
        rank: The ticket drawn in the queue.
        offered_until: Until when a seat is kept.
    """

    enrolment: Enrolment
    action: str
    effective_on: date
    reason: str = ""
    last_attended_on: date | None = None
    grade: str = ""
    until_on: date | None = None
    supersedes: int | None = None
    rank: int | None = None
    offered_until: datetime | None = None


def key_of(one: Enrolment) -> str:
    """Write the key by which other systems know an enrolment."""
    return join_key((one.student_no, one.section))


def write(doing: Doing, changes: Sequence[Change]) -> list[EnrolmentEvent]:
    """Record what happens to enrolments; each history must stay legal on both sides of it.

    The sections are locked by whoever calls it, where seats change hands.

    Args:
        doing: The act.
        changes: What happens, in its order; several things to one enrolment name one object.

    Raises:
        Refused: A history does not allow it, or something is missing (M961). Nothing is kept.
    """
    history = queries.events({one.enrolment.pk for one in changes} - {None})
    # One that is new has no number yet.
    known = {id(one.enrolment): history.get(one.enrolment.pk, []) for one in changes}
    made = []
    for one in changes:
        before = one.enrolment.status
        _lead(doing, one, known[id(one.enrolment)])
        made.append(_event(doing, one, before))
        _tell(doing, one, before)
    ranked = {id(one.enrolment) for one in changes if one.rank is not None}
    _keep({id(one.enrolment): one.enrolment for one in changes}, ranked)
    EnrolmentEvent.objects.bulk_create(made)
    return made


def may_happen(
    doing: Doing, change: Change, history: Sequence[rules.Event]
) -> tuple[rules.Event, list[Check]]:
    """Take a change for the event it would be, and say what is in its way."""
    new = rules.Event(
        max((event.number for event in history), default=0) + 1, change.action,
        change.effective_on, doing.acting.at, change.reason, change.last_attended_on,
        change.grade, change.until_on, change.supersedes,
    )  # fmt: skip
    return new, rules.event_checks(rules.ENROLMENTS, history, new)


def _lead(doing: Doing, change: Change, history: list[rules.Event]) -> None:
    """Put a change into a history, and set the row to what it then leads to."""
    new, checks = may_happen(doing, change, history)
    must_pass(checks, code="M961")
    history.append(new)
    one, today = change.enrolment, doing.acting.today
    after = rules.state_on(rules.ENROLMENTS, history)
    now = rules.state_on(rules.ENROLMENTS, history, today)
    one.status = after.state
    one.grade = after.grade
    one.offered_until = change.offered_until
    one.until_on = after.until_on
    has_until_then = now.state in rules.SEATED and after.state not in rules.SEATED
    one.vacated_on = after.since if has_until_then else None
    if change.rank is not None:
        one.waitlist_rank = change.rank


def _keep(rows: Mapping[int, Enrolment], ranked: Collection[int]) -> None:
    """Make the rows that are new, and write what changed of the others."""
    new = [one for one in rows.values() if one.pk is None]
    alike: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    # The tickets that were drawn: no two of a section are alike.
    drawn = [one for name, one in rows.items() if name in ranked and one.pk is not None]
    for one in rows.values():
        if one.pk is not None:
            alike[tuple(getattr(one, name) for name in _MOVING)].append(one.pk)
    if new:
        Enrolment.objects.bulk_create(new)
    for values, numbers in alike.items():
        changed = dict(zip(_MOVING, values, strict=True))
        Enrolment.objects.filter(pk__in=numbers).update(**changed)
    if drawn:
        Enrolment.objects.bulk_update(drawn, ["waitlist_rank"], batch_size=500)


def _event(doing: Doing, change: Change, before: str) -> EnrolmentEvent:
    return EnrolmentEvent(
        enrolment=change.enrolment, action=change.action, from_status=before,
        to_status=change.enrolment.status, reason=change.reason,
        effective_on=change.effective_on, last_attended_on=change.last_attended_on,
        grade=change.grade, until_on=change.until_on, offered_until=change.offered_until,
        supersedes_id=change.supersedes, act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip


def _tell(doing: Doing, change: Change, before: str) -> None:
    one = change.enrolment
    key = key_of(one)
    doing.touch("enrolment", [key])
    after = {
        "status": one.status, "effective_on": change.effective_on.isoformat(),
        "reason": change.reason, "grade": change.grade, "let_pass": one.excepted,
        "last_attended_on": _text(change.last_attended_on),
        "offered_until": _text(change.offered_until),
    }  # fmt: skip
    told = {name: value for name, value in after.items() if value}
    doing.record("enrolment", key, change.action, before={"status": before}, after=told)


def _text(moment: date | None) -> str:
    return moment.isoformat() if moment else ""


@dataclass(frozen=True, slots=True)
class TermChange:
    """What is to be recorded of a term registration.

    Attributes:
        row: Its row, in the database.
        action: One of the moves of `rules.TERMS`, or `REVERSE`.
        on: From which day it counts; after what already counts from a later day.
        reason: From the list of reasons; kept where the action asks for one.
        supersedes: The event that it takes back.
    """

    row: TermRegistration
    action: str
    on: date
    reason: str = ""
    supersedes: int | None = None


def write_terms(doing: Doing, changes: Sequence[TermChange]) -> None:
    """Record what happens to term registrations, several things to one of them if need be.

    Args:
        doing: The act.
        changes: What happens, in its order.

    Raises:
        Refused: A history does not allow it (M961). Nothing is kept.
    """
    if not changes:
        return
    history = queries.term_events(one.row.pk for one in changes)
    made = []
    for one in changes:
        events, row = history[one.row.pk], one.row
        new = _term_event(doing, one, events)
        must_pass(rules.event_checks(rules.TERMS, events, new), code="M961")
        events.append(new)
        before, row.state = row.state, rules.state_on(rules.TERMS, events).state
        made.append(_term_row(doing, row, new, before))
    _keep_states({one.row.pk: one.row for one in changes}.values())
    TermRegistrationEvent.objects.bulk_create(made)


def _term_event(doing: Doing, one: TermChange, events: Sequence[rules.Event]) -> rules.Event:
    move = rules.TERMS.moves.get(one.action)
    asks = move is not None and move.needs_reason
    last = max((event.effective_on for event in events), default=one.on)
    return rules.Event(
        max((event.number for event in events), default=0) + 1, one.action,
        one.on if one.action == rules.REVERSE else max(one.on, last), doing.acting.at,
        one.reason if asks else "", supersedes=one.supersedes,
    )  # fmt: skip


def _term_row(
    doing: Doing, one: TermRegistration, new: rules.Event, before: str
) -> TermRegistrationEvent:
    told = {"term": one.term, "state": one.state, "reason": new.reason,
            "effective_on": new.effective_on.isoformat()}  # fmt: skip
    doing.record(
        "student", one.student_no, f"{new.action} in a term", before={"state": before},
        after={name: value for name, value in told.items() if value},
    )  # fmt: skip
    return TermRegistrationEvent(
        term_registration=one, action=new.action, from_state=before, to_state=one.state,
        reason=new.reason, effective_on=new.effective_on, supersedes_id=new.supersedes,
        act=doing.act, recorded_at=new.recorded_at,
    )  # fmt: skip


def _keep_states(rows: Iterable[TermRegistration]) -> None:
    alike: dict[str, list[int]] = defaultdict(list)
    for one in rows:
        alike[one.state].append(one.pk)
    for state, numbers in alike.items():
        TermRegistration.objects.filter(pk__in=numbers).update(state=state)

"""Take back what an act did with terms and enrolments, as far as there are seats.

Nothing is deleted: each event is superseded by one that says so. What cannot be as it was is
left for a person, in a sentence that names the section and the student by their numbers.
Histories and seats are read once and written once, however much an act did.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import in_the_way
from matricula.kernel.histories import last_word
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.curriculum.rules import CANCELLED
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions.queue import promote
from matricula.sis.enrolment.actions.writing import (
    Change,
    TermChange,
    key_of,
    may_happen,
    write,
    write_terms,
)
from matricula.sis.enrolment.models import Enrolment, TermRegistration

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.sis.acts.actions import Doing
    from matricula.sis.enrolment.models import EnrolmentEvent, TermRegistrationEvent

# An offer that somebody was given is not taken from them, nor is one that passed given again.
_STAYS = frozenset({"promote", "expire offer"})


def restore(doing: Doing, act: str) -> list[EnrolmentEvent]:
    """Take back what an act did with term registrations and enrolments.

    Whom the act took out of a section is in it again where a seat is free; who finds none
    waits in line, and that is left for a person, as is a section that is cancelled by now.
    Seats that become free are offered.

    Args:
        doing: The act that takes back.
        act: The act that is taken back.

    Returns:
        What was recorded of enrolments.

    Raises:
        Refused: Not permitted for one of the students (M903), or the history of a term
            registration does not allow it (M961).
    """
    of_terms = queries.term_events_of_act(act)
    events = standing_of(act)
    under = locked(
        {one.term_registration_id for one in of_terms}
        | {one.enrolment.term_registration_id for one in events}
    )
    _permit(doing, under.values())
    _restore_terms(doing, of_terms, under)
    return take_back(doing, events, under)


def standing_of(act: str) -> list[EnrolmentEvent]:
    """List what an act recorded of enrolments, but for the offers that it gave or took back."""
    return [one for one in queries.of_act(act) if not _stays(one)]


def _stays(event: EnrolmentEvent) -> bool:
    """Whether an event is about an offer, which an act gave or took back."""
    taken_back = event.supersedes.action if event.supersedes else ""
    return event.action in _STAYS or (event.action == rules.REVERSE and taken_back in _STAYS)


def locked(numbers: Collection[int]) -> dict[int, TermRegistration]:
    """Lock term registrations, all at once and before any section; nobody asked who may."""
    chosen = TermRegistration.objects.filter(pk__in=numbers).order_by("id")
    return {one.pk: one for one in chosen.select_for_update()}


def _permit(doing: Doing, under: Collection[TermRegistration]) -> None:
    """Ask once for each programme: no grant by which this is done reaches less than one."""
    to = "restore enrolments"
    for one in {each.programme: each for each in under}.values():
        permit(doing.acting, to, access.ALLOWED[to], access.facts_of(doing.acting, one))
    for one in under:
        doing.name(to, "student", one.student_no)


def _restore_terms(
    doing: Doing,
    events: Sequence[TermRegistrationEvent],
    under: Mapping[int, TermRegistration],
) -> None:
    history = queries.term_events({one.term_registration_id for one in events})
    changes = []
    for one in reversed(events):
        row = under[one.term_registration_id]
        superseded = last_word(history[row.pk], one.pk)
        if superseded is None:
            told = f"{queries.number_of(row)} stays {row.state or 'out'} in {row.term}:"
            doing.left.append(f"{told} to {one.action} was taken back before.")
        else:
            changes.append(TermChange(row, rules.REVERSE, one.effective_on, supersedes=superseded))
    write_terms(doing, changes)


@dataclass(slots=True)
class _Room:
    """How the seats of a section stand while an act is taken back.

    Attributes:
        free: How many nobody has and are kept for nobody; less than none where there are too few.
        last_rank: The last ticket drawn in the queue.
        is_cancelled: Whether nobody is put into it again.
    """

    free: int
    last_rank: int
    is_cancelled: bool


@dataclass(slots=True)
class _TakingBack:
    """What is known of the enrolments of an act that is taken back, and what comes of it.

    Attributes:
        doing: The act that takes back.
        rows: The enrolments.
        history: Of each, with what was taken back already.
        rooms: Of each section, how its seats stand.
        kept: The enrolments for which a seat is kept.
        changes: What is to be recorded.
    """

    doing: Doing
    rows: Mapping[int, Enrolment]
    history: Mapping[int, list[rules.Event]]
    rooms: Mapping[str, _Room]
    kept: set[int]
    changes: list[Change] = field(default_factory=list)

    def has_seat(self, number: int, *events: rules.Event) -> bool:
        """Whether a student has a seat now or in the end, also with events that are added."""
        history = [*self.history[number], *events]
        ends = rules.state_on(rules.ENROLMENTS, history).state
        now = rules.state_on(rules.ENROLMENTS, history, self.doing.acting.today).state
        return not rules.SEATED.isdisjoint({ends, now})

    def put(self, change: Change) -> None:
        """Record a change, and count the seat that it takes or frees."""
        number, room = change.enrolment.pk, self.rooms[change.enrolment.section]
        had = self.has_seat(number) or number in self.kept
        self.history[number].append(may_happen(self.doing, change, self.history[number])[0])
        # Whoever is moved is offered nothing any more.
        self.kept.discard(number)
        room.free += had - self.has_seat(number)
        room.last_rank = max(room.last_rank, change.rank or 0)
        self.changes.append(change)


def take_back(
    doing: Doing, events: Sequence[EnrolmentEvent], under: Mapping[int, TermRegistration]
) -> list[EnrolmentEvent]:
    """Take back events of enrolments, and offer the seats that become free.

    Args:
        doing: The act that takes back.
        events: What `standing_of` gave.
        under: The term registrations of all of them, `locked`.

    Returns:
        What was recorded.
    """
    capacities = lock_sections(doing, {one.enrolment.section for one in events})
    taking = _gathered(doing, {one.enrolment_id for one in events}, capacities)
    for one in taking.rows.values():
        one.term_registration = under[one.term_registration_id]
    # The last thing first: what gave a seat goes before what took one.
    for event in reversed(events):
        _take_back(taking, event)
    made = write(doing, taking.changes)
    promote(doing, capacities)
    return made


def _gathered(
    doing: Doing, numbers: Collection[int], capacities: Mapping[str, int]
) -> _TakingBack:
    """Read everything that is looked at, once; the sections are locked."""
    at, today = doing.acting.at, doing.acting.today
    rows = {one.pk: one for one in Enrolment.objects.filter(pk__in=numbers)}
    seats = queries.seats(capacities, at=at, on=today)
    sections = curriculum.sections(capacities)
    rooms = {
        code: _Room(
            capacity - seats[code].taken - seats[code].offered, seats[code].last_rank,
            sections[code].state == CANCELLED,
        )
        for code, capacity in capacities.items()
    }  # fmt: skip
    kept = {
        number
        for number, one in rows.items()
        if one.status == rules.WAITLISTED and one.offered_until and one.offered_until > at
    }
    return _TakingBack(doing, rows, queries.events(rows), rooms, kept)


def _take_back(taking: _TakingBack, event: EnrolmentEvent) -> None:
    """Take one event back, or say why not."""
    row, history = taking.rows[event.enrolment_id], taking.history[event.enrolment_id]
    status = rules.state_on(rules.ENROLMENTS, history).state
    stays = f"{key_of(row)} stays {status or 'out'}:"
    superseded = last_word(history, event.pk)
    if superseded is None:
        taking.doing.left.append(f"{stays} to {event.action} was taken back before.")
        return
    change = Change(row, rules.REVERSE, event.effective_on, supersedes=superseded)
    new, checks = may_happen(taking.doing, change, history)
    wrong = in_the_way(checks)
    if wrong:
        taking.doing.left.append(f"{stays} {wrong[0].what} {wrong[0].clears}")
        return
    room = taking.rooms[row.section]
    after = rules.state_on(rules.ENROLMENTS, [*history, new]).state
    if room.is_cancelled and status not in rules.OPEN and after in rules.OPEN:
        taking.doing.left.append(f"{stays} {row.section} is cancelled. Find another section.")
        return
    # A seat that the student still has until a day to come is theirs.
    takes_seat = taking.has_seat(row.pk, new) and not taking.has_seat(row.pk)
    if takes_seat and row.pk not in taking.kept and room.free <= 0:
        rank = room.last_rank + 1
        taking.doing.left.append(
            f"{row.section} has no free seat for {row.student_no}, who waits there at rank "
            f"{rank}: give it more seats, or find another section."
        )
        change = Change(row, "lose seat", event.effective_on, supersedes=superseded, rank=rank)
    taking.put(change)

"""Take back what an act did with terms and enrolments, as far as there are seats.

Nothing is deleted: each event is superseded by one that says so. What cannot be as it was is
left for a person, in a sentence that names the section and the student by their numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import in_the_way
from matricula.sis.curriculum.actions import lock_sections
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
from matricula.sis.enrolment.models import TermRegistration

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.sis.acts.actions import Doing
    from matricula.sis.enrolment.models import EnrolmentEvent, TermRegistrationEvent

# An offer that somebody was given is not taken from them, nor is one that passed given again.
_STAYS = frozenset({"promote", "expire offer"})


def restore(doing: Doing, act: str) -> list[EnrolmentEvent]:
    """Take back what an act did with term registrations and enrolments.

    Whom the act took out of a section is in it again where a seat is free; who finds none
    waits in line, and that is left for a person. Seats that become free are offered.

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
    events = [one for one in queries.of_act(act) if not _stays(one)]
    permitted = _permit(
        doing,
        {one.term_registration_id for one in of_terms}
        | {one.enrolment.term_registration_id for one in events},
    )
    _restore_terms(doing, of_terms, permitted)
    capacities = lock_sections(doing, {one.enrolment.section for one in events})
    made: list[EnrolmentEvent] = []
    # The last thing first: what gave a seat goes before what took one.
    for event in reversed(events):
        event.enrolment.refresh_from_db(
            fields=["status", "grade", "waitlist_rank", "offered_until", "vacated_on"]
        )
        event.enrolment.term_registration = permitted[event.enrolment.term_registration_id]
        made += _take_back(doing, event, capacities[event.enrolment.section])
    promote(doing, capacities)
    return made


def _stays(event: EnrolmentEvent) -> bool:
    """Whether an event is about an offer, which an act gave or took back."""
    taken_back = event.supersedes.action if event.supersedes else ""
    return event.action in _STAYS or (event.action == rules.REVERSE and taken_back in _STAYS)


def _restore_terms(
    doing: Doing,
    events: Sequence[TermRegistrationEvent],
    permitted: Mapping[int, TermRegistration],
) -> None:
    changes = []
    for one in reversed(events):
        row = permitted[one.term_registration_id]
        last_word = _last_word(queries.term_events([row.pk])[row.pk], one.pk)
        if last_word is None:
            told = f"{queries.number_of(row)} stays {row.state or 'out'} in {row.term}:"
            doing.left.append(f"{told} to {one.action} was taken back before.")
        else:
            changes.append(TermChange(row, rules.REVERSE, one.effective_on, supersedes=last_word))
    write_terms(doing, changes)


def _permit(doing: Doing, numbers: Collection[int]) -> dict[int, TermRegistration]:
    """Lock term registrations, all at once, and ask for each whether it may be done."""
    to = "restore enrolments"
    chosen = TermRegistration.objects.filter(pk__in=numbers).order_by("id")
    found = {one.pk: one for one in chosen.select_for_update()}
    for one in found.values():
        permit(doing.acting, to, access.ALLOWED[to], access.facts_of(doing.acting, one))
        doing.name(to, "student", one.student_no)
    return found


def _take_back(doing: Doing, event: EnrolmentEvent, capacity: int) -> list[EnrolmentEvent]:
    """Take one event back, or say why not."""
    row, key = event.enrolment, key_of(event.enrolment)
    stays = f"{key} stays {row.status or 'out'}:"
    history = queries.events([row.pk])[row.pk]
    last_word = _last_word(history, event.pk)
    if last_word is None:
        doing.left.append(f"{stays} to {event.action} was taken back before.")
        return []
    change = Change(row, rules.REVERSE, event.effective_on, supersedes=last_word)
    new, checks = may_happen(doing, change, history)
    wrong = in_the_way(checks)
    if wrong:
        doing.left.append(f"{stays} {wrong[0].what} {wrong[0].clears}")
        return []
    after = rules.state_on(rules.ENROLMENTS, [*history, new])
    takes_seat = after.state in rules.SEATED and row.status not in rules.SEATED
    seats = queries.seats([row.section], at=doing.acting.at, on=doing.acting.today)[row.section]
    # A seat that the student still has until a day to come is theirs.
    if not takes_seat or row.vacated_on is not None or seats.free(capacity):
        return write(doing, [change])
    rank = seats.last_rank + 1
    doing.left.append(
        f"{row.section} has no free seat for {row.student_no}, who waits there at rank {rank}: "
        "give it more seats, or find another section."
    )
    return write(
        doing, [Change(row, "lose seat", event.effective_on, supersedes=last_word, rank=rank)]
    )


def _last_word(history: Sequence[rules.Event], number: int) -> int | None:
    """Find what is to be taken back so that an event counts no more; None if it counts no more.

    An event is superseded once. Where what took it back was itself taken back, that last one
    is what lets it count.
    """
    by = {one.supersedes: one.number for one in history if one.supersedes is not None}
    counts = True
    while number in by:
        number, counts = by[number], not counts
    return number if counts else None

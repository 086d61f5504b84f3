"""Term registrations as other rooms may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.sis.enrolment import rules
from matricula.sis.enrolment.models import TermRegistration, TermRegistrationEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date, datetime

    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class InTerm:
    """A term registration as it is on a day.

    Attributes:
        student_no: Whose.
        person: Whose, in `people`.
        registration: Of which registration, its number in the database.
        number: The registration's own number: `00000001/1`.
        programme: Its code.
        cohort: The intake.
        term: The term's code.
        load: full or part.
        state: One of the states of `rules.TERMS`.
        since: From which day.
    """

    student_no: str
    person: int
    registration: int
    number: str
    programme: str
    cohort: str
    term: str
    load: str
    state: str
    since: date | None


def term_events(registrations: Iterable[int]) -> dict[int, list[rules.Event]]:
    """Give the events of term registrations, in the order in which they were recorded."""
    found: dict[int, list[rules.Event]] = {number: [] for number in registrations}
    rows = TermRegistrationEvent.objects.filter(term_registration__in=list(found)).order_by("id")
    for one in rows:
        found[one.term_registration_id].append(
            rules.Event(
                one.pk, one.action, one.effective_on, one.recorded_at, one.reason,
                supersedes=one.supersedes_id,
            )
        )  # fmt: skip
    return found


def term_registrations_of(
    numbers: Iterable[str], *, on: date, known_at: datetime | None = None
) -> list[InTerm]:
    """List the term registrations of students on a day, as known now or at an instant."""
    chosen = TermRegistration.objects.filter(student_no__in=list(numbers))
    return _in_terms(chosen, on, known_at)


def registered_in(
    term: str,
    *,
    on: date,
    known_at: datetime | None = None,
    states: Collection[str] = (rules.REGISTERED,),
) -> dict[str, int]:
    """Say who is registered in a term on a day: student numbers, with the persons.

    Args:
        term: Its code.
        on: The day.
        known_at: As it was known at an instant; now if None.
        states: Which states count.
    """
    held = _in_terms(TermRegistration.objects.filter(term=term), on, known_at)
    return {one.student_no: one.person for one in held if one.state in states}


def _in_terms(
    chosen: QuerySet[TermRegistration], on: date, known_at: datetime | None
) -> list[InTerm]:
    rows = list(chosen.order_by("student_no", "attempt", "term"))
    history = term_events([one.pk for one in rows])
    found = []
    for one in rows:
        standing = rules.state_on(rules.TERMS, history[one.pk], on, known_at=known_at)
        if standing.state:
            found.append(
                InTerm(
                    one.student_no, one.person, one.registration, number_of(one), one.programme,
                    one.cohort, one.term, one.load, standing.state, standing.since,
                )
            )  # fmt: skip
    return found


def number_of(one: TermRegistration) -> str:
    """Write the number of the registration: the student's and the attempt."""
    return f"{one.student_no}/{one.attempt}"


def term_events_of_act(act: str) -> list[TermRegistrationEvent]:
    """List the events of term registrations that an act recorded, the earliest first."""
    found = TermRegistrationEvent.objects.filter(act=act).select_related("term_registration")
    return list(found.order_by("id"))

"""Enrolments as other rooms may read them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from matricula.kernel import histories
from matricula.kernel.keys import join_key
from matricula.sis.enrolment import rules
from matricula.sis.enrolment.models import Enrolment, EnrolmentEvent

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import datetime
    from decimal import Decimal

    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class OnRoster:
    """A student on the roster of a section.

    Attributes:
        student_no: Whose.
        person: Whose, in `people`.
        status: One of `rules.STATUSES`.
        attempt: For the how many-th time they take the module.
    """

    student_no: str
    person: int
    status: str
    attempt: int


@dataclass(frozen=True, slots=True)
class Enrolled:
    """An enrolment as it is on a day.

    Attributes:
        student_no: Whose.
        registration: Under which registration, its number in the database.
        section: The section's code.
        module: The module's code.
        term: The term's code.
        attempt: For the how many-th time the module is taken.
        credits: What it is worth.
        basis: How it is graded.
        status: One of `rules.STATUSES`.
        since: From which day.
        grade: What was achieved, or what it lapses to.
    """

    student_no: str
    registration: int
    section: str
    module: str
    term: str
    attempt: int
    credits: Decimal
    basis: str
    status: str
    since: date | None
    grade: str

    @property
    def meaning(self) -> rules.Status:
        """How the university treats it."""
        return rules.STATUSES[self.status]


def roster(
    section: str,
    *,
    on: date,
    known_at: datetime | None = None,
    statuses: Collection[str] = rules.SEATED,
) -> list[OnRoster]:
    """List who is in a section on a day, as known now or at an instant, by student number.

    Args:
        section: Its code.
        on: The day.
        known_at: The instant; now if None.
        statuses: Which statuses are listed: those that occupy a seat, if nothing else is said.
    """
    rows = _rows(Enrolment.objects.filter(section=section))
    standing = _standings(rows, on, known_at)
    return [
        OnRoster(one.student_no, one.term_registration.person, standing[one.pk].state, one.attempt)
        for one in rows
        if standing[one.pk].state in statuses
    ]


def enrolments_of(
    student_no: str, *, on: date, known_at: datetime | None = None
) -> list[Enrolled]:
    """List the enrolments of a student on a day, whatever became of them."""
    return of_students([student_no], on=on, known_at=known_at)


def of_students(
    numbers: Iterable[str], *, on: date, known_at: datetime | None = None
) -> list[Enrolled]:
    """List the enrolments of students on a day; those that were not there yet are left out."""
    rows = _rows(Enrolment.objects.filter(student_no__in=list(numbers)))
    standing = _standings(rows, on, known_at)
    return [_enrolled(one, standing[one.pk]) for one in rows if standing[one.pk].state]


def _enrolled(one: Enrolment, standing: rules.Standing) -> Enrolled:
    under = one.term_registration
    return Enrolled(
        one.student_no, under.registration, one.section, one.module, under.term, one.attempt,
        one.credits, one.basis, standing.state, standing.since, standing.grade,
    )  # fmt: skip


def _rows(chosen: QuerySet[Enrolment]) -> list[Enrolment]:
    return list(chosen.select_related("term_registration").order_by("student_no", "id"))


def _standings(
    rows: Iterable[Enrolment], on: date, known_at: datetime | None
) -> dict[int, rules.Standing]:
    return {
        number: rules.state_on(rules.ENROLMENTS, history, on, known_at=known_at)
        for number, history in events(one.pk for one in rows).items()
    }


def events(enrolments: Iterable[int]) -> dict[int, list[rules.Event]]:
    """Give the events of enrolments, in the order in which they were recorded."""
    found: dict[int, list[rules.Event]] = {number: [] for number in enrolments}
    rows = EnrolmentEvent.objects.filter(enrolment__in=list(found)) if found else ()
    for one in sorted(rows, key=lambda row: row.pk):
        found[one.enrolment_id].append(as_event(one))
    return found


def as_event(one: EnrolmentEvent) -> rules.Event:
    """Take a row for the value that the rules speak of."""
    return rules.Event(
        one.pk, one.action, one.effective_on, one.recorded_at, one.reason,
        one.last_attended_on, one.grade, one.until_on, one.supersedes_id,
    )  # fmt: skip


def taken_by(numbers: Iterable[str]) -> dict[str, tuple[rules.Taken, ...]]:
    """Give every enrolment of students, as all that is recorded makes it; the earliest first."""
    found: dict[str, list[rules.Taken]] = {number: [] for number in numbers}
    for one in _rows(Enrolment.objects.filter(student_no__in=list(found)).exclude(status="")):
        found[one.student_no].append(as_taken(one))
    return {number: tuple(taken) for number, taken in found.items()}


def as_taken(one: Enrolment) -> rules.Taken:
    """Take a row for the value that the rules speak of."""
    return rules.Taken(
        one.section, one.module, one.term_registration.term, one.credits, one.status, one.grade
    )


def passed(student_no: str) -> dict[str, str]:
    """Give the modules that a student passed, with the grade."""
    return passed_by([student_no])[student_no]


def passed_by(numbers: Iterable[str]) -> dict[str, dict[str, str]]:
    """Give the modules that students passed, with the grades; every student has an answer."""
    return {number: rules.passed(taken) for number, taken in taken_by(numbers).items()}


def records(pairs: Collection[tuple[str, str]], on: date) -> list[dict[str, Any]]:
    """Tell of enrolments as the record keeps them, for students and sections.

    Who was in a section under two registrations is told of once: where they have a seat, or
    else of the later one.
    """
    numbers = {number for number, _ in pairs}
    sections = {section for _, section in pairs}
    rows = Enrolment.objects.filter(student_no__in=numbers, section__in=sections)
    wanted = [one for one in rows.order_by("id") if (one.student_no, one.section) in pairs]
    standing = _standings(wanted, on, None)
    best: dict[tuple[str, str], rules.Standing] = {}
    for one in wanted:
        now, key = standing[one.pk], (one.student_no, one.section)
        if now.state and (now.state in rules.SEATED or not _has_seat(best.get(key))):
            best[key] = now
    return [
        {
            "student_no": number, "section_code": section, "state": rules.TOLD_AS[now.state],
            "state_since": now.since, "final_mark": None,
            "has_access": rules.STATUSES[now.state].has_lms_access,
        }
        for (number, section), now in best.items()
    ]  # fmt: skip


def _has_seat(standing: rules.Standing | None) -> bool:
    return standing is not None and standing.state in rules.SEATED


def touched_on(first: date, last: date) -> set[str]:
    """List the enrolments of which an event begins to count on some days, both included."""
    found = EnrolmentEvent.objects.filter(effective_on__range=(first, last))
    pairs = found.values_list("enrolment__student_no", "enrolment__section").distinct()
    return {join_key(pair) for pair in pairs}


def of_act(act: str) -> list[EnrolmentEvent]:
    """List the events of enrolments that an act recorded, the earliest first."""
    found = EnrolmentEvent.objects.filter(act=act).order_by("id")
    return list(found.select_related("enrolment__term_registration", "supersedes"))


def last_attended(
    sections: Iterable[str], *, known_at: datetime | None = None
) -> dict[tuple[str, str], date]:
    """Give the last day of attendance of who left sections, by student number and section.

    Whoever has a seat, under whichever registration, has not left.
    """
    rows = _rows(Enrolment.objects.filter(section__in=list(sections)))
    history = events(one.pk for one in rows)
    found: dict[tuple[str, str], date] = {}
    here: set[tuple[str, str]] = set()
    for one in rows:
        steps, _ = rules.walk(rules.ENROLMENTS, histories.known(history[one.pk], known_at))
        key, last = (one.student_no, one.section), steps[-1] if steps else None
        if last is not None and last.after in rules.SEATED:
            here.add(key)
        elif last is not None and last.event.last_attended_on is not None:
            found[key] = max(last.event.last_attended_on, found.get(key, date.min))
    return {key: day for key, day in found.items() if key not in here}

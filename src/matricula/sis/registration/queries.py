"""Students and registrations as other rooms may read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.people import queries as people
from matricula.sis.registration import rules
from matricula.sis.registration.models import Registration, RegistrationEvent, Student

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

# The columns of an event, in the order of `rules.Event`.
_EVENT = (
    "pk", "action", "effective_on", "recorded_at", "reason", "last_attended_on", "ends_on",
    "supersedes",
)  # fmt: skip
# How many are asked for at once.
_SOME = 5_000


# A registration as it is handed from room to room; its columns are for this part alone.
Held = Registration


@dataclass(frozen=True, slots=True)
class Registered:
    """A registration as it is on a day.

    Attributes:
        id: Its own number in the database.
        number: The student's number and the attempt: `00000001/1`.
        student_no: Whose.
        person: Whose, in `people`.
        programme: Its code.
        curriculum: Its version.
        cohort: The intake.
        mode: full or part.
        predecessor: What it continues, if anything.
        expected_end_on: When they should have completed.
        standing: What it is on that day.
    """

    id: int
    number: str
    student_no: str
    person: int
    programme: str
    curriculum: str
    cohort: str
    mode: str
    predecessor: str
    expected_end_on: date | None
    standing: rules.Standing

    @property
    def is_live(self) -> bool:
        """Whether the student is one of the university's, with or without a pause."""
        return self.standing.state in rules.LIVE


def has_students() -> bool:
    """Whether anybody has ever matriculated."""
    return Student.objects.exists()


def student(number: str) -> Student:
    """Find a student by number.

    Raises:
        Refused: There is none (M911).
    """
    found = Student.objects.filter(number=number).first()
    if found is None:
        raise Refused(
            "M911", f"There is no student {number}.",
            cure="Look the number up: `matricula register person find NAME`.",
        )  # fmt: skip
    return found


def student_of(person: int) -> Student | None:
    """Find the student that a person is, if they were ever matriculated.

    Of somebody merged it is the student whose number goes on.
    """
    members = people.family([person])[person]
    held = {one.person: one for one in Student.objects.filter(person__in=members)}
    return next((held[member] for member in members if member in held), None)


def number_of(registration: Registration) -> str:
    """Write a registration's number."""
    return f"{registration.student.number}/{registration.attempt}"


def row(number: str, *, on: date) -> Registration:
    """Find a registration by its number, or by the student's where one alone is meant.

    Raises:
        Refused: There is none, or several are live (M911).
    """
    student_no, _, attempt = number.partition("/")
    held = list(
        Registration.objects.filter(student=student(student_no))
        .select_related("student", "predecessor__student").order_by("attempt")
    )  # fmt: skip
    if attempt:
        held = [one for one in held if str(one.attempt) == attempt]
    elif len(held) > 1:
        standing = standings([one.pk for one in held], on=on)
        live = [one for one in held if standing[one.pk].state in rules.LIVE]
        held = live or held[-1:]
    if len(held) != 1:
        numbers = ", ".join(number_of(one) for one in held) or "none"
        raise Refused(
            "M911", f"{number} does not say which registration is meant: {numbers}.",
            cure="Write the student's number, a stroke and the attempt.",
        )  # fmt: skip
    return held[0]


def events(registrations: Iterable[int]) -> dict[int, list[rules.Event]]:
    """Give the events of registrations, in the order in which they were recorded."""
    found: dict[int, list[rules.Event]] = {number: [] for number in registrations}
    rows = RegistrationEvent.objects.filter(registration__in=list(found)).order_by("id")
    # Columns, not rows: of a whole university there are hundreds of thousands.
    for owner, *told in rows.values_list("registration", *_EVENT):
        found[owner].append(rules.Event(*told))
    return found


def as_event(one: RegistrationEvent) -> rules.Event:
    """Take a row for the value that the rules speak of."""
    return rules.Event(
        one.pk, one.action, one.effective_on, one.recorded_at, one.reason,
        one.last_attended_on, one.ends_on, one.supersedes_id,
    )  # fmt: skip


def standings(
    registrations: Iterable[int], *, on: date, known_at: datetime | None = None
) -> Mapping[int, rules.Standing]:
    """Say what registrations are on a day, as known now or at an instant."""
    return {
        number: rules.state_on(history, on, known_at=known_at)
        for number, history in events(registrations).items()
    }


def of_students(
    numbers: Sequence[str], *, on: date, known_at: datetime | None = None
) -> list[Registered]:
    """List the registrations of students as they are on a day."""
    return _told(Registration.objects.filter(student__number__in=numbers), on, known_at)


def of_person(person: int, *, on: date, known_at: datetime | None = None) -> list[Registered]:
    """List the registrations of a person, under whichever of their numbers, as on a day."""
    return of_students(people.numbers([person])[person], on=on, known_at=known_at)


def to_continue(held: Iterable[Registered]) -> list[Registered]:
    """Keep of a student's registrations those that were left and that none continues.

    Returns:
        What was left last comes last.
    """
    there = list(held)
    continued = {one.predecessor for one in there if one.standing.state}
    dated = [
        (one.standing.since, one.id, one)
        for one in there
        if one.standing.since and one.standing.state in rules.LEFT
    ]
    return [
        one
        for *_, one in sorted(dated, key=lambda known: known[:2])
        if one.number not in continued
    ]


def of_programme(
    programme: str, *, on: date, known_at: datetime | None = None
) -> list[Registered]:
    """List the registrations for a programme as they are on a day."""
    return _told(Registration.objects.filter(programme=programme), on, known_at)


def in_states(
    states: Collection[str], *, on: date, known_at: datetime | None = None
) -> list[Registered]:
    """List the registrations that are in one of some states on a day."""
    # Whatever is in a state came there by an action that leads to it.
    leading = [name for name, one in rules.TRANSITIONS.items() if one.target in states]
    led = RegistrationEvent.objects.filter(action__in=leading).order_by()
    numbers = sorted(led.values_list("registration", flat=True).distinct())
    return [
        one
        for start in range(0, len(numbers), _SOME)
        for one in _told(
            Registration.objects.filter(pk__in=numbers[start : start + _SOME]), on, known_at
        )
        if one.standing.state in states
    ]


def _told(chosen: QuerySet[Registration], on: date, known_at: datetime | None) -> list[Registered]:
    if known_at is not None:
        chosen = chosen.filter(recorded_at__lte=known_at)
    rows = list(
        chosen.select_related("student", "predecessor__student").order_by("student", "attempt")
    )
    standing = standings([one.pk for one in rows], on=on, known_at=known_at)
    return [told(one, standing[one.pk]) for one in rows]


def told(one: Registration, standing: rules.Standing) -> Registered:
    """Take a row for the value that other rooms read."""
    before = number_of(one.predecessor) if one.predecessor else ""
    return Registered(
        one.pk, number_of(one), one.student.number, one.student.person, one.programme,
        one.curriculum, one.cohort, one.mode, before,
        one.expected_end_on, standing,
    )  # fmt: skip


def touched_on(first: date, last: date) -> set[str]:
    """List the students for whom an event begins to count on some days, both included."""
    found = RegistrationEvent.objects.filter(effective_on__range=(first, last))
    return set(found.values_list("registration__student__number", flat=True))


def of_act(act: str) -> list[RegistrationEvent]:
    """List the events that an act recorded, the earliest first."""
    found = RegistrationEvent.objects.filter(act=act).order_by("id")
    return list(found.select_related("registration__student"))


def numbers_of(persons: Iterable[int]) -> set[str]:
    """Give the numbers of the students among some persons."""
    return set(Student.objects.filter(person__in=list(persons)).values_list("number", flat=True))


def persons_of(numbers: Iterable[str]) -> dict[str, int]:
    """Say who the students are that have some numbers; a number that is nobody's is left out."""
    return dict(Student.objects.filter(number__in=list(numbers)).values_list("number", "person"))


@dataclass(frozen=True, slots=True)
class Line:
    """One event of a student's history. `stands`: whether nothing took it back since."""

    act: str
    registration: str
    action: str
    effective_on: date
    last_attended_on: date | None
    ends_on: date | None
    recorded_at: datetime
    reason: str
    stands: bool


def lines(number: str, *, known_at: datetime | None = None) -> list[Line]:
    """List all that was recorded of a student's registrations, in the order of recording."""
    rows = RegistrationEvent.objects.filter(registration__student__number=number)
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    found = list(rows.select_related("registration__student").order_by("id"))
    of: dict[int, list[rules.Event]] = {}
    for row in found:
        of.setdefault(row.registration_id, []).append(as_event(row))
    standing = {e.number for some in of.values() for e in rules.standing_events(some)}
    return [
        Line(
            one.act, number_of(one.registration), one.action, one.effective_on,
            one.last_attended_on, one.ends_on, one.recorded_at, one.reason,
            one.pk in standing,
        )
        for one in found
    ]  # fmt: skip

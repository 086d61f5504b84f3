"""What the record should say, from the parts it is made of, and how it is read.

Every function takes keys and gives rows, one dictionary of columns each, in sets.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any

from matricula.kernel.keys import split_key
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import queries as enrolment
from matricula.sis.people import queries as people
from matricula.sis.record import models, rules
from matricula.sis.registration import queries as registration
from matricula.sis.teaching import queries as taught

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import date

    from django.db.models import Model

    from matricula.sis.registration.queries import Registered

Rows = list[dict[str, Any]]


def students(numbers: Iterable[str], on: date) -> Rows:
    """Tell of students as they are on a day; who has not begun yet is nobody's business."""
    wanted = list(numbers)
    held: dict[str, list[Registered]] = defaultdict(list)
    for one in registration.of_students(wanted, on=on):
        held[one.student_no].append(one)
    persons = people.known({of[0].person for of in held.values()}, on=on)
    return [
        _student(number, of, persons[of[0].person])
        for number, of in held.items()
        if rules.counting_most(of) is not None
    ]


def _student(number: str, held: list[Registered], known: people.Known) -> dict[str, Any]:
    most = rules.counting_most(held)
    # Only asked of students of whom one counts.
    assert most is not None  # noqa: S101
    return {
        "student_no": number,
        "legal_name": f"{known.legal_given} {known.legal_family}".strip(),
        "given_name": known.given,
        "family_name": known.family,
        "display_name": f"{known.given} {known.family}".strip(),
        "email": known.email or None,
        "born_on": known.born_on,
        "status": rules.STATUSES[most.standing.state],
        "status_since": most.standing.since,
        "affiliation": rules.affiliation_of(held),
        "programme": most.programme,
        "intake": most.cohort,
        "is_restricted": known.is_restricted,
    }


def registrations(numbers: Iterable[str], on: date) -> Rows:
    """Tell of the registrations of students, by the students' numbers."""
    return [
        {
            "registration_no": one.number, "student_no": one.student_no,
            "programme": one.programme, "intake": one.cohort, "mode": one.mode,
            "state": one.standing.state, "state_since": one.standing.since,
            "expected_end_on": one.expected_end_on,
        }
        for one in registration.of_students(list(numbers), on=on)
        if one.standing.state
    ]  # fmt: skip


def programmes(codes: Iterable[str], on: date) -> Rows:
    """Tell of programmes."""
    del on
    return curriculum.programme_records(codes)


def sections(codes: Iterable[str], on: date) -> Rows:
    """Tell of sections."""
    del on
    return curriculum.section_records(codes)


def modules(codes: Iterable[str], on: date) -> Rows:
    """Tell of modules, as they are taught on a day."""
    return curriculum.module_records(codes, on=on)


def terms(codes: Iterable[str], on: date) -> Rows:
    """Tell of terms."""
    del on
    return curriculum.term_records(codes)


def staff(numbers: Iterable[str], on: date) -> Rows:
    """Tell of members of staff as they are on a day, once their first duty has begun."""
    return people.staff_records(numbers, on=on)


def enrolments(keys: Iterable[str], on: date) -> Rows:
    """Tell of enrolments, by the students' numbers and the sections' codes."""
    return enrolment.records({_pair(key) for key in keys}, on)


def teaching(numbers: Iterable[str], on: date) -> Rows:
    """Tell who teaches where on a day, by the staff numbers."""
    return taught.teaching_records(numbers, on=on)


def _pair(key: str) -> tuple[str, str]:
    number, section = split_key(key, 2)
    return number, section


# A table of the record: its rows' model, the columns by which `actions.refresh` asks for them
# (`kernel.keys` joins several), and who says what they should be.
Part = tuple["type[Model]", "tuple[str, ...]", "Callable[[Iterable[str], date], Rows]"]
# What a kind of touched record makes anew.
PARTS: Mapping[str, tuple[Part, ...]] = {
    "student": (
        (models.StudentRecord, ("student_no",), students),
        (models.RegistrationRecord, ("student_no",), registrations),
    ),
    "programme": ((models.ProgrammeRecord, ("code",), programmes),),
    "module": ((models.ModuleRecord, ("code",), modules),),
    "term": ((models.TermRecord, ("code",), terms),),
    "section": ((models.SectionRecord, ("code",), sections),),
    "staff": ((models.StaffRecord, ("staff_no",), staff),),
    "enrolment": ((models.EnrolmentRecord, ("student_no", "section_code"), enrolments),),
    "teaching": ((models.TeachingRecord, ("staff_no",), teaching),),
}
# Resources as the charter names them.
RESOURCES: Mapping[str, type[Model]] = {
    "students": models.StudentRecord,
    "registrations": models.RegistrationRecord,
    "programmes": models.ProgrammeRecord,
    "modules": models.ModuleRecord,
    "terms": models.TermRecord,
    "sections": models.SectionRecord,
    "enrolments": models.EnrolmentRecord,
    "staff": models.StaffRecord,
    "teaching": models.TeachingRecord,
    "charges": models.ChargeRecord,
}


def touched_on(first: date, last: date) -> dict[str, set[str]]:
    """List what begins or ends to hold on some days, both included, per kind of record."""
    persons = people.touched_on(first, last)
    numbers = registration.touched_on(first, last) | registration.numbers_of(persons)
    return {
        "student": numbers, "staff": people.staff_touched_on(first, last),
        "module": curriculum.modules_touched_on(first, last),
        "enrolment": enrolment.touched_on(first, last),
        "teaching": taught.touched_on(first, last),
    }  # fmt: skip


def active_students() -> tuple[dict[str, tuple[str, str]], str]:
    """Name the students who are active, and which of them is in the most sections by now.

    Returns:
        Given and family name by number, and the number.
    """
    found = models.StudentRecord.objects.filter(status="active").order_by("student_no")
    rows = found.values_list("student_no", "given_name", "family_name")
    numbers = {number: (given, family) for number, given, family in rows}
    taken = models.EnrolmentRecord.objects.filter(has_access=True, state="enrolled")
    counted = Counter(taken.values_list("student_no", flat=True))
    return numbers, max(numbers, key=lambda number: counted[number], default="")


def identity_of(model: type[Model]) -> tuple[str, ...]:
    """Name the columns that tell rows apart: the primary key, or what must be unique together."""
    primary = model._meta.pk  # noqa: SLF001 - Django's own name for it
    if primary is not None and primary.name != "id":
        return (primary.name,)
    (unique,) = model._meta.constraints  # noqa: SLF001
    return tuple(column.name for column in unique.expressions)  # type: ignore[attr-defined]  # a unique constraint over columns

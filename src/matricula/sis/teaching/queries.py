"""Who teaches what, when and where, and who was there, as other rooms may read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from django.db.models import Q

from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import queries as enrolment
from matricula.sis.teaching import rules
from matricula.sis.teaching.models import Assignment, AttendanceMark

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet


@dataclass(frozen=True, slots=True)
class Assigned:
    """A duty of a member of staff in a section.

    Attributes:
        number: The staff number and a count: `S0007/2`.
        person: Whose, in `people`.
        takes_over: The number of the assignment in whose place it came.
        held: Where, whose, which, and on which days.
    """

    number: str
    person: int
    takes_over: str
    held: rules.Held


def row(number: str) -> Assignment:
    """Find an assignment as it stands.

    Raises:
        Refused: There is none (M971).
    """
    found = Assignment.objects.filter(number=number, withdrawn_at=None).first()
    if found is None:
        raise Refused(
            "M971", f"There is no assignment {number}.",
            cure="See who teaches in the section: `matricula register teach show SECTION`.",
        )  # fmt: skip
    return found


def as_held(one: Assignment) -> rules.Held:
    """Take a row for the value that the rules speak of."""
    return rules.Held(one.section, one.staff_no, one.duty, one.starts_on, one.ends_on)


def of_staff(
    numbers: Iterable[str], *, on: date | None = None, known_at: datetime | None = None
) -> list[Assigned]:
    """List the duties of members of staff on a day, or whenever; as known now or at an instant."""
    return _told(Assignment.objects.filter(staff_no__in=list(numbers)), on, known_at)


def of_sections(
    codes: Iterable[str], *, on: date | None = None, known_at: datetime | None = None
) -> list[Assigned]:
    """List the duties in sections on a day, or whenever; as known now or at an instant."""
    return _told(Assignment.objects.filter(section__in=list(codes)), on, known_at)


def _told(
    rows: QuerySet[Assignment], on: date | None, known_at: datetime | None
) -> list[Assigned]:
    if on is not None:
        rows = rows.filter(Q(ends_on=None) | Q(ends_on__gte=on), starts_on__lte=on)
    if known_at is None:
        rows = rows.filter(withdrawn_at=None)
    else:
        later = Q(withdrawn_at=None) | Q(withdrawn_at__gt=known_at)
        rows = rows.filter(later, recorded_at__lte=known_at)
    return [
        Assigned(one.number, one.person, one.takes_over, as_held(one))
        for one in rows.order_by("section", "starts_on", "id")
    ]


def without_lead(codes: Iterable[str], *, on: date) -> list[str]:
    """List the sections that nobody leads on a day."""
    wanted = sorted(codes)
    led = {one.held.section for one in of_sections(wanted, on=on) if one.held.duty == rules.LEAD}
    return [code for code in wanted if code not in led]


def teaching_records(numbers: Iterable[str], *, on: date) -> list[dict[str, Any]]:
    """Tell who teaches where as the record keeps it; to hand in marks is no teaching."""
    return [
        {
            "staff_no": one.held.staff_no, "section_code": one.held.section,
            "duty": one.held.duty,
        }
        for one in of_staff(numbers, on=on)
        if one.held.duty in rules.DUTIES
    ]  # fmt: skip


def touched_on(first: date, last: date) -> set[str]:
    """List the members of staff of whom a duty begins or ends on some days, both included."""
    days = (first, last)
    rows = Assignment.objects.filter(withdrawn_at=None)
    # What ended with a day is gone on the next.
    changing = rows.filter(Q(starts_on__range=days) | Q(ends_on__range=days))
    return set(changing.values_list("staff_no", flat=True))


def timetable_of_section(
    code: str, days: Iterable[date], *, known_at: datetime | None = None
) -> list[rules.Lesson]:
    """List when and where a section meets on some days.

    Raises:
        Refused: There is no such section (M921).
    """
    return rules.lessons([curriculum.section(code, known_at=known_at)], days)


def timetable_of_room(
    code: str, days: Iterable[date], *, known_at: datetime | None = None
) -> list[rules.Lesson]:
    """List what meets in a room on some days."""
    sections = curriculum.sections(curriculum.sections_in(code), known_at=known_at)
    return [one for one in rules.lessons(sections.values(), days) if one.room == code]


def timetable_of_lecturer(
    staff_no: str, days: Iterable[date], *, known_at: datetime | None = None
) -> list[rules.Lesson]:
    """List where a member of staff meets students on some days."""
    held = [
        one.held
        for one in of_staff([staff_no], known_at=known_at)
        if one.held.duty in rules.MEETING
    ]
    sections = curriculum.sections({one.section for one in held}, known_at=known_at)
    return [
        lesson
        for lesson in rules.lessons(sections.values(), days)
        if any(one.section == lesson.section and one.on(lesson.on) for one in held)
    ]


def timetable_of_student(
    student_no: str, days: Iterable[date], *, known_at: datetime | None = None
) -> list[rules.Lesson]:
    """List where a student is taught on some days, up to the last day on which they attended."""
    here: dict[date, set[str]] = {}
    for day in days:
        enrolled = enrolment.enrolments_of(student_no, on=day, known_at=known_at)
        here[day] = {one.section for one in enrolled if one.meaning.occupies_seat}
    codes = {code for some in here.values() for code in some}
    last = enrolment.last_attended(codes, known_at=known_at)
    return [
        one
        for one in rules.lessons(curriculum.sections(codes, known_at=known_at).values(), here)
        if one.section in here[one.on] and one.on <= last.get((student_no, one.section), one.on)
    ]


def expected(section: str, *, on: date) -> dict[str, bool]:
    """Say who was enrolled in a section on a day, and of each whether they still attended."""
    last = enrolment.last_attended([section])
    return {
        one.student_no: on <= last.get((one.student_no, section), on)
        for one in enrolment.roster(section, on=on)
    }


def marks(
    sections: Iterable[str] = (),
    *,
    student_no: str = "",
    on: date | None = None,
    known_at: datetime | None = None,
) -> list[rules.Mark]:
    """List the attendance that stands, in sections or of a student, on a day or whenever."""
    codes = list(sections)
    rows = AttendanceMark.objects.order_by("id")
    if codes or not student_no:
        rows = rows.filter(section__in=codes)
    if student_no:
        rows = rows.filter(student_no=student_no)
    if on is not None:
        rows = rows.filter(met_on=on)
    return rules.standing([as_mark(one) for one in rows], known_at=known_at)


def as_mark(one: AttendanceMark) -> rules.Mark:
    """Take a row for the value that the rules speak of."""
    return rules.Mark(
        one.pk, one.student_no, one.section, one.met_on, one.starts_at, one.category,
        one.recorded_at, one.reason, one.amends_id,
    )  # fmt: skip


def history(student_no: str, section: str) -> Sequence[rules.Mark]:
    """List all that was ever taken of a student in a section, amended or not."""
    rows = AttendanceMark.objects.filter(student_no=student_no, section=section).order_by("id")
    return [as_mark(one) for one in rows]


def attendance_in(section: str, *, known_at: datetime | None = None) -> list[rules.Attendance]:
    """Add up the attendance of everybody in a section, by student number."""
    held = marks([section], known_at=known_at)
    return _added_up({(one.student_no, section) for one in held}, held, known_at)


def attendance_of(student_no: str, *, known_at: datetime | None = None) -> list[rules.Attendance]:
    """Add up the attendance of a student, section by section."""
    held = marks(student_no=student_no, known_at=known_at)
    return _added_up({(student_no, one.section) for one in held}, held, known_at)


def _added_up(
    keys: Iterable[tuple[str, str]], held: Sequence[rules.Mark], known_at: datetime | None
) -> list[rules.Attendance]:
    wanted = sorted(keys)
    last = enrolment.last_attended({section for _, section in wanted}, known_at=known_at)
    of: dict[tuple[str, str], list[rules.Mark]] = {key: [] for key in wanted}
    for one in held:
        of[one.student_no, one.section].append(one)
    return [
        rules.summary(*key, of[key], last_attended_on=last.get(key)) for key in wanted
    ]  # fmt: skip

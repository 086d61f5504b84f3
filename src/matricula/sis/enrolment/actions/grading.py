"""Close enrolments: with a grade, or incomplete until a day.

Which grade it is, results decide; here it only ends the enrolment and counts as passed or not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import access, rules
from matricula.sis.enrolment.actions.writing import Change, write
from matricula.sis.enrolment.models import Enrolment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.enrolment.models import EnrolmentEvent


def grade(doing: Doing, section: str, grades: Mapping[str, str]) -> list[EnrolmentEvent]:
    """Record the grades of a section, by student number.

    Raises:
        Refused: Not permitted (M903), no such section (M921), a student who is not in it
            (M962), or one whose enrolment cannot be graded (M961).
    """
    access.section(doing.acting, section, to="record grades")
    doing.name("record grades", "section", section)
    rows = _rows(section, grades)
    today = doing.acting.today
    return write(doing, [Change(o, "grade", today, grade=grades[o.student_no]) for o in rows])


def leave_incomplete(
    doing: Doing, section: str, students: Iterable[str], *, until_on: date, lapses_to: str
) -> list[EnrolmentEvent]:
    """Leave enrolments incomplete until a day, after which they lapse to a grade.

    Raises:
        Refused: As `grade`.
    """
    access.section(doing.acting, section, to="leave incomplete")
    doing.name("leave incomplete", "section", section)
    today = doing.acting.today
    return write(
        doing,
        [
            Change(one, "leave incomplete", today, grade=lapses_to, until_on=until_on)
            for one in _rows(section, students)
        ],
    )


def lapse(doing: Doing, section: str) -> list[EnrolmentEvent]:
    """Give the incomplete enrolments of a section whose day is over the grade they lapse to.

    Raises:
        Refused: Not permitted (M903), or there is no such section (M921).
    """
    access.section(doing.acting, section, to="record grades")
    doing.name("record grades", "section", section)
    today = doing.acting.today
    late = Enrolment.objects.filter(
        section=section, status=rules.INCOMPLETE, until_on__lt=today
    ).select_related("term_registration")
    return write(doing, [Change(one, "grade", today, grade=one.grade) for one in late])


def _rows(section: str, students: Iterable[str]) -> list[Enrolment]:
    """Find who has a seat in a section, all of them."""
    wanted = set(students)
    chosen = Enrolment.objects.filter(
        section=section, student_no__in=wanted, status__in=rules.SEATED
    )
    rows = list(chosen.select_related("term_registration").order_by("student_no"))
    missing = sorted(wanted - {one.student_no for one in rows})
    if missing:
        raise Refused(
            "M962", f"{missing[0]} has no seat in {section}.",
            cure=f"See who has: `matricula register roster {section} --on DAY`.",
        )  # fmt: skip
    return rows

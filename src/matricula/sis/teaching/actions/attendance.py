"""Take attendance of a meeting, and amend what was taken. Nothing that was taken is changed."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import IntegrityError

from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.teaching import access, queries, rules
from matricula.sis.teaching.models import AttendanceMark

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date, time

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught


@dataclass(frozen=True, slots=True)
class Met:
    """A meeting: of which section, on which day and at what time, by the clock of its campus."""

    section: str
    on: date
    starts_at: time


def take(
    doing: Doing, met: Met, categories: Mapping[str, str], *, rest: str = ""
) -> list[AttendanceMark]:
    """Take attendance of those who were enrolled on the day of a meeting.

    Who was taken already is amended where the category is another one, which needs a reason;
    the same again changes nothing.

    Args:
        doing: The act; its reason is that of the amendments.
        met: Which meeting.
        categories: present, partial, excused or unexcused, by the student's number.
        rest: The category of everybody who was enrolled, is not named and not taken yet;
            empty: they are not taken.

    Returns:
        The marks that were recorded.

    Raises:
        Refused: Not permitted (M903), no such meeting or not begun (M973), somebody cannot be
            taken (M974), or an amendment has no reason (M975).
    """
    taught = access.section(doing.acting, met.section, to="take attendance")
    _must_have_met(doing, taught, met)
    expected = queries.expected(met.section, on=met.on)
    taken = {one.student_no: one for one in _taken(met)}
    wanted = dict(categories)
    if rest:
        free = [one for one, is_here in expected.items() if is_here and one not in taken]
        wanted = {**dict.fromkeys(free, rest), **wanted}
    must_pass(rules.taking_checks(wanted, expected, on=met.on), code="M974")
    changed = {s: c for s, c in wanted.items() if s not in taken or taken[s].category != c}
    amending = [taken[student] for student in changed if student in taken]
    must_pass(rules.amending_checks(amending, doing.acting.reason), code="M975")
    doing.name("take attendance", "section", met.section)
    made = _insert(doing, met, changed, taken)
    counts = Counter(one.category for one in made)
    doing.record("section", met.section, "take attendance", after={**_when(met), **counts})
    return made


def amend(doing: Doing, met: Met, student_no: str, category: str) -> AttendanceMark:
    """Amend what was taken of a student at a meeting, whatever became of the meeting since.

    Args:
        doing: The act, with its reason: mistaken, came late, evidence or appeal.
        met: Which meeting.
        student_no: Whose.
        category: What it should have been.

    Raises:
        Refused: Not permitted (M903), no such category (M974), or nothing was taken, the same
            was taken, or there is no reason (M975).
    """
    access.section(doing.acting, met.section, to="amend attendance")
    taken = {one.student_no: one for one in _taken(met)}
    held = taken.get(student_no)
    if held is None or held.category == category:
        was = "Nothing" if held is None else f"The same, {category},"
        raise Refused(
            "M975", f"{was} was taken of {student_no} in {met.section} on {met.on}.",
            cure="See `matricula register attendance show`.",
        )  # fmt: skip
    must_pass(rules.category_checks([category]), code="M974")
    must_pass(rules.amending_checks([held], doing.acting.reason), code="M975")
    doing.name("amend attendance", "student", student_no)
    (made,) = _insert(doing, met, {student_no: category}, taken)
    doing.record(
        "student", student_no, "amend attendance",
        before={**_when(met), "category": held.category},
        after={**_when(met), "category": category, "reason": made.reason},
    )  # fmt: skip
    return made


def _must_have_met(doing: Doing, taught: Taught, met: Met) -> None:
    """Go on only if the section met then, and has begun by the clock of its campus."""
    lessons = rules.lessons([taught], rules.week_of(met.on))
    found = [one for one in lessons if (one.on, one.starts_at) == (met.on, met.starts_at)]
    if found and found[0].begins <= doing.acting.at:
        return
    when = f"{met.on} at {met.starts_at:%H:%M}"
    met_then = ", ".join(f"{one.on} at {one.starts_at:%H:%M}" for one in lessons) or "not at all"
    what = "has not begun yet" if found else "is on no timetable"
    raise Refused(
        "M973", f"The meeting of {met.section} on {when} {what}.",
        cure=f"In that week it meets on: {met_then}.",
    )  # fmt: skip


def _taken(met: Met) -> list[rules.Mark]:
    return [
        one for one in queries.marks([met.section], on=met.on) if one.starts_at == met.starts_at
    ]


def _insert(
    doing: Doing, met: Met, changed: Mapping[str, str], taken: Mapping[str, rules.Mark]
) -> list[AttendanceMark]:
    acting = doing.acting
    rows = [
        AttendanceMark(
            section=met.section, met_on=met.on, starts_at=met.starts_at, student_no=student,
            category=category, reason=acting.reason if student in taken else "",
            amends_id=taken[student].number if student in taken else None, act=doing.act,
            recorded_at=acting.at,
        )
        for student, category in sorted(changed.items())
    ]  # fmt: skip
    try:
        return AttendanceMark.objects.bulk_create(rows)
    except IntegrityError as error:
        raise Refused(
            "M975", f"Attendance of {met.section} on {met.on} was taken meanwhile by another.",
            cure="Look at it, and amend what is wrong.",
        ) from error  # fmt: skip


def _when(met: Met) -> dict[str, object]:
    return {"met_on": met.on.isoformat(), "starts_at": f"{met.starts_at:%H:%M}"}

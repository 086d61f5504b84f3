"""Enrol an intake as a block: many students in the same sections, in few statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import NOTICE, PASSED, Check, blocked, in_the_way
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.curriculum.actions import lock_sections
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions import gathering
from matricula.sis.enrolment.actions.adding import new_row
from matricula.sis.enrolment.actions.writing import Change, write
from matricula.sis.enrolment.models import TermRegistration
from matricula.sis.holds import actions as deciding
from matricula.sis.registration import queries as registrations

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import Taught
    from matricula.sis.enrolment.actions.gathering import Gathered
    from matricula.sis.enrolment.models import Enrolment


@dataclass(frozen=True, slots=True)
class NotEnrolled:
    """A student of the intake who got no seat in a section, and why."""

    student_no: str
    section: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Block:
    """What became of an intake.

    Attributes:
        enrolled: Students and sections: who has a seat now and had none.
        waiting: Students and sections: who waits in line now.
        already: Students and sections: who was there, or waited, before.
        not_enrolled: Who is not, and why: excepted, not registered, or something in the way.
    """

    enrolled: tuple[tuple[str, str], ...]
    waiting: tuple[tuple[str, str], ...]
    already: tuple[tuple[str, str], ...]
    not_enrolled: tuple[NotEnrolled, ...]


def enrol_block(
    doing: Doing,
    programme: str,
    cohort: str,
    term: str,
    sections: Sequence[str],
    *,
    except_for: Mapping[str, Collection[str]] | None = None,
) -> Block:
    """Enrol an intake in sections of a term; each student is looked at by every check.

    Seats go by student number; who finds none waits in line. Who is there already stays.

    Args:
        doing: The act.
        programme: Its code.
        cohort: The intake, such as `2026`.
        term: The term's code.
        sections: The codes of the sections.
        except_for: Per student number the sections that the student is not enrolled in; all
            of them if empty.

    Raises:
        Refused: Not permitted (M903), no such programme, term or section (M921), or a section
            of another term (M966).
    """
    to = "enrol an intake"
    permit(doing.acting, to, access.ALLOWED[to], access.facts_of_programme(programme))
    dates = curriculum.term(term)
    doing.name(to, "programme", programme)
    taught = _taught(sections, term)
    rows = TermRegistration.objects.filter(
        term=term, programme=programme, cohort=cohort, state=rules.REGISTERED
    )
    # Locked in the order in which everybody locks them.
    under = sorted(rows.order_by("id").select_for_update(), key=lambda one: one.student_no)
    gathered = gathering.gather(doing, under, sections, dates, known=taught)
    intake = _Intake(doing, gathered, dict(except_for or {}))
    capacities = lock_sections(doing, sections, to_fill=True)
    for code in sections:
        intake.enrol(under, taught[code], capacities[code])
    return intake.told(_not_registered(doing, (programme, cohort, term), under, sections))


def _taught(sections: Sequence[str], term: str) -> dict[str, Taught]:
    known = curriculum.sections(sections)
    taught = {code: known.get(code) or curriculum.section(code) for code in sections}
    elsewhere = [one for one in taught.values() if one.term != term]
    if elsewhere:
        raise Refused(
            "M966", f"{elsewhere[0].code} is a section of {elsewhere[0].term}, not of {term}.",
            cure="Name sections of the term.",
        )  # fmt: skip
    return taught


def _not_registered(
    doing: Doing,
    intake: tuple[str, str, str],
    under: Sequence[TermRegistration],
    sections: Sequence[str],
) -> list[NotEnrolled]:
    """List those of the intake who study now and are not registered for the term."""
    programme, cohort, term = intake
    there = {one.registration for one in under}
    told = registrations.of_programme(programme, on=doing.acting.today)
    why = blocked(
        "registration", f"The student is not registered in the term {term}.",
        office=rules.OFFICE, clears="Register the student, or the intake, for the term first.",
    )  # fmt: skip
    return [
        NotEnrolled(one.student_no, section, (why,))
        for one in told
        if one.cohort == cohort and one.is_live and one.id not in there
        for section in sections
    ]


class _Intake:
    """An intake on its way into its sections; filled section by section.

    What a student got in one section counts for the next: their credits and their hours.
    """

    def __init__(
        self, doing: Doing, gathered: Gathered, except_for: Mapping[str, Collection[str]]
    ) -> None:
        self._doing, self._gathered, self._except_for = doing, gathered, except_for
        self._enrolled: list[tuple[str, str]] = []
        self._waiting: list[tuple[str, str]] = []
        self._already: list[tuple[str, str]] = []
        self._not: list[NotEnrolled] = []

    def enrol(self, under: Sequence[TermRegistration], taught: Taught, capacity: int) -> None:
        """Enrol everybody in one section, which is locked."""
        doing, code = self._doing, taught.code
        asked = [one for one in under if self._is_asked(one, code)]
        checks = {one.pk: self._checks(one, taught) for one in asked}
        able = [one for one in asked if not in_the_way(checks[one.pk])]
        seats = queries.seats([code], at=doing.acting.at, on=doing.acting.today)[code]
        room = seats.free(capacity) if seats.waiting == 0 else 0
        answers, changes = {}, []
        for place, one in enumerate(able):
            has_seat = place < room
            what = f"{code} had {capacity} seats, {max(0, room - place)} of them free."
            answers[one.person] = [
                *checks[one.pk], Check("seat", PASSED if has_seat else NOTICE, what)
            ]  # fmt: skip
            rank = None if has_seat else seats.last_rank + 1 + place - room
            changes.append(self._change(one, taught, rank))
        for one in asked:
            if one not in able:
                answers[one.person] = checks[one.pk]
                wrong = tuple(in_the_way(checks[one.pk]))
                self._not.append(NotEnrolled(one.student_no, code, wrong))
        deciding.decide_each(doing, gathering.SERVICE, answers, about=code)
        write(doing, changes)
        self._count([change.enrolment for change in changes])

    def told(self, others: Sequence[NotEnrolled]) -> Block:
        """Say what became of everybody."""
        missing = sorted([*self._not, *others], key=lambda one: (one.student_no, one.section))
        return Block(
            tuple(self._enrolled), tuple(self._waiting), tuple(self._already), tuple(missing)
        )

    def _is_asked(self, one: TermRegistration, code: str) -> bool:
        """Leave out who is excepted, and who is there already."""
        left_out = self._except_for.get(one.student_no)
        if left_out is not None and (not left_out or code in left_out):
            excepted = Check("exception", NOTICE, f"Excepted from {code}.", rules.OFFICE)
            self._not.append(NotEnrolled(one.student_no, code, (excepted,)))
            return False
        row = self._gathered.row(one, code)
        if row is not None and row.status in rules.THERE:
            self._already.append((one.student_no, code))
            return False
        return True

    def _checks(self, one: TermRegistration, taught: Taught) -> list[Check]:
        asked = gathering.wish(self._gathered, one, taught, on=self._doing.acting.today)
        return gathering.checks(self._gathered, one, asked)

    def _change(self, one: TermRegistration, taught: Taught, rank: int | None) -> Change:
        row = self._gathered.row(one, taught.code)
        row = row or new_row(self._doing, self._gathered, one, taught)
        action = "enrol" if rank is None else "wait"
        return Change(row, action, self._doing.acting.today, rank=rank)

    def _count(self, rows: Sequence[Enrolment]) -> None:
        for row in rows:
            held = self._gathered.held[row.student_no]
            if row not in held:
                held.append(row)
            seat = row.status == rules.ENROLLED
            (self._enrolled if seat else self._waiting).append((row.student_no, row.section))

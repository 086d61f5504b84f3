"""Matriculate, record what happens to a registration, and take it back."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.accounts.rules import About, Facts
from matricula.kernel import checks as kernel_checks
from matricula.kernel.checks import blocked
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.people import actions as people
from matricula.sis.people import queries as persons
from matricula.sis.registration import access, queries, returning, rules
from matricula.sis.registration.models import Registration, RegistrationEvent, Student

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing

_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Attempt:
    """What somebody registers for.

    Attributes:
        programme: Its code.
        cohort: The intake, such as `2026`.
        mode: full or part.
        effective_on: From which day they are admitted.
        expected_end_on: When they should have completed.
        is_dual: Whether it may run beside another.
    """

    programme: str
    cohort: str
    mode: str
    effective_on: date
    expected_end_on: date | None = None
    is_dual: bool = False


@dataclass(frozen=True, slots=True)
class Change:
    """What is to be recorded: see `rules.Event`."""

    action: str
    effective_on: date
    last_attended_on: date | None = None
    ends_on: date | None = None
    evidence: str = ""


def matriculate(
    doing: Doing, person: int, attempt: Attempt, *, about: About | None = None
) -> Registration:
    """Register a person for a programme; they become a student if they are none yet.

    Whoever was a student before keeps the number, continues what they left last, and is asked
    for what everybody is who comes back: see `returning.ask`.

    Args:
        doing: The act.
        person: Whom, in `people`; identity is settled.
        attempt: What for.
        about: What a second person agreed about, where it reaches back over a closed day and
            they were no student before; the person if None.

    Raises:
        Refused: Not permitted (M903), no such programme (M921), another registration is live
            at the same time (M912), or a second person must agree (M909). Of a former student:
            a hold forbids it (M941).
    """
    persons.person(person)
    facts = _permitted(doing, person, attempt)
    known = queries.student_of(person)
    before = None
    if known is not None:
        doing.name("matriculate", "student", known.number)
        before = returning.ask(
            doing, person, About("student", known.number, facts), programme=attempt.programme,
            on=attempt.effective_on, is_dual=attempt.is_dual,
        )  # fmt: skip
    else:
        asked = replace(about or About("person", str(person)), facts=facts)
        returning.agreed_if_closed(doing, asked, attempt.effective_on, to=f"matriculate {asked}")
    made = _register(doing, _student(doing, person, on=attempt.effective_on), attempt, before)
    if before and (before.programme, before.curriculum) != (made.programme, made.curriculum):
        doing.left.append(
            f"{made.student.number} comes back to curriculum {made.curriculum} of "
            f"{made.programme} instead of {before.curriculum} of {before.programme}: assess what "
            "was passed before."
        )
    return made


def go_on(doing: Doing, before: Registration, attempt: Attempt) -> Registration:
    """Register a student for what follows a registration that the same act ended by a change.

    They never left, so nothing is asked of what is asked of whoever comes back.

    Args:
        doing: The act.
        before: What it ended.
        attempt: What follows.

    Raises:
        Refused: Not permitted (M903), no such programme (M921), or the act did not end the
            registration, or another is live at the same time (M912).
    """
    _permitted(doing, before.student.person, attempt)
    ended = queries.of_act(doing.act)
    if ("change", before.pk) not in {(one.action, one.registration_id) for one in ended}:
        raise Refused(
            "M912", f"{queries.number_of(before)} is not ended by the same act.",
            cure="Change the programme, or take back whoever left: `matricula register readmit`.",
        )  # fmt: skip
    return _register(doing, before.student, attempt, before)


def _permitted(doing: Doing, person: int, attempt: Attempt) -> Facts:
    programme = curriculum.programme(attempt.programme)
    facts = Facts(
        persons=frozenset(persons.family([person])[person]),
        programmes=frozenset({programme.code}),
        departments=frozenset({programme.department.code}),
    )
    permit(doing.acting, "matriculate", access.ALLOWED["matriculate"], facts)
    return facts


def _register(
    doing: Doing, student: Student, attempt: Attempt, before: Registration | None
) -> Registration:
    doing.name("matriculate", "student", student.number)
    earlier = Registration.objects.filter(student=student).count()
    made = Registration.objects.create(
        student=student, attempt=earlier + 1, programme=attempt.programme,
        curriculum=curriculum.version_for(attempt.programme, attempt.cohort),
        cohort=attempt.cohort, mode=attempt.mode, expected_end_on=attempt.expected_end_on,
        predecessor=before, is_dual=attempt.is_dual, act=doing.act,
        recorded_at=doing.acting.at,
    )  # fmt: skip
    record(doing, made, Change("admit", attempt.effective_on))
    return made


def _student(doing: Doing, person: int, *, on: date) -> Student:
    known = queries.student_of(person)
    if known is not None:
        return known
    number = f"{next_numbers('student')[0]:0{_DIGITS}d}"
    people.give_number(doing, person, system="sis", kind="student", value=number, on=on)
    return Student.objects.create(
        person=person, number=number, first_matriculated_on=on, act=doing.act,
        recorded_at=doing.acting.at,
    )  # fmt: skip


def record(doing: Doing, registration: Registration, change: Change) -> RegistrationEvent:
    """Record what happened to a registration; the history must stay legal on both sides of it.

    The reason is that of the act (`acting.reason`).

    Args:
        doing: The act. Whether its role may has been asked by `access`.
        registration: Whose.
        change: What, and from which day.

    Raises:
        Refused: The history does not allow it, or something is missing (M912).
    """
    history = _locked_history(registration)
    acting = doing.acting
    # An import or a matriculation needs no ground; what is adverse does, and the rules say so.
    reason = acting.reason if _asks_for_reason(change.action) else ""
    new = rules.Event(
        _beyond(history), change.action, change.effective_on, acting.at, reason,
        change.last_attended_on, change.ends_on,
    )  # fmt: skip
    must_pass([*rules.checks(history, new), *_overlaps(registration, [*history, new])])
    return _insert(doing, registration, history, new, evidence=change.evidence)


def reverse(doing: Doing, act: str) -> list[RegistrationEvent]:
    """Take back what an act recorded of registrations, each event by one that supersedes it.

    Whoever calls has seen that nothing took the act back before.

    Raises:
        Refused: What was recorded since does not allow it (M912), or not permitted (M903).
    """
    made = []
    for event in reversed(queries.of_act(act)):
        registration = event.registration
        permit(
            doing.acting, "reverse an event", access.ALLOWED["reverse an event"],
            access.facts(registration),
        )  # fmt: skip
        history = _locked_history(registration)
        new = rules.Event(
            _beyond(history), rules.REVERSE, event.effective_on, doing.acting.at,
            supersedes=event.pk,
        )  # fmt: skip
        must_pass([*rules.checks(history, new), *_overlaps(registration, [*history, new])])
        made.append(_insert(doing, registration, history, new))
    return made


def must_pass(checks: Sequence[Check]) -> None:
    """Go on only if nothing is in the way.

    Raises:
        Refused: Something is: the first is said in full, the others are counted (M912).
    """
    kernel_checks.must_pass(checks, code="M912")


def hold_still(students: Iterable[str]) -> None:
    """Let nothing happen to students until the act ends; what is read afterwards stays true.

    Args:
        students: Their numbers; who is not there is passed over.
    """
    chosen = Student.objects.filter(number__in=set(students)).order_by("pk")
    list(chosen.select_for_update().values_list("pk"))


def _locked_history(registration: Registration) -> list[rules.Event]:
    """Read a history that nobody else adds to until this act ends."""
    # The student's row stands for all their registrations, which must not overlap.
    Student.objects.select_for_update().get(pk=registration.student_id)
    return queries.events([registration.pk])[registration.pk]


def _beyond(history: Sequence[rules.Event]) -> int:
    return max((event.number for event in history), default=0) + 1


def _asks_for_reason(action: str) -> bool:
    found = rules.TRANSITIONS.get(action)
    return found is not None and found.needs_reason


def _overlaps(registration: Registration, history: Sequence[rules.Event]) -> list[Check]:
    if registration.is_dual:
        return []
    mine = rules.live_stretches(history)
    others = Registration.objects.filter(student=registration.student_id, is_dual=False)
    rows = {one.pk: one for one in others.exclude(pk=registration.pk)}
    for number, events in queries.events(rows).items():
        day = rules.overlap(mine, rules.live_stretches(events))
        if day is not None:
            other = f"{registration.student.number}/{rows[number].attempt}"
            return [
                blocked(
                    "overlap", f"On {day} the student is registered under {other} as well.",
                    office="the Registrar's Office",
                    clears="End that registration first, or register for dual study.",
                )
            ]  # fmt: skip
    return []


def _insert(
    doing: Doing,
    registration: Registration,
    history: Sequence[rules.Event],
    new: rules.Event,
    *,
    evidence: str = "",
) -> RegistrationEvent:
    before = rules.state_on(history, new.effective_on).state
    after = rules.state_on([*history, new], new.effective_on).state
    made = RegistrationEvent.objects.create(
        registration=registration, action=new.action, from_state=before, to_state=after,
        reason=new.reason, effective_on=new.effective_on,
        last_attended_on=new.last_attended_on, ends_on=new.ends_on, evidence=evidence,
        supersedes_id=new.supersedes, act=doing.act, recorded_at=new.recorded_at,
    )  # fmt: skip
    number = registration.student.number
    doing.name(new.action, "student", number)
    doing.touch("student", [number])
    told = {
        "registration": queries.number_of(registration), "state": after, "reason": new.reason,
        "effective_on": new.effective_on.isoformat(),
        "last_attended_on": new.last_attended_on.isoformat() if new.last_attended_on else "",
    }  # fmt: skip
    doing.record("student", number, new.action, before={"state": before}, after=told)
    return made

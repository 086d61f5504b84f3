"""Register students for a term, one or an intake, and end, resume or complete it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import Check, blocked, in_the_way
from matricula.kernel.errors import Refused
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import access, queries, rules
from matricula.sis.enrolment.actions.writing import TermChange, write_terms
from matricula.sis.enrolment.models import TermRegistration
from matricula.sis.holds import actions as deciding
from matricula.sis.holds import queries as holds
from matricula.sis.registration import actions as registering
from matricula.sis.registration import queries as registrations
from matricula.sis.registration.rules import ACTIVE, ADMITTED, COMPLETING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.curriculum.rules import TermDates
    from matricula.sis.registration.queries import Registered

SERVICE = "term registration"
# Who is one of these may study in a term.
_ABLE = frozenset({ADMITTED, ACTIVE, COMPLETING})
# A registration for a term that may still become one.
_UNDECIDED = frozenset(
    {rules.NOT_YET, rules.NOT_ELIGIBLE, rules.ELIGIBLE, rules.HELD, rules.CANCELLED}
)


@dataclass(frozen=True, slots=True)
class ForTerm:
    """What became of a student who registers for a term.

    Attributes:
        number: The registration's: `00000001/1`.
        state: One of the states of `rules.TERMS`.
        checks: What is in the way, if anything.
        is_new: Whether anything was changed.
    """

    number: str
    state: str
    checks: tuple[Check, ...]
    is_new: bool


@dataclass(frozen=True, slots=True)
class _Asking:
    """A registration, its row in the term, and whether it may study then."""

    row: TermRegistration
    told: Registered
    able: list[Check]


def register_term(
    doing: Doing,
    student: str,
    term: str,
    *,
    load: str = rules.FULL,
    effective_on: date | None = None,
) -> ForTerm:
    """Register a student for a term. Whom a hold keeps from it stays pending, and is told why.

    Asking again looks again; whoever is registered is registered.

    Args:
        doing: The act.
        student: The student's number, or the registration's.
        term: The term's code.
        load: full or part.
        effective_on: From which day it counts; today if None.

    Raises:
        Refused: Not permitted (M903), or there is no such student or term (M911, M921).
        RefusedDecision: They are no student then, or it is not the time (M941).
    """
    dates = curriculum.term(term)
    # Who withdraws meanwhile is not registered for a term as if they had not.
    registering.hold_still([student.partition("/")[0]])
    on = effective_on or doing.acting.today
    day = max(on, dates.starts_on)
    told = access.registered(doing.acting, student, to="register for a term", on=day)
    if on != doing.acting.today:
        access.registered(doing.acting, student, to="enrol on another day", on=day)
    doing.name("register for a term", "student", told.student_no)
    (row,) = _rows(doing, [told], term, load=load)
    if row.state not in _UNDECIDED:
        return _there(told, row)
    able = _able(told, dates, on=on, day=day)
    if in_the_way(able):
        deciding.ask(doing, told.person, SERVICE, able, about=term)
    (made,) = _decide(doing, [_Asking(row, told, able)], dates, on=on)
    for check in made.checks:
        doing.left.append(f"{told.number} is pending for {term}: {check}")
    return made


def _there(told: Registered, row: TermRegistration) -> ForTerm:
    """Answer who has a registration for the term that was decided before."""
    if row.state in (rules.REGISTERED, rules.COMPLETED):
        return ForTerm(told.number, row.state, (), is_new=False)
    raise Refused(
        "M961", f"{told.number} is {row.state} in the term {row.term}.",
        cure="Return from leave first, or have the act reversed that ended it.",
        place=rules.OFFICE,
    )  # fmt: skip


def register_intake(
    doing: Doing, programme: str, cohort: str, term: str, *, load: str = rules.FULL
) -> list[ForTerm]:
    """Register an intake for a term: each student registered, pending or found not eligible.

    Args:
        doing: The act.
        programme: Its code.
        cohort: The intake, such as `2026`.
        term: The term's code.
        load: full or part, for all.

    Returns:
        What became of each, in the order of their numbers.

    Raises:
        Refused: Not permitted (M903), or there is no such programme or term (M921).
    """
    to = "register an intake"
    permit(doing.acting, to, access.ALLOWED[to], access.facts_of_programme(programme))
    dates, on = curriculum.term(term), doing.acting.today
    day = max(on, dates.starts_on)
    doing.name(to, "programme", programme)
    registering.hold_still(one.student_no for one in registrations.of_programme(programme, on=day))
    told = [
        one
        for one in registrations.of_programme(programme, on=day)
        if one.cohort == cohort and one.standing.state
    ]
    rows = _rows(doing, told, term, load=load)
    both = list(zip(rows, told, strict=True))
    asked = [
        _Asking(row, one, _able(one, dates, on=on, day=day))
        for row, one in both
        if row.state in _UNDECIDED
    ]
    there = [
        ForTerm(one.number, row.state, (), is_new=False)
        for row, one in both
        if row.state not in _UNDECIDED
    ]
    return sorted([*there, *_decide(doing, asked, dates, on=on)], key=lambda one: one.number)


def _rows(
    doing: Doing, told: Sequence[Registered], term: str, *, load: str
) -> list[TermRegistration]:
    """Find the rows of registrations in a term, making those that are not there; locked."""
    wanted = [one.id for one in told]
    chosen = TermRegistration.objects.filter(registration__in=wanted, term=term).order_by("id")
    held = {one.registration: one for one in chosen.select_for_update()}
    missing = [one for one in told if one.id not in held]
    if missing:
        # Whoever asks at the same moment makes the same rows; there is one of each.
        TermRegistration.objects.bulk_create(
            [_new(doing, one, term, load) for one in missing], ignore_conflicts=True
        )
        held = {one.registration: one for one in chosen.select_for_update()}
    return [held[one.id] for one in told]


def _new(doing: Doing, one: Registered, term: str, load: str) -> TermRegistration:
    return TermRegistration(
        registration=one.id, student_no=one.student_no, person=one.person,
        attempt=int(one.number.partition("/")[2]), programme=one.programme, cohort=one.cohort,
        term=term, state=rules.NOT_YET, load=load, act=doing.act,
        recorded_at=doing.acting.at,
    )  # fmt: skip


def _able(told: Registered, term: TermDates, *, on: date, day: date) -> list[Check]:
    """Say whether a student may study in a term at all, and whether it is the time to say so."""
    found = [Check("registration"), Check("window")]
    if told.standing.state not in _ABLE:
        state = told.standing.state or "no student yet"
        found[0] = blocked(
            "registration", f"On {day} {told.number} is {state}.", office=rules.OFFICE,
            clears="Come back first, or register for a term in which you study.",
        )  # fmt: skip
    if not term.register_from <= on <= term.add_until:
        found[1] = blocked(
            "window",
            f"Students register for {term.code} from {term.register_from} until "
            f"{term.add_until}.",
            office=rules.OFFICE, clears="Do it between those days, or ask for an exception.",
        )  # fmt: skip
    return found


def _decide(doing: Doing, asked: Sequence[_Asking], term: TermDates, *, on: date) -> list[ForTerm]:
    """Answer those who ask, and record what each of them is then."""
    acting = doing.acting
    means = holds.checks_for(
        {one.told.person for one in asked}, SERVICE, on=acting.today, policy=acting.policy,
        term=term.code,
    )  # fmt: skip
    checks = [[*one.able, *means[one.told.person]] for one in asked]
    answers = {one.told.person: found for one, found in zip(asked, checks, strict=True)}
    deciding.decide_each(doing, SERVICE, answers, about=term.code)
    before = [one.row.state for one in asked]
    changes = [
        TermChange(one.row, move, on)
        for one, found in zip(asked, checks, strict=True)
        for move in _moves(one.row.state, is_able=not in_the_way(one.able), checks=found)
    ]
    write_terms(doing, changes)
    return [
        ForTerm(one.told.number, one.row.state, tuple(in_the_way(found)), one.row.state != was)
        for one, found, was in zip(asked, checks, before, strict=True)
    ]


def _moves(state: str, *, is_able: bool, checks: Iterable[Check]) -> list[str]:
    """Name the steps from a state to the answer."""
    if not is_able:
        return ["find not eligible"] if state in (rules.NOT_YET, rules.ELIGIBLE) else []
    first = ["find eligible"] if state in (rules.NOT_YET, rules.NOT_ELIGIBLE) else []
    if not in_the_way(checks):
        return [*first, "register"]
    return [*first, "hold up"] if state not in (rules.HELD, rules.CANCELLED) else []


def come_back(doing: Doing, registration_id: int, *, effective_on: date) -> list[str]:
    """Let a student who was on leave study again: in the terms that have not ended by a day.

    What they were enrolled in before is not restored; they choose anew.

    Args:
        doing: The act.
        registration_id: The registration's number in the database.
        effective_on: From which day.

    Returns:
        The codes of the terms.

    Raises:
        Refused: Not permitted (M903).
    """
    rows = access.of_registration(doing.acting, registration_id, to="come back into a term")
    ends = {one.code: one.ends_on for one in curriculum.terms()}
    back = [one for one in rows if one.state == rules.ON_LEAVE and effective_on <= ends[one.term]]
    if back:
        doing.name("come back into a term", "student", back[0].student_no)
        write_terms(doing, [TermChange(one, "return", effective_on) for one in back])
    return [one.term for one in back]


def take_census(doing: Doing, term: str) -> int:
    """Write down what stood on a term's census day, once for each registration in it.

    What is corrected afterwards changes the register and not the census; who is registered
    afterwards is counted when it is taken again.

    Args:
        doing: The act.
        term: The term's code.

    Returns:
        How many were counted now.

    Raises:
        Refused: Not permitted (M903), no such term (M921), or the day is not over (M963).
    """
    to = "take a census"
    permit(doing.acting, to, access.ALLOWED[to])
    dates = curriculum.term(term)
    _must_be_past(doing, dates.census_on, f"The census of {term} is on {dates.census_on}.")
    doing.name(to, "term", term)
    # Of a JSON column, None would ask for a null that was written.
    chosen = TermRegistration.objects.filter(term=term, census__isnull=True).order_by("id")
    rows = list(chosen.select_for_update())
    counted: dict[int, list[Decimal]] = {one.registration: [] for one in rows}
    for each in queries.of_students({one.student_no for one in rows}, on=dates.census_on):
        if each.term == term and each.meaning.counts_for_headcount:
            counted.get(each.registration, []).append(each.credits)
    states = queries.term_events(one.pk for one in rows)
    for one in rows:
        one.census = {
            "on": dates.census_on.isoformat(),
            "state": rules.state_on(rules.TERMS, states[one.pk], dates.census_on).state,
            "sections": len(counted[one.registration]),
            "credits": str(sum(counted[one.registration], start=Decimal(0))),
        }
    TermRegistration.objects.bulk_update(rows, ["census"], batch_size=500)
    doing.record("term", term, to, after={"counted": len(rows)})
    return len(rows)


def _must_be_past(doing: Doing, day: date, what: str) -> None:
    if doing.acting.today <= day:
        raise Refused("M963", what, cure="Wait until that day is over.")


def complete_term(doing: Doing, term: str) -> int:
    """Complete every registration of a term that is over; give how many.

    Raises:
        Refused: Not permitted (M903), there is no such term (M921), or it is not over (M963).
    """
    to = "complete a term"
    permit(doing.acting, to, access.ALLOWED[to])
    dates = curriculum.term(term)
    _must_be_past(doing, dates.ends_on, f"The term {term} is taught until {dates.ends_on}.")
    doing.name(to, "term", term)
    rows = TermRegistration.objects.filter(term=term, state=rules.REGISTERED).order_by("id")
    changes = [TermChange(one, "complete", dates.ends_on) for one in rows.select_for_update()]
    write_terms(doing, changes)
    return len(changes)

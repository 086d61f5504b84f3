"""A student's life, act by act: the registration, and with it what it takes along.

Each function is one act, whole or not at all, however many parts of the register it reaches
into. What cannot be done by machine is left for a person, in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.accounts.rules import About
from matricula.kernel.errors import Refused
from matricula.sis.acts import queries as acts
from matricula.sis.admissions import actions as admissions
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.enrolment import queries as enrolments
from matricula.sis.holds import actions as deciding
from matricula.sis.holds import queries as holds
from matricula.sis.lifecycle import rules
from matricula.sis.people.actions import second_person
from matricula.sis.registration import access, actions, queries
from matricula.sis.registration.actions import Attempt, Change
from matricula.sis.registration.rules import LEFT, crossed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.registration.queries import Held


@dataclass(frozen=True, slots=True)
class Towards:
    """What a student goes on with.

    Attributes:
        programme: Its code.
        cohort: The intake whose curriculum counts.
        sections: What they are enrolled in from the first day.
        mode: full or part.
    """

    programme: str
    cohort: str
    sections: tuple[str, ...] = ()
    mode: str = "full"


def happen(doing: Doing, student: str, change: Change) -> Held:
    """Record what happens to a student's registration, and dispose of the enrolments with it.

    Args:
        doing: The act; its reason is the change's.
        student: The student's number, or the registration's.
        change: What, and from which day.

    Raises:
        Refused: Not permitted (M903), not possible (M912), or a second person must agree
            because it reaches back over a day that is closed (M909).
    """
    found = access.registration(doing.acting, student, to="record an event")
    doing.name(change.action, "student", found.student.number)
    _agreed_if_closed(doing, found, change.effective_on, to=change.action)
    actions.record(doing, found, change)
    _dispose(doing, found, change)
    return found


def _agreed_if_closed(doing: Doing, found: Held, effective_on: date, *, to: str) -> None:
    """Ask for a second person where the past that is reached into is closed."""
    reached = rules.terms_reached(curriculum.terms(), effective_on=effective_on)
    closed = crossed(
        rules.boundaries(reached), effective_on=effective_on, today=doing.acting.today
    )
    if closed:
        days = ", ".join(f"{one.what} ({one.on})" for one in closed)
        about = About("student", found.student.number, access.facts(found))
        what = f"To {to} from {effective_on}, back over {days},"
        second_person(doing, what, about)


def _dispose(doing: Doing, found: Held, change: Change) -> None:
    if change.action == "return":
        enrolment.come_back(doing, found.pk, effective_on=change.effective_on)
    how = rules.DISPOSES.get(change.action)
    if how is None:
        return
    enrolment.leave_all(
        doing, found.pk, action=how, effective_on=change.effective_on,
        last_attended_on=change.last_attended_on, reason=doing.acting.reason,
    )  # fmt: skip


def change_programme(doing: Doing, student: str, towards: Towards, *, effective_on: date) -> Held:
    """Let a student go on in another programme from a day on, under the same number.

    The old registration ends and the new one begins on that day; what was passed is listed
    for whoever decides on credits.

    Raises:
        Refused: As `happen`; or a new section cannot be had (M96x).
    """
    before = happen(doing, student, Change("change", effective_on))
    after = _go_on(doing, before, towards, effective_on=effective_on)
    _enrol(doing, after, towards.sections, effective_on=effective_on)
    passed = enrolments.passed(before.student.number)
    if passed:
        doing.left.append(
            f"Decide which of these passed modules count for {towards.programme}: "
            f"{', '.join(sorted(passed))}."
        )
    return after


def readmit(doing: Doing, student: str, towards: Towards, *, effective_on: date) -> Held:
    """Take back a student who left, under the same number, as a new registration.

    Raises:
        Refused: Not permitted (M903); the last registration is no one that was left (M910);
            or a hold is in the way, which is kept as a decision.
    """
    found = access.registration(doing.acting, student, to="record an event")
    number = found.student.number
    doing.name("readmit", "student", number)
    held = queries.of_students([number], on=effective_on)
    live = [one for one in held if one.is_live]
    last = held[-1]
    if live or last.standing.state not in LEFT:
        raise Refused(
            "M910", f"{number} did not leave: {(live or [last])[0].number} is "
            f"{(live or [last])[0].standing.state}.",
            cure="A student who is here changes programme instead, or is completed first.",
        )  # fmt: skip
    person = found.student.person
    checks = holds.checks_for(
        [person], "re-admission", on=effective_on, policy=doing.acting.policy
    )[person]
    deciding.ask(doing, person, "re-admission", checks)
    after = _go_on(doing, found, towards, effective_on=effective_on)
    if after.curriculum != found.curriculum:
        doing.left.append(
            f"{number} comes back to curriculum {after.curriculum} instead of "
            f"{found.curriculum}: assess what was passed before."
        )
    return after


def _go_on(doing: Doing, before: Held, towards: Towards, *, effective_on: date) -> Held:
    attempt = Attempt(
        towards.programme, towards.cohort, towards.mode, effective_on, predecessor=before
    )
    after = actions.matriculate(doing, before.student.person, attempt)
    actions.record(doing, after, Change("start", effective_on))
    return after


def _enrol(
    doing: Doing, registration: Held, sections: Sequence[str], *, effective_on: date
) -> None:
    number = queries.number_of(registration)
    for term in sorted({one.term for one in curriculum.sections(sections).values()}):
        enrolment.register_term(doing, number, term, effective_on=effective_on)
    for section in sections:
        enrolment.add(doing, number, section, effective_on=effective_on)


def reverse(doing: Doing, act: str) -> list[str]:
    """Take an act back: each of its events by one that supersedes it.

    What can be restored is; what cannot, such as a seat that somebody else has by now, is
    left for a person.

    Args:
        doing: The act that takes back.
        act: The act that is taken back.

    Returns:
        The students concerned.

    Raises:
        Refused: There is no such act (M908), it was taken back already (M910), what was
            recorded since does not allow it (M912), or a second person must agree (M909).
    """
    done = acts.act(act)
    permit(doing.acting, "reverse an event", access.ALLOWED["reverse an event"])
    doing.name(f"reverse {done.action}", done.entity, done.key)
    doing.reverses = act
    _must_stand(act)
    events = queries.of_act(act)
    for event in events:
        _agreed_if_closed(doing, event.registration, event.effective_on, to=doing.action)
    actions.reverse(doing, act)
    # Where the act was a matriculation, the place is only accepted again.
    admissions.reverse(doing, act)
    enrolment.restore(doing, act)
    return sorted({event.registration.student.number for event in events})


def _must_stand(act: str) -> None:
    """Take back only what nothing took back before; what was let stand again names its last act.

    Every act is superseded once at most: a history stays a chain that a person can follow.
    """
    later = acts.reversing(act)
    if later is not None:
        raise Refused(
            "M910", f"{act} was taken back by {later.id}.",
            cure=f"To have it count again, or to take it back once more, reverse "
            f"{acts.last_reversing(act).id}.",
        )  # fmt: skip

"""A student's life, act by act: the registration, and with it what it takes along.

Each function is one act, whole or not at all, however many parts of the register it reaches
into. What cannot be done by machine is left for a person, in a sentence.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.accounts import actions as accounts
from matricula.accounts.rules import About
from matricula.kernel.errors import Refused
from matricula.sis.acts import queries as acts
from matricula.sis.admissions import actions as admissions
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.enrolment import actions as enrolment
from matricula.sis.enrolment import queries as enrolments
from matricula.sis.holds import actions as holds
from matricula.sis.holds import queries as holding
from matricula.sis.lifecycle import rules
from matricula.sis.lifecycle.queries import must_be_there
from matricula.sis.people.actions import second_person
from matricula.sis.registration import access, actions, queries
from matricula.sis.registration.actions import Attempt, Change
from matricula.sis.registration.returning import agreed_if_closed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date

    from matricula.accounts.rules import Acting
    from matricula.sis.acts.actions import Doing
    from matricula.sis.registration.queries import Held


@dataclass(frozen=True, slots=True)
class Agreed:
    """What was agreed to: its number, and the last day on which it may be used."""

    number: int
    ends_on: date


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


@transaction.atomic
def agree(acting: Acting, whose: str, about: About, *, ends_on: date | None = None) -> Agreed:
    """Agree beforehand to one act of another account about a record that there is.

    Args:
        acting: Who agrees; the reason says to what.
        whose: The account that is to act.
        about: The record.
        ends_on: The last day on which it may be used; a week from today if None.

    Raises:
        Refused: As `accounts.actions.agree`, or there is no such record.
    """
    made = accounts.agree(acting, whose, about, ends_on=ends_on)
    # Afterwards, for only who may agree is told what there is.
    must_be_there(about)
    return Agreed(made.pk, made.ends_on)


def happen(doing: Doing, student: str, change: Change) -> Held:
    """Record what happens to a student's registration, and dispose of the enrolments with it.

    Args:
        doing: The act; its reason is the change's.
        student: The student's number, or the registration's.
        change: What, and from which day.

    Raises:
        Refused: Not permitted (M903), not possible (M912), a second person must agree
            because it reaches back over a day that is closed (M909), or a hold stands in the
            way, which is kept as a decision (M941).
    """
    found = access.registration(doing.acting, student, to="record an event")
    doing.name(change.action, "student", found.student.number)
    _agreed_if_closed(doing, found, change.effective_on, to=change.action)
    if change.action in rules.ALWAYS_TWO:
        about = About("student", found.student.number, access.facts(found))
        second_person(doing, f"To {change.action}", about)
    if change.effective_on > doing.acting.today:
        doing.left.append(
            f"It counts from {change.effective_on}: until then nothing changes, and on that day "
            "the record does and other systems hear of it."
        )
    actions.record(doing, found, change)
    _ask_of_holds(doing, found, change.action)
    _dispose(doing, found, change)
    return found


def _ask_of_holds(doing: Doing, found: Held, action: str) -> None:
    """Let holds stand in the way as the policy has it, and tell of those that do not."""
    # They count on the day on which it is asked for, however the act is dated.
    acting, person = doing.acting, found.student.person
    service = rules.ASKS.get(action)
    if service is not None:
        checks = holding.checks_for([person], service, on=acting.today, policy=acting.policy)
        number = queries.number_of(found)
        holds.ask(doing, person, service, checks[person], about=number)
        doing.left += [f"{one.what} {one.clears}".strip() for one in checks[person]]
    if action in rules.LEAVES:
        doing.left += holding.that_stay(person, on=acting.today)


def _agreed_if_closed(doing: Doing, found: Held, effective_on: date, *, to: str) -> None:
    """Ask for a second person where the past that is reached into is closed."""
    about = About("student", found.student.number, access.facts(found))
    agreed_if_closed(doing, about, effective_on, to=to)


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
    now = access.registration(doing.acting, student, to="record an event")
    if (now.programme, now.cohort) == (towards.programme, towards.cohort):
        raise Refused(
            "M910", f"{queries.number_of(now)} is for {now.programme}, cohort {now.cohort}, "
            "already.",
            cure="Name another programme, or the cohort whose curriculum counts from now on.",
        )  # fmt: skip
    before = happen(doing, student, Change("change", effective_on))
    after = actions.go_on(doing, before, _attempt(towards, effective_on))
    actions.record(doing, after, Change("start", effective_on))
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
        Refused: Not permitted (M903); there is no registration that was left (M910); and
            otherwise as `registration.actions.matriculate`, which asks whatever is asked.
    """
    found = access.registration(doing.acting, student, to="record an event")
    number = found.student.number
    doing.name("readmit", "student", number)
    held = queries.of_person(found.student.person, on=effective_on)
    here = [one for one in held if one.is_live]
    if here or not queries.to_continue(held):
        last = (here or held)[-1]
        raise Refused(
            "M910", f"{number} did not leave: {last.number} is "
            f"{last.standing.state or 'not there yet'}.",
            cure="A student who is here changes programme instead, or is completed first.",
        )  # fmt: skip
    attempt = _attempt(towards, effective_on)
    after = actions.matriculate(doing, found.student.person, attempt)
    actions.record(doing, after, Change("start", effective_on))
    return after


def _attempt(towards: Towards, effective_on: date) -> Attempt:
    return Attempt(towards.programme, towards.cohort, towards.mode, effective_on)


def _enrol(
    doing: Doing, registration: Held, sections: Sequence[str], *, effective_on: date
) -> None:
    number = queries.number_of(registration)
    for term in sorted({one.term for one in curriculum.sections(sections).values()}):
        enrolment.register_term(doing, number, term, effective_on=effective_on)
    for section in sections:
        enrolment.add(doing, number, section, effective_on=effective_on)


def reverse(doing: Doing, act: str) -> None:
    """Take an act back, whatever part of the register it did something in.

    Each of its events is superseded by one that takes it back, and each part asks whether it
    may be done to the records concerned. What can be restored is; what cannot, such as a seat
    that somebody else has by now, is left for a person.

    Args:
        doing: The act that takes back.
        act: The act that is taken back.

    Raises:
        Refused: There is no such act (M908), it was taken back already or left nothing that
            can be (M910), not permitted for one of the records (M903), a second person must
            agree (M909), or what was recorded since does not allow it (M912, M926, M942,
            M952, M961).
    """
    # Locked, so that two who take the same act back do not both find it standing.
    done = acts.act(act, lock=True)
    _must_stand(act)
    doing.name(f"reverse {done.action}", done.entity, done.key)
    doing.reverses = act
    for event in queries.of_act(act):
        found = event.registration
        access.registration(doing.acting, queries.number_of(found), to="reverse an event")
        _agreed_if_closed(doing, found, event.effective_on, to=doing.action)
    # All are asked, whatever the first of them says.
    taken = [part(doing, act) for part in _PARTS]
    if not any(taken):
        raise Refused(
            "M910", f"{act} ({done.action}) left nothing that can be taken back.",
            cure="Do what undoes it: what was ruled is ruled anew, what was planned is cancelled.",
        )  # fmt: skip


def _reverse_enrolments(doing: Doing, act: str) -> bool:
    """Take back what an act did to enrolments, with the sections where it moved those."""
    if curriculum.has_moved_sections(act):
        enrolment.reverse_section(doing, act)
        return True
    told = len(doing.left)
    restored = enrolment.restore(doing, act)
    return bool(restored or enrolments.term_events_of_act(act)) or len(doing.left) > told


# Each takes back what is its own, and says whether there was anything. Where the act was a
# matriculation, the place is only accepted again.
_PARTS: Sequence[Callable[[Doing, str], object]] = (
    actions.reverse, admissions.reverse, _reverse_enrolments, holds.reverse,
)  # fmt: skip


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

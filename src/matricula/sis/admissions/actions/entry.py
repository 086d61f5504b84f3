"""From applicant to student: who it is, whether the offer is fulfilled, and the registration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.admissions import access, queries, rules
from matricula.sis.admissions.actions.writing import (
    about,
    amount,
    beyond,
    locked_history,
    put,
)
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.people import actions as people
from matricula.sis.people import queries as persons
from matricula.sis.people.rules import STRONG, Described, plain
from matricula.sis.registration import actions as registration
from matricula.sis.registration import queries as registrations
from matricula.sis.registration.actions import Attempt

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.admissions.queries import Applicant, Applied
    from matricula.sis.people.rules import Candidate


@dataclass(frozen=True, slots=True)
class Identity:
    """Who an applicant is, as a person decided. One of the two is given, or neither.

    Attributes:
        same_as: A person who is there already.
        is_new: Whether they are nobody we know.
    """

    same_as: int | None = None
    is_new: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """How they begin.

    Attributes:
        on: From which day they are admitted; None: when their term starts.
        cohort: The intake whose curriculum counts; empty: the year in which the term starts.
        expected_end_on: When they should have completed.
        is_dual: Whether it may run beside another registration.
    """

    on: date | None = None
    cohort: str = ""
    expected_end_on: date | None = None
    is_dual: bool = False


def matriculate(doing: Doing, number: str, identity: Identity, entry: Entry | None = None) -> str:
    """Make an applicant a student: the place is accepted, fulfilled and paid for.

    Whoever was a student before keeps the number, and the new registration continues the one
    that was left.

    Args:
        doing: The act.
        number: The application.
        identity: Who it is.
        entry: How they begin.

    Returns:
        The registration's number: `00000001/1`.

    Raises:
        Refused: As `access.application`; the place is not accepted, a condition is open or the
            deposit is not paid (M952); who it is is not settled (M954); a second person must
            agree (M909); or the registration is refused (M912, M921, M941).
    """
    found = access.application(doing.acting, number, to="matriculate an applicant")
    history = locked_history(found)
    (told,) = queries.of_numbers([number], on=doing.acting.today)
    _must_be_fulfilled(doing, told, history)
    begins = entry or Entry()
    term = curriculum.term(found.term)
    on = begins.on or term.starts_on
    person = _settled(doing, told, identity)
    attempt = Attempt(
        found.programme, begins.cohort or str(term.starts_on.year), found.mode, on,
        begins.expected_end_on, is_dual=begins.is_dual,
    )  # fmt: skip
    # Whoever was a student before is asked about as one; of others the application tells.
    made = registration.matriculate(doing, person, attempt, about=about(told))
    # Who it is was settled first, and named the act; the student's number came only now.
    doing.rename("matriculate", "student", made.student.number)
    put(doing, found, "matriculate", doing.acting.today, person=person)
    return registrations.number_of(made)


def _must_be_fulfilled(doing: Doing, told: Applied, history: Sequence[rules.Event]) -> None:
    acting = doing.acting
    new = rules.Event(beyond(history), "matriculate", acting.today, acting.at)
    checks = rules.checks(history, new)
    if told.terms:
        due = amount(told.terms.due_minor, told.terms.currency)
        checks += rules.matriculation_checks(told.terms, policy=acting.policy, due=due)
    must_pass(checks, code="M952")
    doing.left.extend(f"{told.number}: {one.what}" for one in checks)


def _settled(doing: Doing, told: Applied, identity: Identity) -> int:
    """Say which person it is, or register one of whom it was said that they are new.

    What goes against the evidence needs a second person.
    """
    found = queries.candidates(told.applicant)
    who = told.applicant
    if who is None or identity.is_new == (identity.same_as is not None):
        raise _unsettled(told.number, found)
    described = Described(who.given, who.family, who.born_on, who.email)
    if identity.same_as is not None:
        met = persons.resolve([identity.same_as])[identity.same_as]
        if met not in {one.person for one in found}:
            what = f"To take {told.number} for somebody it is not like"
            people.second_person(doing, what, about(told, met))
    elif any(one.strength == STRONG for one in found):
        what = f"To take {told.number} for somebody new, against {found[0]},"
        people.second_person(doing, what, about(told, *(one.person for one in found)))
    settled = people.register_matched(
        doing, described, same_as=identity.same_as, is_new=identity.is_new
    )
    _tell_what_differs(doing, told.number, who, settled.pk)
    return settled.pk


def _tell_what_differs(doing: Doing, number: str, who: Applicant, person: int) -> None:
    """What somebody wrote is no proof: the record stays until a person has seen to it."""
    (known,) = persons.known([person], on=doing.acting.today).values()
    written = {"name": f"{who.given} {who.family}", "address": who.email}
    held = {"name": f"{known.legal_given} {known.legal_family}", "address": known.email}
    differs = [word for word, text in written.items() if plain(text) != plain(held[word])]
    if differs:
        doing.left.append(
            f"{number} gives another {' and '.join(differs)} than person {person} has on "
            "record: see whether the record is to be changed."
        )


def _unsettled(number: str, found: list[Candidate]) -> Refused:
    if not found:
        return Refused(
            "M954", f"Nobody like the applicant of {number} is there yet.",
            cure="Look at the documents; then say that they are new: --new.",
        )  # fmt: skip
    alike = "; ".join(str(one) for one in found)
    return Refused(
        "M954",
        f"The applicant of {number} may be: {alike}.",
        cure="Look at the documents; then say whom: --same-as PERSON, or --new.",
    )

"""Write an application down, amend it, and move it from state to state."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.admissions import access, queries, rules
from matricula.sis.admissions.actions.writing import amount, put, tell
from matricula.sis.admissions.models import Application, Particulars
from matricula.sis.curriculum import queries as curriculum

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.admissions.models import ApplicationEvent
    from matricula.sis.admissions.queries import Applicant

_DIGITS = 7
MODES = ("full", "part")
# What needs no more than its day and, for some, a reason; the rest has an action of its own.
PLAIN = ("draft", "submit", "review", "waitlist", "decline", "accept", "lapse", "rescind",
         "withdraw")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody applies for.

    Attributes:
        programme: Its code.
        term: In which they want to begin.
        mode: full or part.
        is_enquiry: Whether they only ask so far.
    """

    programme: str
    term: str
    mode: str = "full"
    is_enquiry: bool = False


def apply(doing: Doing, applicant: Applicant, wish: Wish, *, on: date) -> Application:
    """Write down an application, or an enquiry that may become one.

    Args:
        doing: The act.
        applicant: Who, as they wrote it.
        wish: What for.
        on: The day on which it came.

    Raises:
        Refused: Not permitted (M903), or there is no such programme or term (M921) or mode
            (M952).
    """
    permit(
        doing.acting, "apply for somebody", access.ALLOWED["apply for somebody"],
        access.facts_of(wish.programme),
    )  # fmt: skip
    curriculum.term(wish.term)
    made = new_application(doing, wish)
    event = put(doing, made, "enquire" if wish.is_enquiry else "draft", on)
    write_down(doing, made, event, applicant)
    return made


def new_application(
    doing: Doing, wish: Wish, *, deferred_from: Application | None = None
) -> Application:
    """Give an application its number; nothing has happened to it yet.

    Raises:
        Refused: There is no such mode (M952).
    """
    known = [] if wish.mode in MODES else [
        rules.no("mode", f"There is no mode {wish.mode}.", f"Use one of {', '.join(MODES)}.")
    ]  # fmt: skip
    must_pass(known, code="M952")
    return Application.objects.create(
        number=f"A{next_numbers('application')[0]:0{_DIGITS}d}", programme=wish.programme,
        term=wish.term, mode=wish.mode, deferred_from=deferred_from, act=doing.act,
        recorded_at=doing.acting.at,
    )  # fmt: skip


def write_down(
    doing: Doing, application: Application, event: ApplicationEvent, applicant: Applicant
) -> None:
    """Keep who applies, as of an event."""
    Particulars.objects.create(
        event=event, given=applicant.given, family=applicant.family, born_on=applicant.born_on,
        email=applicant.email, former_family=applicant.former_family,
        former_number=applicant.former_number,
    )  # fmt: skip
    tell(
        doing, application, "write down applicant",
        after={
            "given": applicant.given, "family": applicant.family,
            "born_on": applicant.born_on.isoformat() if applicant.born_on else "",
            "email": applicant.email, "former_family": applicant.former_family,
            "former_number": applicant.former_number,
        },
    )  # fmt: skip


def amend(doing: Doing, number: str, applicant: Applicant, *, on: date) -> ApplicationEvent:
    """Write down anew who applies; what was written before stays in the history.

    Raises:
        Refused: As `access.application`, or nothing is open any more (M952).
    """
    found = access.application(doing.acting, number, to="amend an application")
    (told,) = queries.of_numbers([number], on=on)
    over = [] if told.standing.state in rules.OPEN else [
        rules.no(
            "history", f"On {on} the application is {told.standing.state or 'not there yet'}.",
            "Only an open application is amended: reverse what ended it, or apply anew.",
        )
    ]  # fmt: skip
    must_pass(over, code="M952")
    event = put(doing, found, "amend", on)
    write_down(doing, found, event, applicant)
    return event


def record(doing: Doing, number: str, action: str, *, on: date) -> ApplicationEvent:
    """Record that an application went a plain step: see `PLAIN`.

    The reason is that of the act (`acting.reason`), where one is asked for.

    Raises:
        Refused: As `access.application`; the history does not allow it or something is
            missing (M952); an answer is dated back over the end of the offer and nobody else
            agreed (M909).
    """
    found = access.application(doing.acting, number, to="move an application")
    if action not in PLAIN:
        raise Refused(
            "M952", f"To {action} is no plain step.", cure=f"Use one of {', '.join(PLAIN)}."
        )
    if action == "submit":
        must_pass(rules.submission_checks(_completeness(found, on)), code="M952")
    made = put(doing, found, action, on)
    if action in _LEAVES:
        _LEAVES[action](doing, number)
    return made


def _completeness(found: Application, on: date) -> rules.Complete:
    (told,) = queries.of_numbers([found.number], on=on)
    who = told.applicant
    programme = curriculum.programme(found.programme)
    return rules.Complete(
        has_birth=who is not None and who.born_on is not None,
        has_email=who is not None and bool(who.email), programme=found.programme,
        closed_on=programme.closed_on, starts_on=curriculum.term(found.term).starts_on,
    )  # fmt: skip


def _tell_of_similar(doing: Doing, number: str) -> None:
    for other in queries.similar(number, on=doing.acting.today):
        doing.left.append(f"{other} may be the same applicant's application; compare them.")


def _tell_of_deposit(doing: Doing, number: str) -> None:
    (told,) = queries.of_numbers([number], on=doing.acting.today)
    if told.terms and told.terms.paid_minor:
        paid = amount(told.terms.paid_minor, told.terms.currency)
        doing.left.append(f"A deposit of {paid} was paid for {number}; see whether it goes back.")


# What a person has to see to after a step.
_LEAVES: Mapping[str, Callable[[Doing, str], None]] = {
    "submit": _tell_of_similar,
    "lapse": _tell_of_deposit,
    "rescind": _tell_of_deposit,
    "withdraw": _tell_of_deposit,
}

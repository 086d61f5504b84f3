"""What holds mean for a service, in words that a person can act on.

Every answer says what is in the way, which office answers for it, what clears it and how to
object. Of a hold that is the office's own matter it says that there is one, and not why.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.checks import BLOCKED, PASSED, Check
from matricula.sis.holds.rules import policies
from matricula.sis.holds.rules.figures import Figure
from matricula.sis.holds.rules.machine import DISPUTED, STANDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from matricula.sis.holds.rules.machine import Standing
    from matricula.sis.holds.rules.policies import Policy

EVERYBODY, OFFICE_ONLY = VISIBILITIES = ("everybody", "office")
# Debts follow the term in which they were owed: what was paid for is shown and sent.
_BY_TERM = frozenset({policies.RESULTS, policies.TRANSCRIPT})


@dataclass(frozen=True, slots=True)
class Office:
    """An office that holds.

    Attributes:
        title: As people know it.
        role: Who acts for it.
        causes: What it may hold for.
    """

    title: str
    role: str
    causes: frozenset[str]


OFFICES: Mapping[str, Office] = {
    "bursary": Office("the Bursary", "bursar", policies.MONEY),
    "library": Office("the Library", "librarian", frozenset({policies.ANCILLARY})),
    "registry": Office(
        "the Registrar's Office", "registrar",
        frozenset({"document", "academic", "identity", "disciplinary", "health"}),
    ),
    "exams": Office("the Exams Office", "exams officer", frozenset({"academic"})),
}  # fmt: skip


def desk_of(office: str) -> str:
    """Say which of `OFFICES` an office is: `library/north` is a library."""
    return office.partition("/")[0]


def title_of(office: str) -> str:
    """Call an office as people know it."""
    desk, _, place = office.partition("/")
    title = OFFICES[desk].title
    return f"{title} ({place})" if place else title


@dataclass(frozen=True, slots=True)
class Held:
    """A hold as it is on a day.

    Attributes:
        id: Its own number in the database.
        number: By which people name it.
        person: Whose.
        kind: One of `policies.KINDS`.
        cause: One of the kind's.
        office: Which office holds it: `bursary`, `library/north`.
        term: Of which term, if of one alone.
        amount_minor: How much is owed, in minor units of `currency`.
        currency: Of the amount.
        visibility: everybody or office.
        source: The system that told of it and its reference, if a system did.
        placed_on: From which day.
        expires_on: The last day.
        standing: What it is on that day.
        loans: How many things are lent, where the system says so.
        told_on: On which day the system said what it says, if a system tells of it.
        silent_since: Since when nothing was heard of that system, where that is too long.
    """

    id: int
    number: str
    person: int
    kind: str
    cause: str
    office: str
    term: str
    amount_minor: int | None
    currency: str
    visibility: str
    source: tuple[str, str]
    placed_on: date
    expires_on: date | None
    standing: Standing
    loans: int | None = None
    told_on: date | None = None
    silent_since: date | None = None

    @property
    def figure(self) -> Figure:
        """How much, and how many."""
        return Figure(self.amount_minor, self.loans)


@dataclass(frozen=True, slots=True)
class Exempted:
    """A window in which a hold, or every one if None, does not count against a service.

    Attributes:
        hold: Which hold, by its number in the database.
        service: Which service.
        ends_on: The last day.
        starts_on: The first day.
        number: By which it is ended.
    """

    hold: int | None
    service: str
    ends_on: date
    starts_on: date | None = None
    number: int = 0


# What is said of a kind and cause, and what clears it.
_SAID: Mapping[tuple[str, str], tuple[str, str]] = {
    ("debt", "tuition"): (
        "Tuition is owed.", "Pay it, or agree on how to pay it, with {office}."),
    ("debt", "ancillary"): (
        "Something other than tuition is owed.", "Pay it, or agree on how, with {office}."),
    ("loan", "ancillary"): (
        "Something that was lent is not returned.", "Return it to {office}, or pay for it."),
    ("clearance", "ancillary"): (
        "Something is lent and not back yet.", "Return it to {office}."),
    ("document", "document"): ("A document is missing.", "Hand it in at {office}."),
    ("identity", "identity"): (
        "Identity is not shown.", "Show an identity document at {office}."),
    ("academic", "academic"): (
        "An academic condition is open.", "Meet it, and ask {office} to record it."),
    ("conduct", "disciplinary"): ("A case is open.", "Ask {office} how far the case is."),
    ("health", "health"): ("A health condition is open.", "Ask {office} what is asked for."),
}  # fmt: skip
_VEILED = ("What it is, that office alone tells.", "Ask {office}, in person or in writing.")


def concerns(held: Held, service: str, term: str) -> bool:
    """Whether a hold has to do with a service for a term, or for all terms if it is empty.

    A debt follows the term in which it was owed where results or transcripts are asked for;
    elsewhere it counts for every term. Other holds of a term count for that term.
    """
    if not term:
        return True
    if held.cause in policies.MONEY:
        return service not in _BY_TERM or held.term == term
    return held.term in ("", term)


def checks(
    holds: Iterable[Held],
    exemptions: Sequence[Exempted],
    service: str,
    *,
    policy: Policy,
    term: str = "",
) -> list[Check]:
    """Say what holds mean for a service; nothing for those that mean nothing.

    Args:
        holds: As they are on the day; those that do not stand are passed over.
        exemptions: Of the person, those that hold on the day.
        service: What is asked for.
        policy: By which it is judged.
        term: For which term; for all if empty.
    """
    found = []
    for held in holds:
        if held.standing.state not in STANDS or not concerns(held, service, term):
            continue
        ruling = policy.ruling(held.kind, held.cause, service)
        is_disputed = held.standing.state == DISPUTED
        effect = ruling.effect_on(held.figure, is_disputed=is_disputed)
        most = policies.limit(policy.profile, held.cause, service).effect
        effect = min(effect, most, key=policies.EFFECTS.index)
        if effect != policies.NONE:
            found.append(_check(held, service, policies.OUTCOMES[effect], exemptions))
    return found


def _check(held: Held, service: str, outcome: str, exemptions: Sequence[Exempted]) -> Check:
    office = title_of(held.office)
    name = f"hold {held.number}"
    for one in exemptions:
        if one.service == service and one.hold in (None, held.id):
            what = f"Hold {held.number} does not count for {service} until {one.ends_on}."
            return Check(name, PASSED, what, office)
    said, clears = _said(held)
    clears = clears.format(office=office)
    does = "stands in the way of" if outcome == BLOCKED else "is noted for"
    disputed = " It is disputed." if held.standing.state == DISPUTED else ""
    return Check(
        name, outcome, f"Hold {held.number} of {office} {does} {service}. {said}{disputed}",
        office, clears, _appeal(held, office),
    )  # fmt: skip


def _said(held: Held) -> tuple[str, str]:
    if held.visibility == OFFICE_ONLY:
        return _VEILED
    said, clears = _SAID[held.kind, held.cause]
    if held.told_on is None:
        return said, clears
    said = f"{said} Its system said so on {held.told_on}"
    if held.silent_since is None:
        return f"{said}.", f"{clears} Once the system says that it is settled, the hold goes."
    return (
        f"{said} and was last heard on {held.silent_since}.",
        f"{clears} Until the system is heard again {{office}} releases the hold by hand.",
    )


def remains(held: Held) -> str:
    """Say of a hold that stands that it goes on, to whoever sees somebody off."""
    office = title_of(held.office)
    said, clears = _said(held)
    return f"Hold {held.number} of {office} stays. {said} {clears.format(office=office)}"


def _appeal(held: Held, office: str) -> str:
    if held.standing.state == DISPUTED:
        return f"It is disputed since {held.standing.since}; {office} answers next."
    return f"If it is wrong, dispute hold {held.number}; {office} must then answer."

"""Applications as other rooms may read them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from django.db.models import Q

from matricula.kernel.errors import Refused
from matricula.kernel.histories import known
from matricula.sis.admissions import rules
from matricula.sis.admissions.models import (
    Application,
    ApplicationEvent,
    Condition,
    ConditionOutcome,
    Deposit,
    Offer,
    Particulars,
)
from matricula.sis.people import queries as people
from matricula.sis.people.rules import Described, Number, strongest_first

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

    from matricula.sis.people.rules import Candidate

_SOME = 500


@dataclass(frozen=True, slots=True)
class Applicant:
    """Who applies, as they wrote it.

    Attributes:
        given: Given names.
        family: Family name.
        born_on: Day of birth.
        email: Where they are answered.
        former_family: The family name they once had here.
        former_number: The student number they once had here.
    """

    given: str
    family: str
    born_on: date | None
    email: str
    former_family: str = ""
    former_number: str = ""


# Of whom nothing is written down yet.
NOBODY = Applicant("", "", None, "")


@dataclass(frozen=True, slots=True)
class Applied:
    """An application as it is on a day.

    Attributes:
        number: Which.
        programme: What for.
        term: When it is to begin.
        mode: full or part.
        deferred_from: The application whose place it carries; empty if none.
        standing: What it is on that day.
        applicant: Who; None where nobody is written down on that day.
        terms: The offer that counts; None where none was made.
        persons: Whom a matriculation that stands found the applicant to be.
    """

    number: str
    programme: str
    term: str
    mode: str
    deferred_from: str
    standing: rules.Standing
    applicant: Applicant | None
    terms: rules.Terms | None
    persons: frozenset[int]


@dataclass(frozen=True, slots=True)
class Line:
    """One event in the history of an application.

    Attributes:
        act: By which act it was recorded.
        action: What was done.
        effective_on: From which day it counts.
        recorded_at: When we came to know of it.
        reason: Why.
        account: Who recorded it.
        stands: Whether it counts: nothing took it back, and it takes nothing back itself.
    """

    act: str
    action: str
    effective_on: date
    recorded_at: datetime
    reason: str
    account: str
    stands: bool


def row(number: str) -> Application:
    """Find an application.

    Raises:
        Refused: There is none (M951).
    """
    found = Application.objects.filter(number=number).select_related("deferred_from").first()
    if found is None:
        raise Refused(
            "M951", f"There is no application {number}.",
            cure="Look the number up: `matricula register application list`.",
        )  # fmt: skip
    return found


def events(applications: Iterable[int]) -> dict[int, list[rules.Event]]:
    """Give the events of applications, in the order in which they were recorded."""
    found: dict[int, list[rules.Event]] = {number: [] for number in applications}
    rows = ApplicationEvent.objects.filter(application__in=list(found))
    for one in rows.select_related("offer").order_by("id"):
        found[one.application_id].append(as_event(one))
    return found


def as_event(one: ApplicationEvent) -> rules.Event:
    """Take a row for the value that the rules speak of."""
    offer = getattr(one, "offer", None)
    # A carried offer was accepted before: its last day is told and ends nothing.
    return rules.Event(
        one.pk, one.action, one.effective_on, one.recorded_at, one.reason, one.supersedes_id,
        offer.expires_on if offer else None,
    )  # fmt: skip


def of_numbers(
    numbers: Iterable[str], *, on: date, known_at: datetime | None = None
) -> list[Applied]:
    """Tell of applications as they are on a day."""
    return _told(Application.objects.filter(number__in=list(numbers)), on, known_at)


def matching(
    *,
    programme: str = "",
    term: str = "",
    state: str = "",
    on: date,
    known_at: datetime | None = None,
) -> list[Applied]:
    """Tell of the applications for a programme and a term and in a state, each left out at will.

    Returns:
        Those of one state in the order in which they came to it, of a waitlist the order in
        which places are offered; otherwise by number.
    """
    found = _told(_chosen(programme, term), on, known_at)
    if not state:
        return found
    alike = [one for one in found if one.standing.state == state]
    return sorted(alike, key=lambda one: (one.standing.since or on, one.number))


def _chosen(programme: str, term: str) -> QuerySet[Application]:
    chosen = Application.objects.all()
    if programme:
        chosen = chosen.filter(programme=programme)
    return chosen.filter(term=term) if term else chosen


def of_persons(
    persons: Iterable[int], *, on: date, known_at: datetime | None = None
) -> list[Applied]:
    """Tell of the applications by which some persons became students."""
    wanted = set(persons)
    of_them = ApplicationEvent.objects.filter(person__in=wanted).values("application")
    found = _told(Application.objects.filter(pk__in=of_them), on, known_at)
    return [one for one in found if one.persons & wanted]


def expiring(
    first: date, last: date, *, on: date, programme: str = "", term: str = ""
) -> list[Applied]:
    """List the offers that nobody has taken yet and that lapse after one of some days.

    Args:
        first: The first such day.
        last: The last, included.
        on: The day on which it is asked.
        programme: Of one programme, if not of all.
        term: For one term, if not for all.

    Returns:
        What lapses first comes first.
    """
    ending = Offer.objects.filter(expires_on__range=(first, last))
    chosen = _chosen(programme, term).filter(pk__in=ending.values("event__application"))
    dated = [
        (one.terms.expires_on, one.number, one)
        for one in _told(chosen, on, None)
        if one.standing.state == rules.OFFERED and one.terms
    ]
    return [
        one for day, _, one in sorted(dated, key=lambda held: held[:2]) if first <= day <= last
    ]


def of_act(act: str) -> list[ApplicationEvent]:
    """List the events that an act recorded, the earliest first."""
    found = ApplicationEvent.objects.filter(act=act).order_by("id")
    return list(found.select_related("application"))


def history(number: str, *, known_at: datetime | None = None) -> list[Line]:
    """List what was recorded of an application, the earliest first, with what was taken back."""
    found = ApplicationEvent.objects.filter(application__number=number).order_by("id")
    if known_at is not None:
        found = found.filter(recorded_at__lte=known_at)
    rows = list(found.select_related("offer"))
    stands = {one.number for one in rules.standing([as_event(one) for one in rows])}
    return [
        Line(
            one.act, one.action, one.effective_on, one.recorded_at, one.reason, one.account,
            one.pk in stands,
        )
        for one in rows
    ]  # fmt: skip


def similar(number: str, *, on: date) -> list[str]:
    """List the other open applications that may be the same applicant's.

    Born on the same day, with the same family name or the same address.
    """
    (mine,) = of_numbers([number], on=on)
    who = mine.applicant
    if who is None or who.born_on is None:
        return []
    alike = Q(family__iexact=who.family) | Q(email__iexact=who.email)
    rows = Particulars.objects.filter(alike, born_on=who.born_on)
    numbers = set(rows.values_list("event__application__number", flat=True)) - {number}
    # What is linked by a deferral is one place, not two applications.
    linked = {one.number for one in of_numbers(numbers, on=on) if one.deferred_from == number}
    return sorted(
        one.number
        for one in of_numbers(numbers - linked, on=on)
        if one.standing.state in rules.OPEN and one.number != mine.deferred_from
    )


def candidates(who: Applicant | None) -> list[Candidate]:
    """List who an applicant may be, by all they wrote of themselves, the strongest first.

    A student number they once had, a former family name and an address they had count.
    """
    if who is None:
        return []
    held = (Number("sis", "student", who.former_number),) if who.former_number else ()
    described = Described(who.given, who.family, who.born_on, who.email, numbers=held)
    found: dict[int, Candidate] = {}
    for family in dict.fromkeys((who.family, who.former_family or who.family)):
        for one in people.alike(replace(described, family=family)):
            both = [one, found[one.person]] if one.person in found else [one]
            found[one.person] = strongest_first(both)[0]
    return strongest_first(found.values())


def _told(chosen: QuerySet[Application], on: date, known_at: datetime | None) -> list[Applied]:
    rows = list(chosen.select_related("deferred_from").order_by("number"))
    # In portions: a database takes only so many values in one question.
    return [
        one
        for begin in range(0, len(rows), _SOME)
        for one in _tell(rows[begin : begin + _SOME], on, known_at)
    ]


def _tell(rows: Sequence[Application], on: date, known_at: datetime | None) -> list[Applied]:
    held = events([one.pk for one in rows])
    standing = {pk: rules.state_on(of, on, known_at=known_at) for pk, of in held.items()}
    stands = {
        pk: [one for one in _stands(of, known_at) if one.effective_on <= on]
        for pk, of in held.items()
    }
    applicants = _applicants(stands)
    offers = terms((one.offer for one in standing.values() if one.offer), on=on, known_at=known_at)
    persons = _persons(stands)
    return [
        Applied(
            one.number, one.programme, one.term, one.mode,
            one.deferred_from.number if one.deferred_from else "", standing[one.pk],
            applicants.get(one.pk), offers.get(standing[one.pk].offer or 0), persons[one.pk],
        )
        for one in rows
    ]  # fmt: skip


def _stands(held: Sequence[rules.Event], known_at: datetime | None) -> list[rules.Event]:
    return rules.standing(known(held, known_at))


def _applicants(stands: Mapping[int, Sequence[rules.Event]]) -> dict[int, Applicant]:
    numbers = {one.number: pk for pk, held in stands.items() for one in held}
    found = {}
    # The later one takes the place of the earlier.
    for one in Particulars.objects.filter(event__in=list(numbers)).order_by("event"):
        found[numbers[one.event_id]] = Applicant(
            one.given, one.family, one.born_on, one.email, one.former_family, one.former_number
        )
    return found


def _persons(stands: Mapping[int, Sequence[rules.Event]]) -> dict[int, frozenset[int]]:
    admitted = {
        one.number: pk
        for pk, held in stands.items()
        for one in held
        if one.action == "matriculate"
    }
    found: dict[int, set[int]] = {pk: set() for pk in stands}
    rows = ApplicationEvent.objects.filter(pk__in=list(admitted))
    for number, person in rows.values_list("pk", "person"):
        if person is not None:
            found[admitted[number]].add(person)
    return {pk: frozenset(held) for pk, held in found.items()}


def terms(
    offered: Iterable[int], *, on: date, known_at: datetime | None = None
) -> dict[int, rules.Terms]:
    """Tell of offers as they stand on a day, by the events that made or carried them."""
    rows = list(Offer.objects.filter(event__in=list(offered)).select_related("terms"))
    first = {one.pk: one.terms or one for one in rows}
    chain = {one.pk for one in first.values()}
    counting = _counting(chain, on, known_at)
    outcomes = _outcomes(chain, counting)
    paid: dict[int, int] = defaultdict(int)
    currency = {one.pk: one.currency for one in first.values()}
    for deposit in Deposit.objects.filter(offer__in=chain, event__in=counting).order_by("event"):
        paid[deposit.offer_id] += deposit.amount_minor
        # Nothing was asked for: then what came in first says in which currency.
        currency[deposit.offer_id] = currency[deposit.offer_id] or deposit.currency
    return {
        one.event_id: rules.Terms(
            one.expires_on, tuple(outcomes[first[one.pk].pk]), first[one.pk].deposit_minor,
            paid[first[one.pk].pk], currency[first[one.pk].pk],
        )
        for one in rows
    }  # fmt: skip


def _counting(chain: Iterable[int], on: date, known_at: datetime | None) -> set[int]:
    """Number the notes about some offers that stand, on whichever application they were made."""
    notes = Q(conditionoutcome__condition__offer__in=chain) | Q(deposit__offer__in=chain)
    about = ApplicationEvent.objects.filter(notes).values("application")
    found: set[int] = set()
    for held in events(set(about.values_list("application", flat=True))).values():
        found |= {one.number for one in _stands(held, known_at) if one.effective_on <= on}
    return found


def _outcomes(chain: Iterable[int], counting: Iterable[int]) -> dict[int, list[rules.Outcome]]:
    decided: dict[int, ConditionOutcome] = {}
    rows = ConditionOutcome.objects.filter(condition__offer__in=chain, event__in=counting)
    for one in rows.select_related("event").order_by("event"):
        decided[one.condition_id] = one
    found: dict[int, list[rules.Outcome]] = defaultdict(list)
    words = {"meet": "met", "waive": "waived"}
    for condition in Condition.objects.filter(offer__in=chain).order_by("place"):
        said = decided.get(condition.pk)
        found[condition.offer_id].append(
            rules.Outcome(
                condition.place, condition.text, words[said.event.action], said.evidence,
                said.event.account, said.event.effective_on,
            )
            if said
            else rules.Outcome(condition.place, condition.text)
        )  # fmt: skip
    return found

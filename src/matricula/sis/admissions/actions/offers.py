"""Offer a place, decide its conditions, take its deposit, and carry it to a later term."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.admissions import access, queries, rules
from matricula.sis.admissions.actions.steps import Wish, new_application, write_down
from matricula.sis.admissions.actions.writing import amount, locked_history, put, tell
from matricula.sis.admissions.models import Condition, ConditionOutcome, Deposit, Offer
from matricula.sis.curriculum import queries as curriculum

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.admissions.models import Application

_CURRENCY_LETTERS = 3
# Somebody has a place, or may have it for the asking.
_HELD = (rules.OFFERED, rules.ACCEPTED)


@dataclass(frozen=True, slots=True)
class Offering:
    """What is offered. Without conditions it is a firm offer.

    Attributes:
        expires_on: The last day on which it can be accepted.
        conditions: What it asks for, each in a sentence without personal values.
        deposit_minor: What is to be paid before matriculation, in minor units.
        currency: Of the deposit.
    """

    expires_on: date
    conditions: Sequence[str] = ()
    deposit_minor: int = 0
    currency: str = ""


@dataclass(frozen=True, slots=True)
class Ruling:
    """What becomes of a condition.

    Attributes:
        place: Which of the offer's conditions, from 1.
        is_waived: Whether it is waived; else it was met.
        evidence: By what it was shown, or why it need not be: a reference, no personal value.
    """

    place: int
    is_waived: bool
    evidence: str


@dataclass(frozen=True, slots=True)
class Payment:
    """Money that came in.

    Attributes:
        reference: The payment's own, of whoever moved the money; none counts twice.
        amount_minor: In minor units.
        currency: Of it.
    """

    reference: str
    amount_minor: int
    currency: str


def offer(doing: Doing, number: str, offering: Offering, *, on: date) -> Offer:
    """Offer a place; a later offer takes the place of an earlier one that was not accepted.

    Raises:
        Refused: As `access.application`; the history does not allow it (M952); the deposit
            makes no sense (M955).
    """
    found = access.application(doing.acting, number, to="offer a place")
    _must_be_money(offering.deposit_minor, offering.currency, least=0)
    event = put(doing, found, "offer", on, expires_on=offering.expires_on)
    made = Offer.objects.create(
        event=event, deposit_minor=offering.deposit_minor, currency=offering.currency,
        expires_on=offering.expires_on,
    )  # fmt: skip
    Condition.objects.bulk_create(
        Condition(offer=made, place=place, text=text)
        for place, text in enumerate(offering.conditions, 1)
    )
    tell(
        doing, found, "terms of offer",
        after={
            "expires_on": offering.expires_on.isoformat(),
            "conditions": list(offering.conditions),
            "deposit_minor": offering.deposit_minor, "currency": offering.currency,
        },
    )  # fmt: skip
    return made


def decide_condition(doing: Doing, number: str, ruling: Ruling, *, on: date) -> ConditionOutcome:
    """Record that a condition of the offer was met or waived, by whom and on which evidence.

    Raises:
        Refused: As `access.application`; there is no offer that counts on that day, no such
            condition or no evidence (M953).
    """
    found = access.application(doing.acting, number, to="decide a condition")
    terms = _terms(found, on, states=_HELD)
    condition = Condition.objects.filter(offer=terms, place=ruling.place).first()
    if condition is None:
        places = Condition.objects.filter(offer=terms).count()
        raise Refused(
            "M953", f"The offer of {number} has no condition {ruling.place}.",
            cure=f"Its conditions are counted from 1 to {places}." if places else "It is firm.",
        )  # fmt: skip
    if not ruling.evidence.strip():
        raise Refused(
            "M953", f"Condition {ruling.place} of {number} is decided without evidence.",
            cure="Say by what it was shown, or why it need not be: --evidence.",
        )  # fmt: skip
    event = put(doing, found, "waive" if ruling.is_waived else "meet", on)
    made = ConditionOutcome.objects.create(
        event=event, condition=condition, evidence=ruling.evidence
    )
    tell(
        doing, found, "decide condition",
        after={"condition": ruling.place, "evidence": ruling.evidence},
    )  # fmt: skip
    return made


def _terms(found: Application, on: date, *, states: Collection[str]) -> Offer:
    """Find the offer that counts on a day: the first one, with the conditions and deposits.

    Raises:
        Refused: There is none, or the application is in no state for it (M953).
    """
    (told,) = queries.of_numbers([found.number], on=on)
    made = Offer.objects.filter(event=told.standing.offer).select_related("terms").first()
    if made is None or told.standing.state not in states:
        raise Refused(
            "M953",
            f"No offer of {found.number} counts on {on}: it is "
            f"{told.standing.state or 'not there yet'}.",
            cure=f"It must be {' or '.join(sorted(states))}.", place=rules.OFFICE,
        )  # fmt: skip
    return made.terms or made


def take_deposit(doing: Doing, number: str, payment: Payment, *, on: date) -> Deposit:
    """Record a deposit that came in; one that was recorded before changes nothing.

    Money is recorded whatever became of the offer; what is not asked for is left to a person.

    Raises:
        Refused: As `access.application`; no offer was ever made by that day (M953); the
            reference is another payment's, or the amount makes no sense (M955).
    """
    found = access.application(doing.acting, number, to="record a deposit")
    _must_be_money(payment.amount_minor, payment.currency, least=1)
    terms = _terms(found, on, states=rules.STATES)
    # From here on a second payment waits, and then finds the first.
    history = locked_history(found)
    known = Deposit.objects.filter(reference=payment.reference).first()
    if known is not None:
        _must_be_the_same(known, payment, terms, number)
        doing.name("deposit application", "application", number)
        doing.left.append(_was_recorded(known, history))
        return known
    _must_be_in_its_currency(number, payment, on)
    event = put(doing, found, "deposit", on)
    Deposit.objects.bulk_create(
        [
            Deposit(
                event=event, offer=terms, reference=payment.reference,
                amount_minor=payment.amount_minor, currency=payment.currency,
            )
        ],
        ignore_conflicts=True,
    )  # fmt: skip
    made = Deposit.objects.get(reference=payment.reference)
    if made.event_id != event.pk:
        raise _of_another(payment, number)
    tell(
        doing, found, "take deposit",
        after={"reference": payment.reference, "amount_minor": payment.amount_minor,
               "currency": payment.currency},
    )  # fmt: skip
    _leave_what_is_odd(doing, number, on)
    return made


def _was_recorded(known: Deposit, history: Sequence[rules.Event]) -> str:
    counts = known.event_id in {one.number for one in rules.standing(history)}
    since = "" if counts else " and taken back since; reverse that, if it did come in"
    return f"The payment {known.reference} was recorded before{since}: nothing is changed."


def _must_be_the_same(known: Deposit, payment: Payment, terms: Offer, number: str) -> None:
    asked = (terms.pk, payment.amount_minor, payment.currency)
    if (known.offer_id, known.amount_minor, known.currency) != asked:
        raise _of_another(payment, number)


def _of_another(payment: Payment, number: str) -> Refused:
    return Refused(
        "M955", f"The reference {payment.reference} is that of another payment.",
        cure=f"Give the payment for {number} the reference of whoever moved the money.",
    )  # fmt: skip


def _must_be_in_its_currency(number: str, payment: Payment, on: date) -> None:
    (told,) = queries.of_numbers([number], on=on)
    asked = told.terms.currency if told.terms else ""
    if asked and asked != payment.currency:
        raise Refused(
            "M955", f"The deposit of {number} is in {asked}, not in {payment.currency}.",
            cure=f"Record what came in of {asked}.",
        )  # fmt: skip


def _must_be_money(amount_minor: int, currency: str, *, least: int) -> None:
    letters = currency.isascii() and currency.isalpha() and currency.isupper()
    fits = letters and len(currency) == _CURRENCY_LETTERS
    if amount_minor < least or (amount_minor and not fits):
        raise Refused(
            "M955", f"{amount_minor} minor units of {currency or 'no currency'} are no deposit.",
            cure="Give an amount above nothing and a currency of three letters, such as GBP.",
        )  # fmt: skip


def _leave_what_is_odd(doing: Doing, number: str, on: date) -> None:
    (told,) = queries.of_numbers([number], on=on)
    if told.standing.state not in _HELD:
        doing.left.append(
            f"Money came in for {number}, which is {told.standing.state}: see whether it goes "
            "back."
        )
    if told.terms and told.terms.paid_minor > told.terms.deposit_minor:
        over = amount(told.terms.paid_minor - told.terms.deposit_minor, told.terms.currency)
        doing.left.append(f"{over} more than the deposit was paid for {number}.")


def defer(doing: Doing, number: str, term: str, *, on: date) -> Application:
    """Carry an accepted place to a later term: a linked application that is accepted there.

    Its conditions, their outcomes and the deposit are those of the first offer.

    Args:
        doing: The act.
        number: The application whose place it is.
        term: The later term.
        on: From which day.

    Returns:
        The application for the later term.

    Raises:
        Refused: As `access.application`; there is no such term (M921); it is not later, or
            the place is not accepted (M952).
    """
    found = access.application(doing.acting, number, to="defer a place")
    begins, now = curriculum.term(term).starts_on, curriculum.term(found.term).starts_on
    if begins <= now:
        raise Refused(
            "M952", f"{term} begins on {begins}, not after {found.term} does on {now}.",
            cure="A place is deferred to a later term; for another one, apply anew.",
        )  # fmt: skip
    terms = _terms(found, on, states=(rules.ACCEPTED,))
    (told,) = queries.of_numbers([number], on=on)
    put(doing, found, "defer", on)
    made = new_application(doing, Wish(found.programme, term, found.mode), deferred_from=found)
    event = put(doing, made, "carry", on, expires_on=begins)
    Offer.objects.create(event=event, terms=terms, expires_on=begins)
    if told.applicant:
        write_down(doing, made, event, told.applicant)
    return made

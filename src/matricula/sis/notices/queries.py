"""Notices as other rooms may read them, and who would be told."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.kernel.errors import Refused
from matricula.sis.enrolment import queries as enrolment
from matricula.sis.notices import rules
from matricula.sis.notices.models import Delivery, Notice
from matricula.sis.registration import queries as registration
from matricula.sis.registration.rules import LIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from matricula.sis.registration.queries import Registered


@dataclass(frozen=True, slots=True)
class Told:
    """What became of a notice for one person. Where it went is not told.

    Attributes:
        student_no: Who.
        state: waiting, sending, sent or refused.
        said: The mail server's words, without the address.
        sent_at: When the server took it.
        acknowledged_at: When the person said that they had read it.
        is_cut_short: Whether nobody knows if it arrived.
    """

    student_no: str
    state: str
    said: str
    sent_at: datetime | None
    acknowledged_at: datetime | None
    is_cut_short: bool = False


@dataclass(frozen=True, slots=True)
class Letter:
    """A notice as the person reads it to whom it was sent.

    Attributes:
        number: Its number.
        subject: What it is about.
        body: The text.
        sent_on: When it was written.
        must_acknowledge: Whether the person is asked to say that they have read it.
        acknowledged_at: When they did.
    """

    number: str
    subject: str
    body: str
    sent_on: datetime
    must_acknowledge: bool
    acknowledged_at: datetime | None


def notice(number: str) -> Notice:
    """Find a notice.

    Raises:
        Refused: There is none (M976).
    """
    found = Notice.objects.filter(number=number).first()
    if found is None:
        raise Refused(
            "M976", f"There is no notice {number}.", cure="See what `notice send` answered."
        )
    return found


def latest(most: int) -> list[Notice]:
    """List the latest notices, the latest first."""
    return list(Notice.objects.order_by("-id")[:most])


def audience_of(found: Notice) -> rules.Audience:
    """Say whom a notice was meant for."""
    return rules.read(rules.parts(found.audience))


def told(number: str, *, at: datetime) -> list[Told]:
    """List what became of a notice, person by person."""
    rows = Delivery.objects.filter(notice__number=number).order_by("student_no")
    return [
        Told(
            one.student_no, one.state, one.said, one.sent_at, one.acknowledged_at,
            rules.is_cut_short(one.state, one.tried_at, at=at),
        )
        for one in rows
    ]  # fmt: skip


def counts(rows: Iterable[Told]) -> dict[str, int]:
    """Count what became of a notice: the states, who acknowledged it, what was cut short."""
    held = list(rows)
    states = Counter(one.state for one in held)
    return {
        **{state: states[state] for state in rules.STATES},
        "acknowledged": sum(one.acknowledged_at is not None for one in held),
        "cut short": sum(one.is_cut_short for one in held),
    }


def not_acknowledged(rows: Iterable[Told]) -> list[str]:
    """List the numbers of those who have not said that they read it."""
    return [one.student_no for one in rows if one.acknowledged_at is None]


def letters_of(person: int) -> list[Letter]:
    """List the notices that were sent to a person, the latest first, as they read them."""
    rows = Delivery.objects.filter(person=person).select_related("notice").order_by("-id")
    return [
        Letter(
            one.notice.number, one.notice.subject, one.notice.body, one.notice.recorded_at,
            one.notice.must_acknowledge, one.acknowledged_at,
        )
        for one in rows
    ]  # fmt: skip


def meant(audience: rules.Audience, *, on: date) -> dict[str, int]:
    """Say who is meant by an audience on a day: the person for each student's number.

    Raises:
        Refused: A number is no student's (M977), or a section or term is none (M921).
    """
    named = _named(audience, on)
    programmes, states = audience.of(rules.PROGRAMME), audience.of(rules.STATUS)
    if not (programmes or states):
        return named or {}
    held = _registered(named, programmes, states, on)
    counting = frozenset(states) or LIVE
    return {
        one.student_no: one.person
        for one in held
        if one.standing.state in counting and (not programmes or one.programme in programmes)
    }


def _registered(
    named: Mapping[str, int] | None, programmes: Sequence[str], states: Sequence[str], on: date
) -> list[Registered]:
    """List the registrations among which to choose: as few as the other conditions leave."""
    if named is not None:
        return registration.of_students(sorted(named), on=on)
    if programmes:
        return [one for code in programmes for one in registration.of_programme(code, on=on)]
    return registration.in_states(states, on=on)


def _named(audience: rules.Audience, on: date) -> dict[str, int] | None:
    """Choose by section, term and number; None where none of them is asked for."""
    chosen = [
        _all(_in_section(code, on) for code in audience.of(rules.SECTION)),
        _all(enrolment.registered_in(code, on=on) for code in audience.of(rules.TERM)),
        _students(audience.of(rules.STUDENT)),
    ]
    kinds = (rules.SECTION, rules.TERM, rules.STUDENT)
    asked = [
        found for kind, found in zip(kinds, chosen, strict=True) if audience.of(kind)
    ]  # fmt: skip
    if not asked:
        return None
    common = set(asked[0]).intersection(*asked[1:])
    return {number: person for number, person in asked[0].items() if number in common}


def _all(found: Iterable[Mapping[str, int]]) -> dict[str, int]:
    return {number: person for some in found for number, person in some.items()}


def _in_section(code: str, on: date) -> dict[str, int]:
    return {one.student_no: one.person for one in enrolment.roster(code, on=on)}


def _students(numbers: Sequence[str]) -> dict[str, int]:
    found = registration.persons_of(numbers)
    unknown = [number for number in numbers if number not in found]
    if unknown:
        raise Refused(
            "M977", f"Nobody is the student {', '.join(unknown[:10])}.",
            cure="Correct the numbers, or leave them out.",
        )  # fmt: skip
    return found

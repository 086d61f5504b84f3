"""Holds, what they mean, and what was decided, as other rooms may read them."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from django.db.models import Q

from matricula.kernel.checks import Check
from matricula.kernel.errors import Refused
from matricula.kernel.words import meant
from matricula.sis.holds import models, rules
from matricula.sis.people import queries as people
from matricula.sis.received import queries as received

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from django.db.models import QuerySet

Found = TypeVar("Found")


def checks_for(
    persons: Iterable[int],
    service: str,
    *,
    on: date,
    policy: str,
    term: str = "",
    known_at: datetime | None = None,
) -> dict[int, list[Check]]:
    """Say what the holds of persons mean for a service; every person has a list, if an empty one.

    Outcomes are notice, warned and blocked; and passed, for a hold that would count but for
    an exemption. Each check names the hold, the office, what clears it and how to object.

    Args:
        persons: Whose.
        service: One of `rules.SERVICES`.
        on: The day on which it is asked for.
        policy: The profile that the institution chose: `acting.policy`.
        term: For which term; for all of them if empty.
        known_at: As it was known at an instant; now if None.

    Raises:
        Refused: There is no such service or policy (M944).
    """
    if service not in rules.SERVICES:
        raise Refused(
            "M944", f"There is no service {service}.", cure=meant(service, rules.SERVICES)
        )
    by = policy_of(policy, known_at=known_at)
    held = holds_of(persons, on=on, known_at=known_at)
    some = [person for person, holds in held.items() if holds]
    exempted = exemptions_of(some, on=on, known_at=known_at) if some else {}
    return {
        person: rules.checks(holds, exempted.get(person, []), service, policy=by, term=term)
        for person, holds in held.items()
    }


def holds_of(
    persons: Iterable[int], *, on: date, known_at: datetime | None = None
) -> dict[int, list[rules.Held]]:
    """List the holds of persons as they are on a day, as known now or at an instant.

    Those that were released or expired are among them; those that began later, or whose
    placing was taken back, are not. What is held against somebody who was merged is held
    against the survivor, and the other way round.
    """
    family = people.family(persons, known_at=known_at)
    everybody = {number for numbers in family.values() for number in numbers}
    rows = models.Hold.objects.filter(person__in=everybody, placed_on__lte=on)
    held = as_held(rows, on=on, known_at=known_at)
    return _for_each(family, ((one.person, one) for one in held))


def that_stay(person: int, *, on: date) -> list[str]:
    """Say of what stands against somebody that it goes on, for whoever sees them off."""
    found = holds_of([person], on=on)[person]
    return [rules.remains(one) for one in found if one.standing.state in rules.STANDS]


def _for_each(
    family: Mapping[int, tuple[int, ...]], found: Iterable[tuple[int, Found]]
) -> dict[int, list[Found]]:
    """Give each person what was found of any of the numbers under which they are known."""
    of: dict[int, list[Found]] = defaultdict(list)
    for person, one in found:
        of[person].append(one)
    return {
        person: [one for number in numbers if number in of for one in of[number]]
        for person, numbers in family.items()
    }


def as_held(
    rows: QuerySet[models.Hold], *, on: date, known_at: datetime | None = None
) -> list[rules.Held]:
    """Take rows for the values that the rules speak of, those that are there on a day."""
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    held = list(rows.order_by("number"))
    history = events([one.pk for one in held])
    sizes = figures([one.pk for one in held if one.source_reference])
    silent = _silent_since(on) if sizes and known_at is None else None
    found = []
    for one in held:
        standing = rules.state_on(
            history[one.pk], on, expires_on=one.expires_on, known_at=known_at
        )
        if standing.state:
            told = [
                size for size in sizes.get(one.pk, [])
                if size.effective_on <= on and (known_at is None or size.recorded_at <= known_at)
            ]  # fmt: skip
            made = _held(one, standing, told)
            is_silent = made.source[0] == received.CLEARANCE and standing.state in rules.STANDS
            found.append(replace(made, silent_since=silent) if is_silent else made)
    return found


def _silent_since(on: date) -> date | None:
    """Say since when nothing was heard of who tells of clearance, where that is too long ago."""
    heard = received.heard_at(received.CLEARANCE)
    return heard.date() if heard and on - heard.date() > rules.PATIENCE else None


def _held(
    one: models.Hold, standing: rules.Standing, told: Sequence[models.HoldFigure]
) -> rules.Held:
    # What was settled keeps the size that it had.
    sizes = [size for size in map(as_figure, told) if not size.is_nothing]
    size = sizes[-1] if sizes else rules.Figure(one.amount_minor)
    return rules.Held(
        one.pk, one.number, one.person, one.kind, one.cause, one.office, one.term,
        size.amount_minor, one.currency, one.visibility,
        (one.source_system, one.source_reference), one.placed_on, one.expires_on, standing,
        size.loans, told[-1].effective_on if told else None,
    )  # fmt: skip


def figures(holds: Iterable[int]) -> dict[int, list[models.HoldFigure]]:
    """Give what systems said that holds are for, in the order in which it was recorded."""
    numbers = list(holds)
    found: dict[int, list[models.HoldFigure]] = defaultdict(list)
    if numbers:
        for one in models.HoldFigure.objects.filter(hold__in=numbers).order_by("id"):
            found[one.hold_id].append(one)
    return found


def as_figure(one: models.HoldFigure) -> rules.Figure:
    """Take a row for the value that the rules speak of."""
    return rules.Figure(one.amount_minor, one.loans)


def row(number: str) -> models.Hold:
    """Find a hold by its number.

    Raises:
        Refused: There is none (M943).
    """
    found = models.Hold.objects.filter(number=number).first()
    if found is None:
        raise Refused(
            "M943", f"There is no hold {number}.",
            cure="Look it up: `matricula register hold list STUDENT`.",
        )  # fmt: skip
    return found


def of_office(office: str, *, on: date, known_at: datetime | None = None) -> list[rules.Held]:
    """List what an office holds on a day, as known now or at an instant; whatever stands."""
    rows = models.Hold.objects.filter(office=office, placed_on__lte=on)
    held = as_held(rows, on=on, known_at=known_at)
    return [one for one in held if one.standing.state in rules.STANDS]


def events_of_act(act: str) -> list[models.HoldEvent]:
    """List the events that an act recorded, the earliest first."""
    return list(models.HoldEvent.objects.filter(act=act).select_related("hold").order_by("id"))


def events(holds: Iterable[int]) -> dict[int, list[rules.Event]]:
    """Give the events of holds, in the order in which they were recorded."""
    found: dict[int, list[rules.Event]] = {number: [] for number in holds}
    if not found:
        return found
    for one in models.HoldEvent.objects.filter(hold__in=list(found)).order_by("id"):
        found[one.hold_id].append(
            rules.Event(
                one.pk, one.action, one.effective_on, one.recorded_at, one.reason,
                one.supersedes_id,
            )
        )  # fmt: skip
    return found


def exemptions_of(
    persons: Iterable[int], *, on: date, known_at: datetime | None = None
) -> dict[int, list[rules.Exempted]]:
    """List the exemptions of persons that hold on a day, as known now or at an instant."""
    family = people.family(persons, known_at=known_at)
    everybody = {number for numbers in family.values() for number in numbers}
    rows = models.Exemption.objects.filter(
        person__in=everybody, starts_on__lte=on, ends_on__gte=on
    )
    if known_at is None:
        rows = rows.filter(withdrawn_at=None)
    else:
        rows = rows.filter(
            Q(withdrawn_at=None) | Q(withdrawn_at__gt=known_at), recorded_at__lte=known_at
        )
    given = (
        (one.person,
         rules.Exempted(one.hold_id, one.service, one.ends_on, one.starts_on, one.pk))
        for one in rows.order_by("id")
    )  # fmt: skip
    return _for_each(family, given)


def exemption(number: int) -> models.Exemption:
    """Find an exemption that was not ended.

    Raises:
        Refused: There is none (M943).
    """
    rows = models.Exemption.objects.filter(pk=number, withdrawn_at=None)
    found = rows.select_related("hold").first()
    if found is None:
        raise Refused(
            "M943", f"There is no exemption {number} that holds.",
            cure="See what was done: its number stands in the audit.",
        )  # fmt: skip
    return found


def exemptions_of_act(act: str) -> list[models.Exemption]:
    """List the exemptions that an act gave and nobody ended."""
    rows = models.Exemption.objects.filter(act=act, withdrawn_at=None)
    return list(rows.select_related("hold").order_by("id"))


def policy_of(profile: str, *, known_at: datetime | None = None) -> rules.Policy:
    """Give the policy that an institution chose, with its own rulings over the preset.

    Raises:
        Refused: There is no such profile (M944).
    """
    if profile not in rules.PROFILES:
        raise Refused(
            "M944", f"There is no hold policy {profile}.", cure=meant(profile, rules.PROFILES)
        )
    rows = models.HoldPolicy.objects.filter(profile=profile).order_by("number")
    if known_at is not None:
        rows = rows.filter(recorded_at__lte=known_at)
    # The latest comes last, and counts.
    own = list(rows)
    return rules.Policy(
        profile,
        {
            (one.kind, one.cause, one.service): rules.Ruling(
                one.effect, one.disputed, one.threshold_minor, one.threshold_loans
            )
            for one in own
        },
        own[-1].number if own else 0,
    )


def decisions(person: int) -> list[rules.Decision]:
    """List what was answered to somebody, the latest first."""
    rows = models.Decision.objects.filter(person__in=people.family([person])[person])
    return [
        rules.Decision(
            one.person, one.service, one.about, one.result,
            tuple(Check(**check) for check in one.checks),
            one.policy, one.account, one.act, one.decided_at,
        )
        for one in rows.order_by("-decided_at", "-id")
    ]  # fmt: skip

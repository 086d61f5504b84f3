"""Exempt persons from holds for a time, and rule what holds mean; a second person agrees."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts.actions import permit
from matricula.accounts.rules import About
from matricula.kernel.errors import Refused
from matricula.sis.acts.actions import next_numbers
from matricula.sis.holds import access, models, queries, rules
from matricula.sis.people.actions import second_person

if TYPE_CHECKING:
    from datetime import date

    from matricula.sis.acts.actions import Doing


@dataclass(frozen=True, slots=True)
class Window:
    """For which service a hold does not count, and when.

    Attributes:
        service: One of `rules.SERVICES`.
        starts_on: The first day.
        ends_on: The last day.
    """

    service: str
    starts_on: date
    ends_on: date


def exempt(doing: Doing, hold: str, window: Window) -> models.Exemption:
    """Let a hold not count against a service for a time, for a reason; it stands all the same.

    Args:
        doing: The act, with a second person.
        hold: The hold's number.
        window: Which service, and when.

    Raises:
        Refused: Not the office that holds (M903), nobody else agreed (M909), a word is not
            known (M944), or the window ends before it begins (M945).
    """
    held = access.hold(doing.acting, hold, to="exempt from a hold")
    return _exempt(doing, held.person, held, window)


def exempt_from_all(doing: Doing, person: int, window: Window) -> models.Exemption:
    """Let no hold of a person count against a service for a time: the registrar's exception.

    Raises:
        Refused: As `exempt`; only the registrar may.
    """
    name = "exempt from every hold"
    permit(doing.acting, name, access.ALLOWED[name])
    return _exempt(doing, person, None, window)


def _exempt(
    doing: Doing, person: int, hold: models.Hold | None, window: Window
) -> models.Exemption:
    reason = doing.acting.reason
    rules.must_be_known("service", window.service, rules.SERVICES)
    rules.must_be_known("reason to exempt", reason, rules.EXEMPTING)
    if window.ends_on < window.starts_on:
        raise Refused(
            "M945", f"The last day, {window.ends_on}, is before {window.starts_on}.",
            cure="Correct one of the two days.",
        )  # fmt: skip
    second_person(doing, "An exemption", _about(person, hold))
    made = models.Exemption.objects.create(
        person=person, hold=hold, service=window.service, starts_on=window.starts_on,
        ends_on=window.ends_on, approver=doing.acting.approver, reason=reason, act=doing.act,
        recorded_at=doing.acting.at,
    )  # fmt: skip
    _tell(doing, "exempt", made)
    return made


def _about(person: int, hold: models.Hold | None) -> About:
    if hold is None:
        return About("person", str(person), access.facts_of("", person))
    return About("hold", hold.number, access.facts_of(hold.office, person))


def end_exemption(doing: Doing, number: int) -> models.Exemption:
    """Let an exemption end now, so that the hold counts again.

    Raises:
        Refused: There is none that holds (M943), or the one who exempts is another (M903).
    """
    found = queries.exemption(number)
    return _end(doing, found)


def end_exemptions_of(doing: Doing, act: str) -> list[models.Exemption]:
    """Take back the exemptions that an act gave."""
    return [_end(doing, found) for found in queries.exemptions_of_act(act)]


def _end(doing: Doing, found: models.Exemption) -> models.Exemption:
    if found.hold is None:
        name = "exempt from every hold"
        permit(doing.acting, name, access.ALLOWED[name])
    else:
        access.permit_at(doing.acting, "exempt from a hold", found.hold.office, found.hold.person)
    found.withdrawn_at = doing.acting.at
    found.save(update_fields=["withdrawn_at"])
    _tell(doing, "end exemption", found)
    return found


def _tell(doing: Doing, action: str, one: models.Exemption) -> None:
    number = str(one.pk)
    doing.name(action, "exemption", number)
    told = {
        "person": one.person, "hold": one.hold.number if one.hold else "", "service": one.service,
        "starts_on": one.starts_on.isoformat(), "ends_on": one.ends_on.isoformat(),
        "reason": one.reason, "approver": one.approver,
    }  # fmt: skip
    doing.record("exemption", number, action, after=told)


def rule(doing: Doing, own: rules.OwnRuling) -> models.HoldPolicy:
    """Rule what a kind of hold does to a service, over what the preset says.

    Args:
        doing: The act, with a second person.
        own: The ruling. Every one is kept; the latest of a service counts.

    Raises:
        Refused: Not the registrar (M903), nobody else agreed (M909), a word is not known
            (M944), or no policy may go as far (M946).
    """
    permit(doing.acting, "rule on holds", access.ALLOWED["rule on holds"])
    rules.must_be_allowed(own)
    key = f"{own.profile} {own.kind} {own.cause} {own.service}".replace("  ", " ")
    second_person(doing, "A ruling on holds", About("hold policy", key))
    number = next_numbers(f"hold policy {own.profile}")[0]
    before = queries.policy_of(own.profile).ruling(own.kind, own.cause, own.service)
    made = models.HoldPolicy.objects.create(
        profile=own.profile, number=number, kind=own.kind, cause=own.cause, service=own.service,
        effect=own.ruling.effect, disputed=own.ruling.disputed,
        threshold_minor=own.ruling.threshold_minor,
        threshold_loans=own.ruling.threshold_loans, act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip
    doing.name("rule on holds", "hold policy", key)
    doing.record("hold policy", key, "rule", before=before.as_json(), after=own.ruling.as_json())
    return made

"""Place holds and record what happens to them; only the office that holds releases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.kernel.histories import REVERSE, standing_events
from matricula.sis.acts.actions import next_numbers
from matricula.sis.holds import access, models, queries, rules

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from django.db.models import QuerySet

    from matricula.sis.acts.actions import Doing

_DIGITS = 8


def place(doing: Doing, claim: rules.Claim) -> models.Hold:
    """Hold something against a person.

    A system that tells the same claim again places nothing: it is given the hold that stands.

    Args:
        doing: The act.
        claim: What is held, and by which office.

    Raises:
        Refused: A word is not known (M944), something is missing (M945), the office is
            another's (M903), or the same is held already, or the source holds something else
            under the reference (M947).
    """
    rules.must_be_whole(claim)
    access.permit_at(doing.acting, "place a hold", claim.office, claim.person)
    # First, for whoever takes a number has the others wait: nobody places the same meanwhile.
    (number,) = numbered(1)
    told_before = _told_before(claim, on=doing.acting.today)
    if told_before is not None:
        doing.name("place a hold", "hold", told_before.number)
        return told_before
    system, reference = claim.source
    made = models.Hold.objects.create(
        number=number, person=claim.person, registration=claim.registration, term=claim.term,
        kind=claim.kind, cause=claim.cause, office=claim.office,
        amount_minor=claim.amount_minor, currency=claim.currency, source_system=system,
        source_reference=reference, visibility=claim.seen_by, placed_on=claim.placed_on,
        expires_on=claim.expires_on, act=doing.act, recorded_at=doing.acting.at,
    )  # fmt: skip
    _record(doing, made, "place", claim.placed_on)
    return made


def numbered(count: int) -> list[str]:
    """Take the numbers of so many new holds."""
    return [f"{number:0{_DIGITS}d}" for number in next_numbers("hold", count)]


def _told_before(claim: rules.Claim, *, on: date) -> models.Hold | None:
    """Find the hold that stands for the same reference of the same system."""
    system, reference = claim.source
    if not reference:
        _must_be_another(claim, on=on)
        return None
    chosen = models.Hold.objects.filter(source_system=system, source_reference=reference)
    for one in _standing(chosen, on=on):
        if _what(claim) == _what(one):
            return one
        raise Refused(
            "M947", f"Hold {one.number} stands for {system} {reference} and says something else.",
            cure=f"Release hold {one.number} first, then place this one.",
            place=rules.title_of(one.office),
        )  # fmt: skip
    return None


def _must_be_another(claim: rules.Claim, *, on: date) -> None:
    """Refuse what somebody holds a second time in the same words, most often by mistake."""
    for one in _standing(models.Hold.objects.filter(person=claim.person), on=on):
        if (*_what(claim), claim.term) == (*_what(one), one.term):
            raise Refused(
                "M947", f"Hold {one.number} says the same and stands.",
                cure="There is nothing to do; if another amount is owed, say which.",
                place=rules.title_of(one.office),
            )  # fmt: skip


def _what(told: rules.Claim | models.Hold) -> tuple[int, str, str, str, int | None]:
    return (told.person, told.kind, told.cause, told.office, told.amount_minor)


def _standing(chosen: QuerySet[models.Hold], *, on: date) -> Iterator[models.Hold]:
    rows = list(chosen)
    events = queries.events([one.pk for one in rows])
    for one in rows:
        day = max(on, one.placed_on)
        standing = rules.state_on(events[one.pk], day, expires_on=one.expires_on)
        if standing.state in rules.STANDS:
            yield one


def dispute(doing: Doing, number: str, *, on: date) -> models.HoldEvent:
    """Dispute a hold: the person does, or the office writes down that they did.

    Args:
        doing: The act; its reason is why.
        number: The hold's.
        on: From which day; whoever disputes their own hold does so once, and from today.

    Raises:
        Refused: Neither the person nor the office (M903), or it cannot be disputed (M942).
    """
    hold = access.hold(doing.acting, number, to=access.DISPUTE)
    if doing.acting.role == "student":
        _must_be_first(doing, hold, on)
    made = _record(doing, hold, "dispute", on)
    doing.left.append(f"{rules.title_of(hold.office)} answers the dispute of hold {number}.")
    return made


def _must_be_first(doing: Doing, hold: models.Hold, on: date) -> None:
    """Let a person dispute once; otherwise an answered hold would be disputed for ever."""
    office = rules.title_of(hold.office)
    if on != doing.acting.today:
        raise Refused(
            "M942", "A dispute counts from the day on which it is raised.",
            cure="Leave the day out.", place=office,
        )  # fmt: skip
    stands = standing_events(queries.events([hold.pk])[hold.pk])
    answered = [one for one in stands if one.action == "settle"]
    if answered:
        raise Refused(
            "M942", f"The dispute of hold {hold.number} was answered on "
            f"{answered[-1].effective_on}.",
            cure=f"Write to {office}, which can record another.", place=office,
        )  # fmt: skip


def settle(doing: Doing, number: str, *, on: date) -> models.HoldEvent:
    """Answer a dispute: the hold stands. One that does not stand is released.

    Raises:
        Refused: Not the office that holds (M903), or there is no dispute (M942).
    """
    hold = access.hold(doing.acting, number, to="settle a dispute")
    return _record(doing, hold, "settle", on)


def release(doing: Doing, number: str, *, on: date) -> models.HoldEvent:
    """Release a hold for a reason, whether it is disputed or not.

    Raises:
        Refused: Not the office that holds, nor its system (M903), it stands no more, or the
            reason is one that only a system gives (M942).
    """
    hold = access.hold(doing.acting, number, to="release a hold")
    if doing.acting.reason in rules.TOLD_SO and doing.acting.role != "system":
        raise Refused(
            "M942",
            f"Nobody but a connected system says of hold {number}: {doing.acting.reason}.",
            cure="Say what you know yourself: " + ", ".join(rules.BY_HAND) + ".",
        )
    return _record(doing, hold, "release", on)


def reverse_events(doing: Doing, act: str) -> list[models.HoldEvent]:
    """Take back what an act recorded of holds, each event by one that supersedes it.

    Raises:
        Refused: Not the office that holds (M903), or what was recorded since does not allow
            it (M942).
    """
    made = []
    for event in reversed(queries.events_of_act(act)):
        hold = access.hold(doing.acting, event.hold.number, to="reverse what happened to a hold")
        made.append(_record(doing, hold, REVERSE, event.effective_on, supersedes=event))
    return made


def _record(
    doing: Doing,
    hold: models.Hold,
    action: str,
    on: date,
    *,
    supersedes: models.HoldEvent | None = None,
) -> models.HoldEvent:
    # Nobody else adds to its history until this act ends.
    models.Hold.objects.select_for_update().get(pk=hold.pk)
    history = queries.events([hold.pk])[hold.pk]
    move = rules.TRANSITIONS.get(action)
    reason = doing.acting.reason if move is not None and move.reasons else ""
    new = rules.Event(
        max((one.number for one in history), default=0) + 1, action, on, doing.acting.at, reason,
        supersedes.pk if supersedes else None,
    )  # fmt: skip
    office = rules.title_of(hold.office)
    must_pass(
        rules.may_happen(history, new, office=office, expires_on=hold.expires_on), code="M942"
    )
    before, after = (
        rules.state_on(events, on, expires_on=hold.expires_on).state
        for events in (history, [*history, new])
    )
    made = models.HoldEvent.objects.create(
        hold=hold, action=action, reason=reason, effective_on=on, supersedes=supersedes,
        act=doing.act, recorded_at=new.recorded_at,
    )  # fmt: skip
    doing.name(f"{action} a hold", "hold", hold.number)
    told = {
        "person": hold.person, "kind": hold.kind, "cause": hold.cause, "office": hold.office,
        "state": after, "reason": reason, "effective_on": on.isoformat(),
    }  # fmt: skip
    doing.record("hold", hold.number, action, before={"state": before}, after=told)
    return made

"""How an event comes into the history of an application: the one way, for every action."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts.rules import About
from matricula.kernel.checks import must_pass
from matricula.kernel.money import to_major
from matricula.sis.admissions import access, queries, rules
from matricula.sis.admissions.models import Application, ApplicationEvent
from matricula.sis.people import queries as people
from matricula.sis.people.actions import second_person

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from matricula.sis.acts.actions import Doing
    from matricula.sis.admissions.queries import Applied


def locked_history(application: Application) -> list[rules.Event]:
    """Read a history that nobody else adds to until this act ends."""
    Application.objects.select_for_update().get(pk=application.pk)
    return queries.events([application.pk])[application.pk]


def beyond(history: Sequence[rules.Event]) -> int:
    """Give an event that is not written yet a number after all others."""
    return max((event.number for event in history), default=0) + 1


def put(
    doing: Doing,
    application: Application,
    action: str,
    on: date,
    *,
    expires_on: date | None = None,
    person: int | None = None,
) -> ApplicationEvent:
    """Put an event into the history of an application, which must stay legal on both sides.

    The reason is that of the act, where the action asks for one.

    Args:
        doing: The act. Whether its role may has been asked by `access`.
        application: Whose.
        action: One of `rules.TRANSITIONS` or `rules.NOTES`.
        on: From which day it counts.
        expires_on: Of an offer, its last day.
        person: Of a matriculation, who the applicant is.

    Raises:
        Refused: The history does not allow it, or something is missing (M952), or an answer
            to an offer that lapsed since needs a second person (M909).
    """
    history = locked_history(application)
    acting = doing.acting
    asked = rules.TRANSITIONS.get(action)
    # What is adverse has a ground; what is not would only repeat that of another act.
    reason = acting.reason if asked and asked.needs_reason else ""
    new = rules.Event(beyond(history), action, on, acting.at, reason, expires_on=expires_on)
    must_pass(rules.checks(history, new), code="M952")
    if rules.late(history, new, today=acting.today):
        what = "To accept an offer after it lapsed, as of an earlier day,"
        (told,) = queries.of_numbers([application.number], on=acting.today)
        second_person(doing, what, about(told))
    return insert(doing, application, history, new, person=person)


def insert(
    doing: Doing,
    application: Application,
    history: Sequence[rules.Event],
    new: rules.Event,
    *,
    person: int | None = None,
) -> ApplicationEvent:
    """Write an event that was looked at, and tell of it."""
    day = new.effective_on
    before = rules.state_on(history, day).state
    after = rules.state_on([*history, new], day).state
    made = ApplicationEvent.objects.create(
        application=application, action=new.action, from_state=before, to_state=after,
        reason=new.reason, effective_on=day, person=person, supersedes_id=new.supersedes,
        account=doing.acting.account, act=doing.act, recorded_at=new.recorded_at,
    )  # fmt: skip
    number = application.number
    doing.name(f"{new.action} application", "application", number)
    tell(
        doing, application, new.action, before={"state": before},
        after={"state": after, "reason": new.reason, "effective_on": day.isoformat()},
    )  # fmt: skip
    return made


def tell(
    doing: Doing,
    application: Application,
    action: str,
    *,
    before: Mapping[str, object] | None = None,
    after: Mapping[str, object],
) -> None:
    """Write what was done to an application into the audit."""
    doing.record("application", application.number, action, before=before, after=after)


def amount(minor: int, currency: str) -> str:
    """Write an amount for a person."""
    return f"{to_major(minor, currency)} {currency}"


def about(told: Applied, *persons: int) -> About:
    """Name an application as what a second person agrees to, and whom it is about."""
    members = {one for known in people.family(persons).values() for one in known}
    facts = access.facts_of(told.programme, told.persons | members)
    return About("application", told.number, facts)

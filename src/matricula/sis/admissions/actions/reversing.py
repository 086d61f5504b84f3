"""Take back what was recorded of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.checks import must_pass
from matricula.kernel.errors import Refused
from matricula.sis.acts import queries as acts
from matricula.sis.admissions import access, queries, rules
from matricula.sis.admissions.actions.writing import (
    agreed_if_closed,
    beyond,
    insert,
    locked_history,
)
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.registration import actions as registration
from matricula.sis.registration import queries as registrations

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.kernel.checks import Check
    from matricula.sis.acts.actions import Doing
    from matricula.sis.admissions.models import Application, ApplicationEvent


def take_back(doing: Doing, act: str) -> list[ApplicationEvent]:
    """Take an act of Admissions back as a whole, and with a matriculation its registration.

    Raises:
        Refused: As `reverse`; there is no such act (M908), or it did nothing to an
            application (M953); the registration goes on (M912), or a second person must agree
            because it reaches back over a day that is closed (M909).
    """
    done = acts.act(act)
    recorded = queries.of_act(act)
    if not recorded:
        raise Refused(
            "M953", f"{act} did nothing to an application.",
            cure="See what was done: `matricula register application show NUMBER`.",
        )  # fmt: skip
    doing.name(f"reverse {done.action}", done.entity, done.key)
    doing.reverses = act
    for one in recorded:
        if one.person is not None:
            _take_registration_back(doing, one.application, act)
    return reverse(doing, act)


def _take_registration_back(doing: Doing, application: Application, act: str) -> None:
    number = application.number
    access.application(doing.acting, number, to="reverse a matriculation")
    (told,) = queries.of_numbers([number], on=doing.acting.today)
    term = curriculum.term(told.term)
    for event in registrations.of_act(act):
        agreed_if_closed(
            doing, told, f"To reverse the matriculation of {number}", term, event.effective_on
        )  # fmt: skip
    registration.reverse(doing, act)


def reverse(doing: Doing, act: str) -> list[ApplicationEvent]:
    """Take back what an act recorded of applications, each event by one that supersedes it.

    Returns:
        The events that take back; none where the act did nothing to an application.

    Raises:
        Refused: Not permitted (M903); the applicant is a student and Admissions would write
            (M956); it was taken back already, or what was recorded since does not allow it
            (M952).
    """
    made = []
    for event in reversed(queries.of_act(act)):
        to = "reverse an admissions act"
        if event.person is not None:
            to = "reverse a matriculation"
        found = access.application(doing.acting, event.application.number, to=to)
        history = locked_history(found)
        must_pass(_stands(event, history), code="M952")
        new = rules.Event(
            beyond(history), rules.REVERSE, event.effective_on, doing.acting.at,
            supersedes=event.pk,
        )  # fmt: skip
        must_pass(rules.checks(history, new), code="M952")
        # Kept with the person: to take this back again is a matriculation, too.
        made.append(insert(doing, found, history, new, person=event.person))
    return made


def _stands(event: ApplicationEvent, history: Sequence[rules.Event]) -> list[Check]:
    """Say whether an event was taken back already, or was and counts again since."""
    over = {one.supersedes: one.number for one in history if one.supersedes is not None}
    last, times = event.pk, 0
    while last in over:
        last, times = over[last], times + 1
    if not times:
        return []
    act = queries.act_of(last)
    what = f"To {event.action} on {event.effective_on} was taken back already"
    if times % 2:
        return [rules.no("history", f"{what}.", f"To have it count again, reverse {act}.")]
    return [
        rules.no("history", f"{what}, and counts again since {act}.", f"Reverse {act} instead.")
    ]

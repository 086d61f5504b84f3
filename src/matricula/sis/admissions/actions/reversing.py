"""Take back what was recorded of applications."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.kernel.checks import must_pass
from matricula.sis.admissions import access, queries, rules
from matricula.sis.admissions.actions.writing import beyond, insert, locked_history

if TYPE_CHECKING:
    from matricula.sis.acts.actions import Doing
    from matricula.sis.admissions.models import ApplicationEvent


def reverse(doing: Doing, act: str) -> list[ApplicationEvent]:
    """Take back what an act recorded of applications, each event by one that supersedes it.

    Whoever calls has seen that nothing took the act back before, and takes back the registration
    of a matriculation with it.

    Returns:
        The events that take back; none where the act did nothing to an application.

    Raises:
        Refused: Not permitted (M903); the applicant is a student and Admissions would write
            (M956); or what was recorded since does not allow it (M952).
    """
    made = []
    for event in reversed(queries.of_act(act)):
        to = "reverse an admissions act"
        if event.person is not None:
            to = "reverse a matriculation"
        found = access.application(doing.acting, event.application.number, to=to)
        history = locked_history(found)
        new = rules.Event(
            beyond(history), rules.REVERSE, event.effective_on, doing.acting.at,
            supersedes=event.pk,
        )  # fmt: skip
        must_pass(rules.checks(history, new), code="M952")
        # Kept with the person: to take this back again is a matriculation, too.
        made.append(insert(doing, found, history, new, person=event.person))
    return made

"""What the record says of a student, derived from what the registrations are: pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.sis.registration import rules

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.sis.registration.queries import Registered

# What other systems are told of a registration's state: one word of six.
STATUSES: Mapping[str, str] = {
    rules.ADMITTED: "admitted",
    rules.ACTIVE: "active",
    rules.COMPLETING: "active",
    rules.ON_LEAVE: "on_leave",
    rules.SUSPENDED: "suspended",
    rules.COMPLETED: "completed",
    rules.AWARDED: "completed",
    rules.WITHDRAWN: "withdrawn",
    rules.CHANGED: "withdrawn",
    rules.TRANSFERRED: "withdrawn",
    rules.LAPSED: "withdrawn",
    rules.DISMISSED: "withdrawn",
    rules.NEVER_STARTED: "withdrawn",
    rules.REVOKED: "withdrawn",
}
# Source: eduPerson's affiliations, with what a pause and an end leave of them.
AFFILIATIONS: Mapping[str, str] = {
    rules.ADMITTED: "pre-student",
    rules.ACTIVE: "student",
    rules.COMPLETING: "student",
    rules.ON_LEAVE: "student-limited",
    rules.SUSPENDED: "student-limited",
    rules.COMPLETED: "former",
    rules.AWARDED: "alum",
}
# Of several registrations the first of these states counts most.
_ORDER = (
    rules.ACTIVE, rules.COMPLETING, rules.ON_LEAVE, rules.SUSPENDED, rules.ADMITTED,
    rules.AWARDED, rules.COMPLETED,
)  # fmt: skip


def counting_most(held: Sequence[Registered]) -> Registered | None:
    """Choose the registration by which a student is known; None before any has begun.

    A live one before one that ended, and of several alike the one that began last.
    """
    begun = [one for one in held if one.standing.state]
    return min(begun, key=_rank, default=None)


def _rank(one: Registered) -> tuple[int, int]:
    state = one.standing.state
    place = _ORDER.index(state) if state in _ORDER else len(_ORDER)
    since = one.standing.since
    return place, -since.toordinal() if since else 0


def affiliation_of(held: Sequence[Registered]) -> str:
    """Say what a student is to the university: the best that any registration gives."""
    found = [AFFILIATIONS.get(one.standing.state, "former") for one in held if one.standing.state]
    order = ("student", "student-limited", "pre-student", "alum", "former")
    return next((word for word in order if word in found), "former")

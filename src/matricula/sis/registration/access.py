"""The only way to one student or registration on somebody's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import note_look, permit
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.registration import queries

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from matricula.accounts.rules import Acting
    from matricula.sis.registration.models import Registration

_REGISTRAR = {"registrar": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "read a registration": {
        "student": (scopes.OWN,),
        "exams officer": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME),
        "bursar": (scopes.ALL,),
        **_REGISTRAR,
    },
    "read a private reason": {"student": (scopes.OWN,), **_REGISTRAR},
    "matriculate": {**_REGISTRAR, "admissions": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)},
    "record an event": _REGISTRAR,
    "reverse an event": _REGISTRAR,
}


def facts(registration: Registration) -> scopes.Facts:
    """Say what a registration belongs to."""
    return scopes.Facts(
        persons=frozenset({registration.student.person}),
        programmes=frozenset({registration.programme}),
        departments=frozenset({curriculum.department_of(registration.programme)}),
    )


def registration(acting: Acting, number: str, *, to: str) -> Registration:
    """Fetch one registration for somebody who wants to do something with it.

    Args:
        acting: Who.
        number: The registration's number, or the student's.
        to: What for: a name in `ALLOWED`.

    Raises:
        Refused: They may not (M903), or there is no such registration (M911).
    """
    found = queries.row(number, on=acting.today)
    permit(acting, to, ALLOWED[to], facts(found))
    return found


def may_see_reason(acting: Acting, found: Registration, reason: str) -> bool:
    """Whether somebody may see why; that they looked at a private reason is noted."""
    from matricula.sis.registration.rules import REASONS

    if not REASONS.get(reason, False):
        return True
    if not scopes.may(acting, ALLOWED["read a private reason"], facts(found)):
        return False
    note_look(acting, what="private reason", entity="student", key=found.student.number)
    return True

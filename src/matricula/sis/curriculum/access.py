"""The only way to one part of the curriculum on somebody's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit
from matricula.sis.curriculum import queries
from matricula.sis.curriculum.models import Section

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from matricula.accounts.rules import Acting
    from matricula.sis.curriculum.models import Meeting, Module, Programme, Term

_READ = "read the curriculum"
_HEAD = {"head of department": (scopes.DEPARTMENT,)}
# Whoever answers for what is taught, and whoever answers for when and where.
_ACADEMIC = {"registrar": (scopes.ALL, scopes.DEPARTMENT), **_HEAD}
_PROGRAMME = {"registrar": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME), **_HEAD}
_TIMETABLE = {"scheduler": (scopes.ALL, scopes.DEPARTMENT), **_ACADEMIC}
# What belongs to no department.
_WHOLE = {"scheduler": (scopes.ALL,), "registrar": (scopes.ALL,)}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    _READ: scopes.GRANTABLE,
    "add a department": {"registrar": (scopes.ALL,)},
    "add a campus": _WHOLE,
    "add a room": _WHOLE,
    "add a term": _WHOLE,
    "change a term": _WHOLE,
    "add a programme": _ACADEMIC,
    "close a programme": _PROGRAMME,
    "add a curriculum version": _PROGRAMME,
    "add a module": _ACADEMIC,
    "add a module version": _ACADEMIC,
    "plan a section": _TIMETABLE,
    "open a section": _TIMETABLE,
    "close a section": _TIMETABLE,
    "finish a section": _TIMETABLE,
    "cancel a section": _TIMETABLE,
    "change the seats of a section": _TIMETABLE,
    "schedule a meeting": _TIMETABLE,
    "end a meeting": _TIMETABLE,
    "move a meeting": _TIMETABLE,
    "reverse a section's event": _TIMETABLE,
}


def may_read(acting: Acting) -> None:
    """Let somebody read what is taught: whoever holds any role may.

    Raises:
        Refused: They hold none today (M903).
    """
    # Whatever somebody's grant is for, the curriculum is part of it.
    held: dict[str, set[str]] = {scope: set() for scope in scopes.SCOPES}
    for grant in acting.grants:
        held[grant.scope].add(grant.value)
    permit(
        acting, _READ, ALLOWED[_READ],
        scopes.Facts(
            persons=frozenset() if acting.person is None else frozenset({acting.person}),
            sections=frozenset(held[scopes.SECTION]),
            modules=frozenset(held[scopes.MODULE]),
            departments=frozenset(held[scopes.DEPARTMENT]),
            programmes=frozenset(held[scopes.PROGRAMME]),
            offices=frozenset(held[scopes.OFFICE]),
        ),
    )  # fmt: skip


def may(acting: Acting, to: str, *, department: str = "") -> None:
    """Let somebody do something to what belongs to a department, or to none.

    Raises:
        Refused: They may not (M903).
    """
    departments = frozenset({department} if department else ())
    permit(acting, to, ALLOWED[to], scopes.Facts(departments=departments))


def programme(acting: Acting, code: str, *, to: str) -> Programme:
    """Fetch a programme for somebody who wants to do something with it.

    Raises:
        Refused: They may not (M903), or there is none (M921).
    """
    found = queries.programme(code)
    facts = scopes.Facts(
        programmes=frozenset({found.code}), departments=frozenset({found.department.code})
    )
    permit(acting, to, ALLOWED[to], facts)
    return found


def module(acting: Acting, code: str, *, to: str) -> Module:
    """Fetch a module for somebody who wants to do something with it.

    Raises:
        Refused: They may not (M903), or there is none (M921).
    """
    found = queries.module_row(code)
    may(acting, to, department=found.department.code)
    return found


def term(acting: Acting, code: str, *, to: str) -> Term:
    """Fetch a term for somebody who wants to do something with it; nobody else changes it now.

    Raises:
        Refused: They may not (M903), or there is none (M921).
    """
    may(acting, to)
    return queries.term_row(code, lock=True)


def section(acting: Acting, code: str, *, to: str) -> Section:
    """Fetch a section for somebody who wants to do something with it; nobody else does now.

    Raises:
        Refused: They may not (M903), or there is none (M921).
    """
    may(acting, to, department=queries.section(code).department)
    # The row alone: what it belongs to is locked by nobody who only changes a section.
    return Section.objects.select_for_update().get(code=code)


def meeting(acting: Acting, number: int, *, to: str) -> Meeting:
    """Fetch a meeting for somebody who wants to do something with it, its section locked.

    Raises:
        Refused: They may not (M903), or there is none (M921).
    """
    code = queries.meeting_row(number).section.code
    section(acting, code, to=to)
    # Read again under the lock: it may have been withdrawn meanwhile.
    return queries.meeting_row(number)

"""The only way to one person or member of staff on somebody's behalf."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import note_look, permit
from matricula.kernel.errors import Refused
from matricula.sis.people import queries, rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from matricula.accounts.rules import Acting
    from matricula.sis.people.models import StaffMember
    from matricula.sis.people.queries import Fact, Found, Known

_REGISTRAR = {"registrar": (scopes.ALL,)}
_OWN = {"student": (scopes.OWN,), **_REGISTRAR}
_WITHIN = (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)
_NEWCOMERS = {"registrar": _WITHIN, "admissions": _WITHIN}
_STAFFING = {
    "registrar": (scopes.ALL, scopes.DEPARTMENT),
    "head of department": (scopes.DEPARTMENT,),
}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "register a person": _NEWCOMERS,
    "change a legal name": _REGISTRAR,
    "change a display name": _OWN,
    "change a contact point": _OWN,
    "correct a birth date": _REGISTRAR,
    "set a directive": _OWN,
    "merge persons": _REGISTRAR,
    "undo a merge": _REGISTRAR,
    "hire": _REGISTRAR,
    "assign a duty": _STAFFING,
    "end a duty": _STAFFING,
    "read a person": _OWN,
    "read a person's name and number": {
        **_OWN,
        "registrar": _WITHIN,
        "admissions": _WITHIN,
        "bursar": (scopes.ALL, scopes.OFFICE),
        "librarian": (scopes.ALL, scopes.OFFICE),
    },
    "find a person": {
        "registrar": _WITHIN,
        "admissions": _WITHIN,
        "bursar": (scopes.ALL, scopes.OFFICE),
        "librarian": (scopes.ALL, scopes.OFFICE),
    },
}


@dataclass(frozen=True, slots=True)
class Someone:
    """A person who was reached on somebody's behalf.

    Attributes:
        person: Who it is: the survivor, where they were merged.
        members: All the numbers under which they are known, the survivor's first.
    """

    person: int
    members: tuple[int, ...]


def person(acting: Acting, number: int, *, to: str) -> Someone:
    """Reach one person for somebody who wants to do something with them.

    Whoever was merged is the survivor, and is their own under each of their numbers.

    Args:
        acting: Who.
        number: Of the person.
        to: What for: a name in `ALLOWED`.

    Raises:
        Refused: They may not (M903), or there is no such person (M931).
    """
    members = queries.family([number])[number]
    # Before it is said whether there is such a person: who may not reach one learns nothing.
    permit(acting, to, ALLOWED[to], _facts(acting, to, members))
    queries.person(number)
    return Someone(members[0], members)


def staff_member(acting: Acting, number: str, *, to: str, department: str) -> StaffMember:
    """Reach a member of staff for somebody who wants to do something within a department.

    Raises:
        Refused: They may not (M903), or there is no such member of staff (M931).
    """
    permit(acting, to, ALLOWED[to], scopes.Facts(departments=frozenset({department})))
    return queries.staff_member(number)


def may_register(acting: Acting) -> None:
    """Let somebody register newcomers, or refuse (M903)."""
    permit(acting, "register a person", ALLOWED["register a person"], _within_reach(acting))


def find(acting: Acting, text: str, *, limit: int = 20) -> list[Found]:
    """Find persons for somebody on the staff, in the few columns of a list.

    Raises:
        Refused: They may not (M903), or they look for nothing (M934).
    """
    permit(acting, "find a person", ALLOWED["find a person"], _within_reach(acting))
    if not rules.plain(text):
        raise Refused(
            "M934", "Nothing was said to look for.",
            cure="Give a name, a number or an e-mail address.",
        )  # fmt: skip
    return queries.find(text, on=acting.today, limit=limit)


def name_and_number(acting: Acting, number: int) -> Found:
    """Read by which name and numbers a person goes, for an office that needs no more.

    Raises:
        Refused: They may not (M903), or there is no such person (M931).
    """
    to = "read a person's name and number"
    someone = person(acting, number, to=to)
    return queries.as_found([someone.person], on=acting.today)[0]


@dataclass(frozen=True, slots=True)
class Portrait:
    """All that is known of a person on a day.

    Attributes:
        known: In a few words.
        facts: One by one, with since when each holds and since when it is known.
    """

    known: Known
    facts: tuple[Fact, ...]


def portrait(
    acting: Acting, number: int, *, on: date, known_at: datetime | None = None
) -> Portrait:
    """Read all that is known of a person on a day, as known now or at an instant.

    That somebody on the staff looked is noted.

    Raises:
        Refused: They may not (M903), or there is no such person (M931).
    """
    someone = person(acting, number, to="read a person")
    if acting.role != "student":
        note_look(acting, what="person", entity="person", key=str(someone.person))
    (known,) = queries.known([number], on=on, known_at=known_at).values()
    return Portrait(known, tuple(queries.facts(number, on=on, known_at=known_at)))


def _facts(acting: Acting, to: str, members: tuple[int, ...]) -> scopes.Facts:
    mine = frozenset(members)
    if to != "read a person's name and number":
        return scopes.Facts(persons=mine)
    within = _within_reach(acting)
    return scopes.Facts(mine, departments=within.departments, programmes=within.programmes,
                        offices=within.offices)  # fmt: skip


def _within_reach(acting: Acting) -> scopes.Facts:
    """Say what a person belongs to whom no office has for itself: to whatever was granted.

    Somebody who is to be registered belongs to no programme yet, and every office looks up
    whom it serves; so for these the role decides, within whichever scope it was granted.
    """

    def granted(scope: str) -> frozenset[str]:
        return frozenset(one.value for one in acting.grants if one.scope == scope)

    return scopes.Facts(
        departments=granted(scopes.DEPARTMENT), programmes=granted(scopes.PROGRAMME),
        offices=granted(scopes.OFFICE),
    )  # fmt: skip

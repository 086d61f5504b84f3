"""The only way to one application, or to a list of them, on somebody's behalf."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import note_look, permit
from matricula.kernel.errors import Refused
from matricula.sis.admissions import queries, rules
from matricula.sis.curriculum import queries as curriculum

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date, datetime

    from matricula.accounts.rules import Acting
    from matricula.sis.admissions.models import Application
    from matricula.sis.admissions.queries import Applied, Line
    from matricula.sis.people.rules import Candidate

_SCOPES = (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME)
_ADMISSIONS = {"admissions": _SCOPES}
_STAFF = {**_ADMISSIONS, "registrar": _SCOPES}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "read an application": {**_STAFF, "student": (scopes.OWN,)},
    "list applications": _STAFF,
    "look for people alike": _ADMISSIONS,
    "apply for somebody": _ADMISSIONS,
    "amend an application": _ADMISSIONS,
    "move an application": _ADMISSIONS,
    "offer a place": _ADMISSIONS,
    "decide a condition": _ADMISSIONS,
    "record a deposit": {**_ADMISSIONS, "bursar": (scopes.ALL,)},
    "defer a place": _ADMISSIONS,
    "matriculate an applicant": _ADMISSIONS,
    "reverse an admissions act": _ADMISSIONS,
    "reverse a matriculation": {"registrar": _SCOPES},
}
_READS = {"read an application", "list applications"}


def facts_of(programme: str, persons: Iterable[int] = ()) -> scopes.Facts:
    """Say what an application for a programme belongs to.

    Raises:
        Refused: There is no such programme (M921).
    """
    return scopes.Facts(
        persons=frozenset(persons),
        programmes=frozenset({programme}),
        departments=frozenset({curriculum.department_of(programme)}),
    )


def application(acting: Acting, number: str, *, to: str) -> Application:
    """Fetch one application for somebody who wants to do something with it.

    Args:
        acting: Who.
        number: The application's number.
        to: What for: a name in `ALLOWED`.

    Raises:
        Refused: There is no such application (M951), they may not (M903), or the applicant
            is a student now and Admissions would write (M956).
    """
    found = queries.row(number)
    (told,) = queries.of_numbers([number], on=acting.today)
    permit(acting, to, ALLOWED[to], facts_of(found.programme, told.persons))
    if to not in _READS and acting.role == "admissions":
        _must_not_be_over(told)
    return found


def _must_not_be_over(told: Applied) -> None:
    if told.standing.state == rules.MATRICULATED:
        raise Refused(
            "M956", f"The applicant of {told.number} is a student since {told.standing.since}.",
            cure="What happens to a student is recorded by the Registrar's Office, which can "
            "also take the matriculation back.", place="the Registrar's Office",
        )  # fmt: skip


def told(
    acting: Acting, number: str, *, on: date | None = None, known_at: datetime | None = None
) -> Applied:
    """Tell somebody of one application as it is today or on another day.

    Args:
        acting: Who asks.
        number: The application's.
        on: The day; today if None.
        known_at: As it was known at an instant; now if None.

    Raises:
        Refused: As `application`.
    """
    application(acting, number, to="read an application")
    (found,) = queries.of_numbers([number], on=on or acting.today, known_at=known_at)
    return found


def history(acting: Acting, number: str, *, known_at: datetime | None = None) -> list[Line]:
    """Tell somebody what was recorded of an application, with what was taken back.

    Raises:
        Refused: As `application`.
    """
    application(acting, number, to="read an application")
    return queries.history(number, known_at=known_at)


def alike(acting: Acting, number: str) -> list[Candidate]:
    """List the persons who may be an applicant, with what speaks for each; it is noted.

    Raises:
        Refused: As `application`.
    """
    application(acting, number, to="look for people alike")
    note_look(acting, what="people alike", entity="application", key=number)
    (found,) = queries.of_numbers([number], on=acting.today)
    return queries.candidates(found.applicant)


def listed(acting: Acting, found: Iterable[Applied]) -> list[Applied]:
    """Keep of some applications those that somebody may see in a list.

    Raises:
        Refused: They may see none at all, whatever it is for (M903).
    """
    held = list(found)
    what = "list applications"
    programmes = {one.programme for one in held}
    departments = {
        one["code"]: one["department"] for one in curriculum.programme_records(programmes)
    }
    granted = {(grant.scope, grant.value) for grant in acting.grants}
    everything = scopes.Facts(
        programmes=frozenset(value for scope, value in granted if scope == scopes.PROGRAMME),
        departments=frozenset(value for scope, value in granted if scope == scopes.DEPARTMENT),
    )
    permit(acting, what, ALLOWED[what], everything)
    return [
        one
        for one in held
        if scopes.may(
            acting, ALLOWED[what],
            scopes.Facts(
                programmes=frozenset({one.programme}),
                departments=frozenset({departments[one.programme]}),
            ),
        )
    ]  # fmt: skip

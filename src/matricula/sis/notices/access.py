"""The only way to a notice on somebody's behalf.

An audience is permitted by what it names: each programme, else each section, within the
scope that is granted. What names neither, or asks for a status besides sections, is for who
may write to everybody: the list of whom it went to would tell who has that status.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import permit
from matricula.sis.curriculum import queries as curriculum
from matricula.sis.notices import queries, rules

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.accounts.rules import Acting
    from matricula.sis.curriculum.rules import Taught
    from matricula.sis.notices.models import Notice

_SENDERS = {
    "registrar": (scopes.ALL, scopes.DEPARTMENT, scopes.PROGRAMME),
    "lecturer": (scopes.SECTION, scopes.MODULE),
}
_POST = {"registrar": (scopes.ALL,), "operator": (scopes.ALL,), "system": (scopes.ALL,)}
# Who may do what, by the name of the action or query.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    "send a notice": _SENDERS,
    "read a notice": _SENDERS,
    "read own notices": {"student": (scopes.OWN,)},
    "acknowledge a notice": {"student": (scopes.OWN,)},
    "deliver notices": _POST,
    "send a notice again": _POST,
}


def facts(audiences: Sequence[rules.Audience]) -> list[list[scopes.Facts]]:
    """Say what audiences belong to; whoever wants one needs a grant for each of its facts."""
    programmes = {code for one in audiences for code in one.of(rules.PROGRAMME)}
    sections = {code for one in audiences for code in one.of(rules.SECTION)}
    rows = curriculum.programme_records(programmes)
    departments = {row["code"]: row["department"] for row in rows}
    taught = curriculum.sections(sections)
    return [_facts(one, departments, taught) for one in audiences]


def _facts(
    one: rules.Audience, departments: Mapping[str, str], taught: Mapping[str, Taught]
) -> list[scopes.Facts]:
    if one.of(rules.PROGRAMME):
        return [
            scopes.Facts(
                programmes=frozenset({code}), departments=frozenset({departments[code]})
            )
            for code in one.of(rules.PROGRAMME)
        ]  # fmt: skip
    if one.of(rules.STATUS) or not one.of(rules.SECTION):
        return [scopes.NOTHING]
    return [
        scopes.Facts(
            sections=frozenset({code}), modules=frozenset({taught[code].module}),
            departments=frozenset({taught[code].department}),
        )
        for code in one.of(rules.SECTION)
    ]  # fmt: skip


def audience(acting: Acting, wanted: rules.Audience, *, to: str) -> None:
    """Let somebody write to an audience, or read what became of it, or refuse.

    Raises:
        Refused: They may not (M903), or it names no programme or section of ours (M921).
    """
    for code in wanted.of(rules.PROGRAMME):
        curriculum.programme(code)
    for code in wanted.of(rules.SECTION):
        curriculum.section(code)
    (found,) = facts([wanted])
    for one in found:
        permit(acting, to, ALLOWED[to], one)


def notices(acting: Acting, most: int = 200) -> list[Notice]:
    """List of the latest notices those whose audience somebody may write to.

    Args:
        acting: Who.
        most: Among how many of the latest is looked.

    Raises:
        Refused: In this role nobody may (M903).
    """
    allowed = ALLOWED["read a notice"]
    if acting.role not in allowed:
        permit(acting, "read a notice", allowed)
    latest = queries.latest(most)
    wanted = facts([queries.audience_of(one) for one in latest])
    return [
        one
        for one, some in zip(latest, wanted, strict=True)
        if all(scopes.may(acting, allowed, each) for each in some)
    ]


def notice(acting: Acting, number: str) -> tuple[Notice, list[queries.Told]]:
    """Fetch a notice and what became of it for somebody.

    Raises:
        Refused: There is none (M976), or they may not (M903).
    """
    found = queries.notice(number)
    audience(acting, queries.audience_of(found), to="read a notice")
    return found, queries.told(number, at=acting.at)


def own_letters(acting: Acting) -> list[queries.Letter]:
    """List the notices that were sent to somebody, for themselves."""
    return queries.letters_of(own(acting, to="read own notices"))


def may_deliver(acting: Acting) -> None:
    """Let somebody hand letters to the mail server, or refuse (M903)."""
    permit(acting, "deliver notices", ALLOWED["deliver notices"])


def own(acting: Acting, *, to: str) -> int:
    """Let somebody do something with what is their own, or refuse (M903); give who they are."""
    # Nobody has this number: an account of nobody reaches nothing.
    person = 0 if acting.person is None else acting.person
    permit(acting, to, ALLOWED[to], scopes.Facts(persons=frozenset({person})))
    return person

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
    from collections.abc import Collection, Mapping

    from matricula.accounts.rules import Acting
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


def facts(audience: rules.Audience) -> list[scopes.Facts]:
    """Say what an audience belongs to; whoever wants it needs a grant for each."""
    programmes = audience.of(rules.PROGRAMME)
    if programmes:
        return [
            scopes.Facts(
                programmes=frozenset({code}),
                departments=frozenset({curriculum.department_of(code)}),
            )
            for code in programmes
        ]
    sections = audience.of(rules.SECTION)
    if audience.of(rules.STATUS) or not sections:
        return [scopes.NOTHING]
    taught = [curriculum.section(code) for code in sections]
    return [
        scopes.Facts(
            sections=frozenset({one.code}), modules=frozenset({one.module}),
            departments=frozenset({one.department}),
        )
        for one in taught
    ]  # fmt: skip


def audience(acting: Acting, wanted: rules.Audience, *, to: str) -> None:
    """Let somebody write to an audience, or read what became of it, or refuse.

    Raises:
        Refused: They may not (M903), or it names no programme or section of ours (M921).
    """
    for one in facts(wanted):
        permit(acting, to, ALLOWED[to], one)


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
    own(acting, to="read own notices")
    return queries.letters_of(acting.person) if acting.person is not None else []


def own(acting: Acting, *, to: str) -> None:
    """Let somebody do something with what is their own, or refuse (M903)."""
    persons = frozenset() if acting.person is None else frozenset({acting.person})
    permit(acting, to, ALLOWED[to], scopes.Facts(persons=persons))

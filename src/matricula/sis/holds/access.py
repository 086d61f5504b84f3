"""The only way to one hold on somebody's behalf; what of it they may see."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matricula.accounts import rules as scopes
from matricula.accounts.actions import note_look, permit
from matricula.sis.holds import queries, rules
from matricula.sis.people import queries as people

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date, datetime

    from matricula.accounts.rules import Acting
    from matricula.kernel.checks import Check
    from matricula.sis.holds import models

_Allowed = dict[str, "Collection[str]"]
# What an office alone does with its own holds, or its system.
OWN_ACTS = (
    "place a hold", "settle a dispute", "release a hold", "reverse what happened to a hold",
    "exempt from a hold", "read a hold in full",
)  # fmt: skip
DISPUTE = "dispute a hold"


def _office(desk: str) -> _Allowed:
    role = rules.OFFICES[desk].role
    # A registrar and an exams officer are granted no office; they are the only one.
    within = [one for one in (scopes.ALL, scopes.OFFICE) if one in scopes.GRANTABLE[role]]
    return {role: within, "system": (scopes.OFFICE,)}


# Who may do what, by the name of the action or query; what offices do, once for each.
ALLOWED: Mapping[str, Mapping[str, Collection[str]]] = {
    **{f"{what} of the {desk}": _office(desk) for what in OWN_ACTS for desk in rules.OFFICES},
    **{
        f"{DISPUTE} of the {desk}": {"student": (scopes.OWN,), **_office(desk)}
        for desk in rules.OFFICES
    },
    "exempt from every hold": {"registrar": (scopes.ALL,)},
    "rule on holds": {"registrar": (scopes.ALL,)},
    "read that there are holds": {"student": (scopes.OWN,), "registrar": (scopes.ALL,)},
    "read the holds of an office": {
        "bursar": (scopes.ALL, scopes.OFFICE), "librarian": (scopes.ALL, scopes.OFFICE),
        "exams officer": (scopes.ALL,), "system": (scopes.OFFICE,),
    },
    "read decisions": {"student": (scopes.OWN,), "registrar": (scopes.ALL,)},
}  # fmt: skip


def permit_at(acting: Acting, what: str, office: str, person: int) -> None:
    """Let somebody do something with the holds of an office against a person, or refuse.

    Raises:
        Refused: They may not (M903).
    """
    name = f"{what} of the {rules.desk_of(office)}"
    permit(acting, name, ALLOWED[name], facts_of(office, person))


def facts_of(office: str, person: int) -> scopes.Facts:
    """Say what the holds of an office against a person belong to."""
    return scopes.Facts(persons=_known_as(person), offices=frozenset({office}))


def _known_as(person: int) -> frozenset[int]:
    """Give all numbers of a person: whoever was merged into another is still themselves."""
    return frozenset(people.family([person])[person])


def hold(acting: Acting, number: str, *, to: str) -> models.Hold:
    """Fetch one hold for somebody who wants to do something with it.

    Args:
        acting: Who.
        number: The hold's number.
        to: What for: one of `OWN_ACTS`, or to dispute a hold.

    Raises:
        Refused: They may not (M903), or there is no such hold (M943).
    """
    found = queries.row(number)
    permit_at(acting, to, found.office, found.person)
    return found


@dataclass(frozen=True, slots=True)
class Seen:
    """A hold as far as somebody may see it.

    Attributes:
        held: The hold; what they may not know is empty.
        is_veiled: Whether they are told only that there is one.
        exempted: For which services it does not count on that day.
    """

    held: rules.Held
    is_veiled: bool
    exempted: tuple[rules.Exempted, ...] = ()


def holds(
    acting: Acting, person: int, *, on: date, known_at: datetime | None = None
) -> list[Seen]:
    """List the holds of a person that somebody may see, as they are on a day.

    An office sees its own. The person and the registrar see them all, but of an office's own
    matter only that there is one. That somebody looked into such a matter is noted.

    Args:
        acting: Who asks.
        person: Whose.
        on: The day.
        known_at: As it was known at an instant; now if None.

    Raises:
        Refused: They see nobody's, or not this person's (M903).
    """
    whole = scopes.Facts(persons=_known_as(person))
    sees_all = scopes.may(acting, ALLOWED["read that there are holds"], whole)
    if not sees_all:
        # An office's grant is for its own holds, whosever they are: each is asked for below.
        mine = frozenset(one.value for one in acting.grants)
        name = "read the holds of an office"
        permit(acting, name, ALLOWED[name], scopes.Facts(offices=mine))
    found = queries.holds_of([person], on=on, known_at=known_at)[person]
    given = queries.exemptions_of([person], on=on, known_at=known_at)[person]
    seen = (_seen(acting, held, sees_all=sees_all) for held in found)
    return [
        replace(one, exempted=tuple(e for e in given if e.hold in (None, one.held.id)))
        for one in seen
        if one is not None
    ]


def holds_shown(
    acting: Acting, person: int, *, on: date, known_at: datetime | None = None
) -> list[Seen]:
    """List the holds that somebody may see who looks at a whole record; nobody is refused.

    Whoever may read the record and sees no holds is told of none.
    """
    names = ("read that there are holds", "read the holds of an office")
    mine = frozenset(one.value for one in acting.grants)
    facts = scopes.Facts(persons=_known_as(person), offices=mine)
    if not any(scopes.may(acting, ALLOWED[name], facts) for name in names):
        return []
    return holds(acting, person, on=on, known_at=known_at)


def at_office(acting: Acting, office: str, *, on: date) -> list[rules.Held]:
    """List what an office holds on a day, the disputed first: those wait for the office.

    Raises:
        Refused: Not this office (M903), or there is no such office (M944).
    """
    desk = rules.desk_of(office)
    rules.must_be_known("office", desk, rules.OFFICES)
    name = f"read a hold in full of the {desk}"
    permit(acting, name, ALLOWED[name], scopes.Facts(offices=frozenset({office})))
    held = queries.of_office(office, on=on)
    for one in held:
        _note(acting, one)
    return sorted(held, key=lambda one: one.standing.state != rules.DISPUTED)


def checks(acting: Acting, person: int, service: str, *, on: date, term: str = "") -> list[Check]:
    """Say to the person, or to the registrar, what their holds mean for a service.

    Raises:
        Refused: They may not know (M903), or there is no such service (M944).
    """
    name = "read that there are holds"
    permit(acting, name, ALLOWED[name], scopes.Facts(persons=_known_as(person)))
    found = queries.checks_for([person], service, on=on, policy=acting.policy, term=term)
    return found[person]


def _note(acting: Acting, held: rules.Held) -> None:
    """Note that somebody looked into an office's own matter."""
    if held.visibility == rules.OFFICE_ONLY:
        note_look(acting, what="hold of an office", entity="hold", key=held.number)


def _seen(acting: Acting, held: rules.Held, *, sees_all: bool) -> Seen | None:
    name = f"read a hold in full of the {rules.desk_of(held.office)}"
    is_secret = held.visibility == rules.OFFICE_ONLY
    if scopes.may(acting, ALLOWED[name], facts_of(held.office, held.person)):
        _note(acting, held)
        return Seen(held, is_veiled=False)
    if not sees_all:
        return None
    if not is_secret:
        return Seen(held, is_veiled=False)
    # Nor does the reason for which it stands or ended say what it is.
    standing = replace(held.standing, reason="")
    bare = replace(
        held, kind="", cause="", term="", amount_minor=None, currency="", source=("", ""),
        standing=standing, loans=None, told_on=None, silent_since=None,
    )  # fmt: skip
    return Seen(bare, is_veiled=True)


def decisions(acting: Acting, person: int) -> list[rules.Decision]:
    """List what was answered to a person, the latest first, for somebody who may know.

    Raises:
        Refused: They may not (M903).
    """
    whole = scopes.Facts(persons=_known_as(person))
    permit(acting, "read decisions", ALLOWED["read decisions"], whole)
    return queries.decisions(person)

"""What the charter grants a system that fetches, now: the kinds, the fields, the paths.

The charter is read for every request, so what a flow does not grant any more is not served any
more, whatever still lies in our tables. Everything that can be read, asked or sorted by is made
from this list; nothing else has a name here.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.api import agreement
from matricula.api.rules import NotServed
from matricula.connectors.scim_provider.conditions import Place
from matricula.connectors.scim_provider.entries import paths_of
from matricula.connectors.scim_provider.kinds import ACTIVE, GROUPS, MEMBERSHIPS, USERS, kinds
from matricula.connectors.scim_provider.settings import ScimProviderSettings
from matricula.kernel.errors import MatriculaError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.charter.model import Charter, Flow
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim_provider.kinds import Kind

CONNECTOR = "scim_provider"
_DIGITS = 8


@dataclass(frozen=True, slots=True)
class Grant:
    """What one system is granted of one kind of record.

    Attributes:
        system: The system's name in the charter.
        kind: What the records are.
        fields: The granted flat fields.
        places: Where their values stand, by path in small letters.
        members: Whether it may know who is in a group.
        owner: Whose the records are, in words.
        largest_page: Records on a page, at most.
    """

    system: str
    kind: Kind
    fields: Mapping[str, Attribute]
    places: Mapping[str, Place]
    members: bool
    owner: str
    largest_page: int

    @property
    def mark(self) -> str:
        """A text that is another one when something else is granted."""
        told = ",".join([*sorted(self.fields), "members" if self.members else ""])
        return hashlib.sha256(told.encode()).hexdigest()[:_DIGITS]


def all_of(system: str) -> dict[str, Grant]:
    """Give what a system is granted, by kind; a kind of which nothing is granted is not there.

    Raises:
        NotServed: The charter has no such system, or grants it nothing (M760); or it cannot be
            read, and none was before (M764).
    """
    try:
        charter = agreement.present()
    except MatriculaError as error:
        # What is wrong with it is no business of whoever asks.
        raise NotServed(
            "M764", "There is no charter to answer by.", cure="Ask again when there is."
        ) from error
    told = charter.systems.get(system)
    served = told is not None and told.connector == CONNECTOR
    flows = [one for one in charter.flows.values() if served and one.target.system == system]
    found = {name: _grant(charter, system, name, flows) for name in kinds()}
    granted = {name: grant for name, grant in found.items() if grant is not None}
    if not granted:
        raise _nothing(system)
    return granted


def of(system: str, name: str) -> Grant:
    """Give what a system is granted of one kind.

    Raises:
        NotServed: Nothing of it is granted (M760, M764).
    """
    granted = all_of(system)
    if name not in granted:
        raise _nothing(f"{system}.{name}")
    return granted[name]


def _grant(charter: Charter, system: str, name: str, flows: Iterable[Flow]) -> Grant | None:
    own = [one for one in flows if one.target.resource == name]
    if not own:
        return None
    kind = kinds()[name]
    # Whether somebody is kept out goes with every account: `on_exit: suspend` says it too.
    names = {field for one in own for field in one.fields} | ({ACTIVE} if name == USERS else set())
    fields = {field: one for field, one in kind.fields.items() if field in names}
    members = name == GROUPS and any(one.target.resource == MEMBERSHIPS for one in flows)
    told = ScimProviderSettings.model_validate(charter.systems[system].settings)
    return Grant(
        system, kind, fields, _places(fields), members, _owner(charter, own), told.largest_page
    )


def _places(fields: Mapping[str, Attribute]) -> dict[str, Place]:
    found: dict[str, Place] = {}
    for name, one in fields.items():
        for nth, path in enumerate(paths_of(one)):
            before = found.get(path.lower())
            found[path.lower()] = Place(
                path,
                (*before.fields, name) if before else (name,),
                exact=one.exact and not nth,
                is_boolean=one.type == "boolean" or path.endswith(".primary"),
                is_one_of_several=one.form != "single",
            )
    return found


def _owner(charter: Charter, flows: Iterable[Flow]) -> str:
    rosters = sorted({charter.entities[one.entity].roster for one in flows})
    return " and ".join(
        f"{one} ({charter.stewards[charter.systems[one.system].steward].title})" for one in rosters
    )


def _nothing(what: str) -> NotServed:
    return NotServed(
        "M760", f"The charter grants nothing to {what}.",
        cure="Ask whoever runs this which flows go to it.",
    )  # fmt: skip

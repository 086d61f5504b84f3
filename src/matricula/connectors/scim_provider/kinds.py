"""The kinds of record that are served, with the flat fields a flow may write. Pure.

The fields are those of RFC 7643, named as the `scim` connector names them, so that a flow moves
between writing to a provider and being fetched by one. A group's members are no field of the
group: they are the resource `memberships`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from scim2_models import EnterpriseUser, Group, User

from matricula.connectors.kit.scim.attributes import Attribute, attributes_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scim2_models import Schema

USERS, GROUPS, MEMBERSHIPS = "users", "groups", "memberships"
ACTIVE, USER_NAME, EXTERNAL_ID = "active", "userName", "externalId"


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of record.

    Attributes:
        name: As a charter writes it: `users`.
        type: The name of its resource type: `User`.
        path: Where it is served: `Users`.
        schemas: The core schema, then its extensions.
        fields: What a flow may write, by flat name.
        unique: A field of which no two records share a value; empty where there is none.
    """

    name: str
    type: str
    path: str
    schemas: tuple[Schema, ...]
    fields: Mapping[str, Attribute]
    unique: str = ""

    @property
    def core(self) -> str:
        """The urn of the core schema."""
        return str(self.schemas[0].id)


@cache
def kinds() -> Mapping[str, Kind]:
    """Give the kinds of record by name."""
    people = (User.to_schema(), EnterpriseUser.to_schema())
    groups = (Group.to_schema(),)
    return {
        USERS: Kind(USERS, "User", "Users", people, _fields(people), unique=USER_NAME),
        GROUPS: Kind(GROUPS, "Group", "Groups", groups, _fields(groups)),
    }


def _fields(schemas: Sequence[Schema]) -> dict[str, Attribute]:
    known = attributes_of(schemas[0], schemas[1:])
    return {one.name: one for one in known if one.writable and one.attribute != "members"}

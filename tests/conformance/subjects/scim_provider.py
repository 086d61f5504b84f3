"""What identity providers may fetch, in the tests' own database: users, groups, memberships."""

from __future__ import annotations

from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.scim_provider.connector import ScimProviderConnector

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matricula.connectors.kit.protocol import Value

NEEDS_DATABASE = True
_GROUPS, _USERS = 5, 60
_ids: dict[str, list[str]] = {"groups": [], "users": []}


@contextmanager
def connector(folder: Path) -> Iterator[ScimProviderConnector]:
    settings = ScimProviderConnector.Settings()
    with closing(ScimProviderConnector(settings, Context("idp", folder))) as made:
        yield made


@contextmanager
def with_both_ends(folder: Path) -> Iterator[ScimProviderConnector]:
    with connector(folder) as made:
        for resource, row, count in (("groups", group, _GROUPS), ("users", user, _USERS)):
            wanted = [
                Write(f"{n}", "create", None, row(n), match={"externalId": row(n)["externalId"]})
                for n in range(count)
            ]
            done = made.write(resource, wanted, at=AT)
            _ids[resource] = [str(one.external_id) for one in done]
        yield made


def user(n: int) -> dict[str, Value]:
    return {
        "externalId": f"S{n:06d}", "userName": f"Amara.{n}", "name.familyName": f"Ngô {n}",
        "name.givenName": 'Amara "the first"', "displayName": f"Amara Ngô {n}",
        "emails[work]": f"s{n}@northfield.example", "emails": f"s{n}@northfield.example",
        "phoneNumbers[mobile]": "+44 1632 960001", "addresses[home].locality": "Northfield",
        "addresses[home].country": "GB", "employeeNumber": f"{n:08d}", "department": "Law",
        "roles": '["reader", "student"]', "profileUrl": f"https://northfield.example/{n}",
    }  # fmt: skip


def group(n: int) -> dict[str, Value]:
    return {"externalId": f"SEC-{n:04d}", "displayName": f"LAW10{n} A"}


def membership(n: int) -> dict[str, Value]:
    # We give records their ids, so a row can only be written once both ends are there.
    groups, users = _ids["groups"], _ids["users"]
    return {
        "group": groups[n % _GROUPS] if groups else f"group-{n}",
        "user": users[n % _USERS] if users else f"user-{n}",
    }


SUBJECTS = [
    Subject(
        name="scim-provider-users", make=connector, resource="users", row=user,
        match=("externalId",), change=("department", "Medicine"), text="displayName",
        clears="emails[work]", refused={"userName": ""}, many=60,
    ),
    Subject(
        name="scim-provider-groups", make=connector, resource="groups", row=group,
        match=("externalId",), change=("displayName", "another name"), text="displayName",
        clears="", writes=frozenset({"create", "update", "delete"}),
        refused={"displayName": ""}, many=60,
    ),
    Subject(
        name="scim-provider-memberships", make=with_both_ends, resource="memberships",
        row=membership, match=("group", "user"), writes=frozenset({"create", "delete"}),
        refused={"user": "nobody"}, many=60,
    ),
]  # fmt: skip

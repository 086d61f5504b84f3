"""The SCIM connector's subjects, all on real scim2-servers: users, groups, memberships.

Each on a server that offers everything, with single calls and in bulk; users also on one
that has neither PATCH nor filters nor ETags, and on one that pages by cursor.
"""

from __future__ import annotations

from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.scim.connector import ScimConnector
from tests.counterparts.scim_server import ScimServer, shared_server

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_GROUPS = 12
_group_ids: list[str] = []


def _on(kind: str = "", **settings: object) -> Callable[[Path], AbstractContextManager[Connector]]:
    """Make connectors on empty tenants of one kind of server."""

    def make(folder: Path) -> AbstractContextManager[Connector]:
        server = shared_server(kind)
        return _connector(server.tenant(), server, folder, **settings)

    return make


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with _connector("http://127.0.0.1:9/v2", shared_server(), folder) as connector:
        yield connector


@contextmanager
def _connector(
    url: str, server: ScimServer, folder: Path, **settings: object
) -> Iterator[Connector]:
    given = {"url": url, "token": server.secret(), "page_size": 10, **settings}
    checked = ScimConnector.Settings.model_validate(given)
    connector = ScimConnector(checked, Context("idp", folder))
    yield connector
    connector.close()


def _user(n: int) -> Mapping[str, Value]:
    return {
        "externalId": f"S{n:06d}",
        "userName": f"student{n}",
        "name.familyName": f"Ngô {n}",
        "name.givenName": 'Amara "the first"',
        "displayName": f"Amara Ngô {n}",
        "emails[work]": f"student{n}@northfield.example",
        "phoneNumbers[mobile]": "+44 1632 960001",
        "title": "student",
        "preferredLanguage": "en-GB",
        "employeeNumber": f"{n:08d}",
        "department": "Law",
    }


def _group(n: int) -> Mapping[str, Value]:
    return {"externalId": f"SEC-{n:04d}", "displayName": f"LAW10{n} A"}


def _with_groups(**settings: object) -> Callable[[Path], AbstractContextManager[Connector]]:
    @contextmanager
    def make(folder: Path) -> Iterator[Connector]:
        with _on(**settings)(folder) as connector:
            wanted = [
                Write(f"group-{n}", "create", None, _group(n), match=_only(n, "externalId"))
                for n in range(_GROUPS)
            ]
            outcomes = connector.write("groups", wanted, at=AT)
            _group_ids[:] = [str(one.external_id) for one in outcomes]
            yield connector

    return make


def _only(n: int, name: str) -> Mapping[str, Value]:
    return {name: _group(n)[name]}


def _membership(n: int) -> Mapping[str, Value]:
    # The server gives groups their ids, so a row can only be written once they are there.
    group = _group_ids[n % _GROUPS] if _group_ids else f"group-{n}"
    return {"group": group, "user": f"student-{n}"}


USERS = Subject(
    name="scim-users",
    make=_on(bulk=False),
    resource="users",
    row=_user,
    match=("externalId",),
    change=("department", "Medicine"),
    text="displayName",
    clears="emails[work]",
    refused={"profileUrl": "not a reference", "userName": ""},
    many=25,
    away=_away,
)
GROUPS = Subject(
    name="scim-groups",
    make=_on(bulk=False),
    resource="groups",
    row=_group,
    match=("externalId",),
    change=("displayName", "another name"),
    writes=frozenset({"create", "update", "delete"}),
    many=25,
    away=_away,
)
MEMBERSHIPS = Subject(
    name="scim-memberships",
    make=_with_groups(bulk=False),
    resource="memberships",
    row=_membership,
    match=("group", "user"),
    writes=frozenset({"create", "delete"}),
    many=25,
    away=_away,
)
SUBJECTS = [
    USERS,
    replace(USERS, name="scim-users-bulk", make=_on("narrow")),
    replace(USERS, name="scim-users-put", make=_on("bare")),
    replace(USERS, name="scim-users-cursor", make=_on("cursor")),
    GROUPS,
    replace(GROUPS, name="scim-groups-bulk", make=_on()),
    MEMBERSHIPS,
    replace(MEMBERSHIPS, name="scim-memberships-bulk", make=_with_groups()),
]

"""The SCIM connector's subjects, all on one real scim2-server: users, groups, memberships."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from matricula.connectors.kit.conformance import AT, Subject
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.scim.connector import ScimConnector
from tests.counterparts.scim_server import ScimServer, shared_server

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from matricula.connectors.kit.protocol import Connector, Value

_GROUPS = 12
_group_ids: list[str] = []


@contextmanager
def _make(folder: Path) -> Iterator[Connector]:
    server = shared_server()
    with _connector(server.tenant(), server, folder) as connector:
        yield connector


@contextmanager
def _away(folder: Path) -> Iterator[Connector]:
    # Port 9 ("discard") is privileged, and nothing of ours ever listens there.
    with _connector("http://127.0.0.1:9/v2", shared_server(), folder) as connector:
        yield connector


@contextmanager
def _connector(url: str, server: ScimServer, folder: Path) -> Iterator[Connector]:
    settings = ScimConnector.Settings.model_validate(
        {"url": url, "token": server.secret(), "page_size": 10}
    )
    connector = ScimConnector(settings, Context("idp", folder))
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


@contextmanager
def _make_with_groups(folder: Path) -> Iterator[Connector]:
    with _make(folder) as connector:
        wanted = [
            Write(f"group-{n}", "create", None, _group(n), match={"externalId": f"SEC-{n:04d}"})
            for n in range(_GROUPS)
        ]
        _group_ids[:] = [str(one.external_id) for one in connector.write("groups", wanted, at=AT)]
        yield connector


def _membership(n: int) -> Mapping[str, Value]:
    # The server gives groups their ids, so a row can only be written once they are there.
    group = _group_ids[n % _GROUPS] if _group_ids else f"group-{n}"
    return {"group": group, "user": f"student-{n}"}


USERS = Subject(
    name="scim-users",
    make=_make,
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
    make=_make,
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
    make=_make_with_groups,
    resource="memberships",
    row=_membership,
    match=("group", "user"),
    writes=frozenset({"create", "delete"}),
    many=25,
    away=_away,
)
SUBJECTS = [USERS, GROUPS, MEMBERSHIPS]

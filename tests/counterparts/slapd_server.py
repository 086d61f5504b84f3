"""A real OpenLDAP server for the tests, or the directory that the environment names.

One process serves any number of tests: each gets an empty branch of its own. With
MATRICULA_TEST_LDAP_URL, _BIND_DN, _PASSWORD and _BASE the same tests run below that base of
that directory, and remove what they made. Where there is neither, they are left out.
"""

from __future__ import annotations

import atexit
import os
import uuid
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from matricula.connectors.kit.protocol import Context
from matricula.connectors.ldap import filters, messages
from matricula.connectors.ldap.connector import LdapConnector
from matricula.connectors.ldap.settings import LdapSettings
from matricula.connectors.ldap.slapd import (
    MISSING,
    ROOT,
    SERVICE,
    SUFFIX,
    binary,
    directory_server,
)
from matricula.connectors.ldap.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.ldap.messages import Answer, Entry, Request
    from matricula.connectors.ldap.slapd import DirectoryServer

PASSWORD = "MATRICULA_TEST_LDAP_PASSWORD"
CLASSES = (
    "inetOrgPerson",
    "eduPerson",
    "schacPersonalCharacteristics",
    "schacContactLocation",
    "schacLinkageIdentifiers",
    "schacEntryMetadata",
    "schacUserEntitlements",
)
_BELOW = ("people", "suspended", "sections", "intakes")


@dataclass(frozen=True, slots=True)
class Door:
    """A way into a directory: address, account, and the branch below which tests may work.

    `admin` is an account that may do anything, in a server of our own.
    """

    url: str
    bind_dn: str
    password: str
    base: str
    admin: tuple[str, str] = ("", "")

    @property
    def is_ours(self) -> bool:
        """Whether it leads into a server that the tests started."""
        return bool(self.admin[0])

    @property
    def starttls(self) -> bool:
        """Whether the connection is encrypted; on this machine itself it need not be."""
        return not self.url.startswith("ldap://127.0.0.1")

    def secret(self, variable: str = PASSWORD) -> str:
        """Put the password where a charter can refer to it, and give the reference."""
        os.environ[variable] = self.password
        return f"env:{variable}"

    def settings(self, branch: str, **over: Any) -> dict[str, Any]:
        """Settings for people, suspended people and classes below a branch."""
        people = {
            "kind": "people",
            "base": f"ou=people,{branch}",
            "object_classes": CLASSES,
            "suspend": {"lock": True, "move_to": f"ou=suspended,{branch}"},
            "deletes": True,
        }
        groups = {"kind": "groups", "base": f"ou=sections,{branch}"}
        intakes = {"kind": "groups", "base": f"ou=intakes,{branch}", "groups_by": "name"}
        return {
            "url": self.url,
            "starttls": self.starttls,
            "bind_dn": self.bind_dn,
            "password": self.secret(),
            "resources": {"people": people, "sections": groups, "intakes": intakes},
            **over,
        }


@cache
def door() -> Door:
    """Start one server for a whole run of tests, or give the directory that is named."""
    named = [
        os.environ.get(f"MATRICULA_TEST_LDAP_{one}", "") for one in ("URL", "BIND_DN", "BASE")
    ]
    if all(named):
        return Door(named[0], named[1], os.environ[PASSWORD], named[2])
    if binary() is None:
        pytest.skip(f"{MISSING} Or name a directory in MATRICULA_TEST_LDAP_URL and its like.")
    stack = ExitStack()
    atexit.register(stack.close)
    server = stack.enter_context(directory_server())
    return door_of(server)


def door_of(server: DirectoryServer) -> Door:
    """The service's way into a server of our own."""
    return Door(server.url, SERVICE, server.password, SUFFIX, admin=(ROOT, server.root_password))


@contextmanager
def branch_of(way: Door) -> Iterator[str]:
    """An empty branch for one test, with the branches of the resources below it."""
    name = f"ou=t-{uuid.uuid4().hex[:12]},{way.base}"
    hand = Hand(way)
    for dn in (name, *(f"ou={one},{name}" for one in _BELOW)):
        hand.add(dn, objectClass="organizationalUnit", ou=dn.partition(",")[0][3:])
    try:
        yield name
    finally:
        if not way.is_ours:
            hand.clear(name)
        hand.close()


@contextmanager
def connected(branch: str, way: Door | None = None, **over: Any) -> Iterator[LdapConnector]:
    """A connector on a branch."""
    settings = LdapConnector.Settings.model_validate((way or door()).settings(branch, **over))
    assert isinstance(settings, LdapSettings)
    connector = LdapConnector(settings, Context("directory", Path()))
    yield connector
    connector.close()


class Hand:
    """Somebody who works in the directory by hand, past the connector."""

    def __init__(self, way: Door) -> None:
        settings = way.settings(way.base)
        if way.is_ours:
            os.environ[f"{PASSWORD}_BY_HAND"] = way.admin[1]
            settings |= {"bind_dn": way.admin[0], "password": f"env:{PASSWORD}_BY_HAND"}
        self._wire = Wire(LdapSettings.model_validate(settings))

    def add(self, dn: str, **attributes: str | Sequence[str]) -> Answer:
        values = {
            name: [one.encode() for one in ([value] if isinstance(value, str) else value)]
            for name, value in attributes.items()
        }
        return self.do(messages.add(dn, values))

    def change(self, dn: str, how: Any, attribute: str, *values: str) -> Answer:
        raw = [one.encode() for one in values]
        return self.do(messages.modify(dn, [messages.Change(how, attribute, raw)]))

    def move(self, dn: str, name: str, parent: str | None = None) -> Answer:
        return self.do(messages.move(dn, name, parent))

    def remove(self, dn: str) -> Answer:
        return self.do(messages.delete(dn))

    def look(self, base: str, **wanted: str) -> list[Entry]:
        parts = [filters.equal(name, value.encode()) for name, value in wanted.items()]
        wish = filters.every(parts or [filters.present("objectClass")])
        return self._wire.one(messages.search(base, messages.SUBTREE, wish, ("*", "+"))).entries

    def one(self, base: str, **wanted: str) -> tuple[str, Mapping[str, list[str]]]:
        """The name and the attributes of the one entry there is."""
        (entry,) = self.look(base, **wanted)
        return entry.dn, {n: [v.decode() for v in raw] for n, raw in entry.attributes.items()}

    def clear(self, base: str) -> None:
        for entry in sorted(self.look(base), key=lambda one: -one.dn.count(",")):
            self._wire.one(messages.delete(entry.dn))

    def do(self, request: Request) -> Answer:
        answer = self._wire.one(request)
        assert not answer.code, f"{answer.code} {answer.said}"
        return answer

    def close(self) -> None:
        self._wire.close()

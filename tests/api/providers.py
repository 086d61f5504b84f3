"""A small university served to an identity provider, and how a test asks for what it is served."""

from __future__ import annotations

import json
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from django.test import Client
from django.utils import timezone

from matricula.api import actions
from matricula.api.rules import SCIM_SCOPES
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.scim_provider.connector import ScimProviderConnector
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from matricula.connectors.kit.protocol import Outcome, Value, WriteKind

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
ROOT = "/scim/v2"
SEARCH = "urn:ietf:params:scim:api:messages:2.0:SearchRequest"
ENTERPRISE = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
USERS: tuple[Mapping[str, Value], ...] = (
    {"externalId": "S1", "userName": "Amara", "name.givenName": "Amara", "name.familyName": "Ngô",
     "displayName": "Amara Ngô", "emails": "amara@northfield.example",
     "emails[work]": "amara@northfield.example", "emails[home]": "a.ngo@home.example",
     "employeeNumber": "0001", "department": "Law", "roles": '["reader", "student"]',
     "addresses[home].locality": "Northfield", "addresses[home].country": "GB", "active": True},
    {"externalId": "S2", "userName": "bela", "name.givenName": "Bela",
     "name.familyName": "O'Brien", "displayName": 'Béla "%_ O\'Brien',
     "emails[work]": "bela@northfield.example", "department": "law", "active": True},
    {"externalId": "s3", "userName": "chidi", "name.givenName": "Chidi",
     "name.familyName": "Okafor", "emails[home]": "chidi@northfield.example",
     "roles": '["student"]', "active": False},
    {"externalId": "T1", "userName": "dewi", "name.givenName": "Dewi", "nickName": "Dee"},
)  # fmt: skip
GROUPS: tuple[Mapping[str, Value], ...] = (
    {"externalId": "LAW1", "displayName": "Contracts"},
    {"externalId": "BIO1", "displayName": "Cells"},
)
PAIRS = (("LAW1", "S1"), ("LAW1", "S2"), ("BIO1", "S1"))
_AROUND = """
institution: Testing University
timezone: Europe/London
stewards:
  registrar: {name: Registrar's Office, notify: registrar@example.org}
  it: {name: Identity and Access, notify: it@example.org}
systems:
  sis: {connector: register, steward: registrar}
  idp: {connector: scim_provider, steward: it}
  other: {connector: scim_provider, steward: it}
  empty: {connector: scim_provider, steward: it}
  roster: {connector: oneroster_provider, steward: it}
entities:
  person:
    key: number
    roster: sis.students
    fields: {number: {owner: sis.students, type: text}}
  course:
    key: code
    roster: sis.sections
    fields: {code: {owner: sis.sections, type: text}}
  place:
    key: [number, code]
    roster: sis.enrolments
    fields:
      number: {owner: sis.enrolments, type: ref(person)}
      code: {owner: sis.enrolments, type: ref(course)}
flows:
"""
_FLOW = """
  {system}-{resource}:
    purpose: A test.
    from: {entity}
    to: {system}.{resource}
    match: {match}
    fields: {fields}
    cadence: {{on_change: true}}
    on_exit: delete
    on_drift: restore
    if_unavailable: {{queue: true}}
    guard: {{exits: {{share: 90%}}}}
    errors_to: it
"""
ALL_USERS = tuple(dict.fromkeys(name for row in USERS for name in row))


def charter(folder: Path, **granted: Iterable[str]) -> Path:
    """Write a charter that grants some fields.

    Args:
        folder: Where.
        granted: System and resource, joined by `_`, to the fields; memberships take none.
    """
    folder.mkdir(exist_ok=True)
    text = _AROUND
    for where, names in granted.items():
        system, _, resource = where.partition("_")
        entity, key = ("course", "code") if resource == "groups" else ("person", "number")
        fields = {name: {"is": "true" if name == "active" else _is(name, key), "because": "a test"}
                  for name in names}  # fmt: skip
        match = {"externalId": key}
        if resource == "memberships":
            entity = "place"
            match = {"group": f"link('{system}-groups', code)",
                     "user": f"link('{system}-users', number)"}  # fmt: skip
            fields = {name: {"is": told, "because": "a test"} for name, told in match.items()}
        text += _FLOW.format(
            system=system, resource=resource, entity=entity, match=json.dumps(match),
            fields=json.dumps(fields),
        )  # fmt: skip
    (folder / "charter.yaml").write_text(text, encoding="utf-8")
    return folder


def _is(name: str, key: str) -> str:
    return "'[]'" if name == "roles" else key


def grant_all(folder: Path) -> Path:
    """Write the charter that grants the identity provider everything of the small university."""
    return charter(folder, idp_users=ALL_USERS, idp_groups=("externalId", "displayName"),
                   idp_memberships=())  # fmt: skip


def put(
    resource: str,
    *rows: Mapping[str, Value],
    system: str = "idp",
    kind: WriteKind = "create",
    ids: Iterable[str] = (),
) -> list[Outcome]:
    """Have rows flow to a served system; none may be refused.

    Args:
        resource: Where to.
        rows: Flat.
        system: Whose copy.
        kind: What to do to them.
        ids: Of the records, where they are there.
    """
    known = [*ids] or [None] * len(rows)
    pair = resource == "memberships"
    writes = [
        Write(
            f"k{n}", kind, own, row, frozenset(row),
            row if pair else {"externalId": row.get("externalId")},
        )
        for n, (row, own) in enumerate(zip(rows, known, strict=True))
    ]  # fmt: skip
    with closing(served(system)) as connector:
        outcomes = connector.write(resource, writes, at=AT)
    assert [one.error for one in outcomes if one.error] == []
    return outcomes


def served(system: str = "idp") -> ScimProviderConnector:
    """A connector for a system that is served."""
    settings = ScimProviderConnector.Settings()
    return ScimProviderConnector(settings, Context(system, Path()))


def fill(system: str = "idp") -> dict[str, str]:
    """Have the whole small university served; `id` by `externalId`."""
    found = {}
    for resource, rows in (("users", USERS), ("groups", GROUPS)):
        done = put(resource, *rows, system=system)
        found |= {str(row["externalId"]): str(one.external_id)
                  for row, one in zip(rows, done, strict=True)}  # fmt: skip
    pairs = [{"group": found[group], "user": found[user]} for group, user in PAIRS]
    put("memberships", *pairs, system=system)
    return found


def membership(ids: Mapping[str, str], group: str, user: str) -> str:
    """Name a membership as the connector does."""
    return join_key([ids[group], ids[user]])


def let_in(
    name: str = "keycloak", system: str = "idp", scopes: Iterable[str] = SCIM_SCOPES
) -> str:
    """Let a client in; its secret."""
    doing = actions.Doing("olga", "the term begins", timezone.now())
    return actions.let_in(doing, name, system=system, scopes=list(scopes))


@dataclass
class Provider:
    """An identity provider with a token."""

    token: str

    def ask(self, method: str, path: str, body: object = None, **query: str | int) -> Any:
        """Send a request below the root."""
        headers = {"HTTP_AUTHORIZATION": f"Bearer {self.token}"} if self.token else {}
        text = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body)
        return Client(raise_request_exception=False).generic(
            method, f"{ROOT}{path}", text, "application/scim+json", query_params=query, **headers
        )

    def get(self, path: str, **query: str | int) -> Any:
        """Ask for something."""
        return self.ask("GET", path, **query)

    def found(self, path: str = "/Users", **query: str | int) -> list[str]:
        """Ask for a listing; the `externalId` of what is on the page."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.content
        return [record["externalId"] for record in answer.json()["Resources"]]

    def search(self, path: str = "/Users", **asked: object) -> Any:
        """Post a search request."""
        return self.ask("POST", f"{path}/.search", {"schemas": [SEARCH], **asked})


def provider(
    name: str = "keycloak", system: str = "idp", scopes: Iterable[str] = SCIM_SCOPES
) -> Provider:
    """Let a client in and give it a token."""
    secret = let_in(name, system, scopes)
    return Provider(actions.issue(name, secret, scopes=[], at=timezone.now()).token)

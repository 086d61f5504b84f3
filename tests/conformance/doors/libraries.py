"""Ways into library systems, on their simulators."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from matricula.connectors.alma.simulator import alma
from matricula.connectors.folio.simulator import folio
from matricula.connectors.koha.simulator import Account, koha
from matricula.connectors.sip2.simulator import sip2
from tests.conformance.door import SECRET, VARIABLE, Door, Porter

if TYPE_CHECKING:
    from collections.abc import Iterator

_USER = f"{VARIABLE}_USER"


@contextmanager
def _koha(_: Any) -> Iterator[Porter]:
    with koha(account=Account(user="matricula", password=SECRET)) as running:
        settings = {
            "url": running.url, "user": f"env:{_USER}", "password": f"env:{VARIABLE}",
            "uses": ["patrons", "deletion", "clearance"],
        }  # fmt: skip
        yield Porter(
            settings,
            {_USER: "matricula", VARIABLE: SECRET},
            take=lambda lacking: _less_in_koha(running, lacking),
        )


@contextmanager
def _koha_key(_: Any) -> Iterator[Porter]:
    with koha(account=Account(client_id="key", client_secret=SECRET)) as running:
        settings = {
            "url": running.url, "client_id": f"env:{_USER}", "client_secret": f"env:{VARIABLE}",
        }  # fmt: skip
        yield Porter(
            settings,
            {_USER: "key", VARIABLE: SECRET},
            take=lambda lacking: _less_in_koha(running, lacking),
            handed_out=lambda: running.tokens,
        )


def _less_in_koha(running: Any, lacking: str) -> None:
    parts = {
        "borrowers:edit_borrowers", "borrowers:delete_borrowers",
        "updatecharges:remaining_permissions",
    }  # fmt: skip
    # The whole flag has all its parts in it.
    assert lacking in {*parts, "borrowers"}
    running.account = replace(running.account, permissions=frozenset(parts - {lacking}))


@contextmanager
def _alma(_: Any) -> Iterator[Porter]:
    with alma() as institution:
        institution.key = SECRET
        settings = {
            "url": institution.url, "api_key": f"env:{VARIABLE}", "external_id": "SIS",
        }  # fmt: skip

        def take(_: str) -> None:
            institution.may_write = False

        yield Porter(settings, take=take)


@contextmanager
def _folio(_: Any) -> Iterator[Porter]:
    with folio() as tenant:
        tenant.password = SECRET
        settings = {
            "url": tenant.url, "tenant": tenant.tenant, "user": f"env:{_USER}",
            "password": f"env:{VARIABLE}", "uses": ["users", "deletion", "clearance"],
        }  # fmt: skip
        secrets = {_USER: tenant.user, VARIABLE: SECRET}
        yield Porter(
            settings, secrets, take=tenant.lacks.add, handed_out=lambda: tuple(tenant.tokens)
        )


@contextmanager
def _sip2(_: Any) -> Iterator[Porter]:
    with sip2() as desk:
        desk.password = SECRET
        settings = {
            "host": "127.0.0.1", "port": desk.port, "tls": False, "user": f"env:{_USER}",
            "password": f"env:{VARIABLE}", "patrons": ["S1"],
        }  # fmt: skip

        def take(_: str) -> None:
            desk.knows_patrons = False

        yield Porter(settings, {_USER: desk.user, VARIABLE: SECRET}, take=take)


DOORS = [
    Door(
        "Koha, name and password", "koha", "patrons", "cardnumber", _koha,
        wrong=("Koha does not let us in", "password"),
        endless="Koha answers for an account that has expired as for a wrong password",
        lacking=(
            "borrowers", "borrowers:edit_borrowers", "borrowers:delete_borrowers",
            "updatecharges:remaining_permissions",
        ),
        writes=True,
    ),
    Door(
        "Koha, API key", "koha", "clearance", "cardnumber", _koha_key,
        wrong=("API key",),
        endless="a token lasts an hour and a new one is fetched; a key ends when it is revoked, "
        "and is wrong then",
        lacking=("updatecharges:remaining_permissions",),
    ),
    Door(
        "Alma, API key", "alma", "users", "primary_id", _alma,
        wrong=("UNAUTHORIZED", "API key"),
        endless="a key ends when it is removed, and is wrong then",
        lacking=("area Users with read and write permission",),
        writes=True,
    ),
    Door(
        "FOLIO, name and password", "folio", "users", "externalSystemId", _folio,
        wrong=("FOLIO does not let us in", "password"),
        endless="a token lasts ten minutes and a new one is fetched; passwords do not end",
        lacking=(
            "users.collection.get", "usergroups.collection.get", "addresstypes.collection.get",
            "user-import.post",
            "users-bl.item.delete", "users-bl.transactions.get", "accounts.collection.get",
            "circulation.loans.collection.get", "request-preference.get",
        ),
        writes=True,
    ),
    Door(
        "SIP2, account of the line", "sip2", "clearance", "cardnumber", _sip2,
        wrong=("refuses the SIP2 account or its password", "CO"),
        endless="SIP2 tells no account that has ended from a wrong password",
        lacking=("message 63",),
    ),
]  # fmt: skip

"""Real servers that are stopped for a while, as processes, with changes of every kind meanwhile.

Two targets are down at once. What is delivered when they are back is the latest truth, once.
"""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx2
import pytest

from matricula.hub.models import Effect
from tests.counterparts.scim_server import ScimServer, scim_server
from tests.postgres import MISSING, own_postgres_server, server_binaries
from tests.scenarios.college import NUMBERS, add_identity_provider, build, student
from tests.scenarios.portal import Portal
from tests.scenarios.test_bad_files import instead

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.postgres import PostgresServer
    from tests.scenarios.college import College


@dataclass
class Idp:
    """A SCIM server that keeps its accounts while it is stopped."""

    kept: Path
    running: ExitStack
    server: ScimServer | None = None

    def start(self) -> None:
        known = self.server
        token, port = (known.token, int(known.base.split(":")[2][:-3])) if known else ("", 0)
        self.server = self.running.enter_context(
            scim_server(token=token, port=port, keeps=self.kept)
        )

    def stop(self) -> None:
        self.running.close()

    def ask(self, method: str, path: str, **more: Any) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {self.server.token}"}
        address = f"{self.server.base}{path}"
        answer = httpx2.request(method, address, headers=headers, timeout=30, **more)
        return answer.raise_for_status()

    def users(self) -> list[dict[str, Any]]:
        return self.ask("GET", "/Users?count=200").json()["Resources"]

    def accounts(self) -> list[tuple[str, str, bool]]:
        told = [(u["externalId"], u["displayName"], u.get("active", True)) for u in self.users()]
        return sorted(told)

    def rename(self, number: str, name: str) -> None:
        (known,) = [user["id"] for user in self.users() if user["externalId"] == number]
        change = {"op": "replace", "path": "displayName", "value": name}
        body = {
            "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
            "Operations": [change],
        }
        self.ask("PATCH", f"/Users/{known}", json=body)


@pytest.fixture(scope="module")
def idp(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Idp]:
    with ExitStack() as running:
        made = Idp(tmp_path_factory.mktemp("idp") / "kept.json", running)
        made.start()
        os.environ["COLLEGE_TOKEN"] = made.server.token
        yield made


@pytest.fixture(scope="module")
def database() -> Iterator[PostgresServer]:
    if server_binaries() is None:
        pytest.skip(MISSING)
    with own_postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def make_college(idp: Idp, database: PostgresServer) -> Callable[[Path], College]:
    def make(folder: Path) -> College:
        college, portal = build(folder), Portal(database.url)
        portal.build()
        os.environ["PORTAL_URL"] = portal.url
        add_identity_provider(college, idp.server.base)
        portal.connect(college)
        return college

    return make


def _effects_since(last: int) -> list[tuple[str, str, str, str]]:
    flows = ["idp-accounts", "portal-people"]
    # What is deferred was never sent.
    since = Effect.objects.filter(pk__gt=last, flow__in=flows).exclude(state="deferred")
    return sorted(since.values_list("flow", "key", "kind", "state"))


def _change(college: College, old: str, new: str) -> None:
    college.rewrite(college.students, instead(old.encode(), new.encode()))


def test_after_an_outage_of_two_targets_each_change_has_happened_once_and_nothing_waited_for_them(
    college: College, idp: Idp, database: PostgresServer
):
    portal, last = Portal(database.url), Effect.objects.latest("pk").pk
    idp.stop()
    database.stop()

    # Down: one comes, one is renamed, one leaves, one is renamed twice, one comes and goes.
    goes = f"{student('20002', 2)}\n"
    college.rewrite(
        college.students, lambda told: told + f"{student('20001', 1)}\n{goes}".encode()
    )
    _change(college, "00002,Béla Bartók", "00002,B. Bartok")
    _change(college, "00004@example.org,active", "00004@example.org,withdrawn")
    _change(college, "00003,Chidi Eze", "00003,Chidi Once")
    first = college.run("sync")
    _change(college, "00003,Chidi Once", "00003,Chidi Twice")
    _change(college, goes, "")
    second = college.run("sync", "--changed")
    during = college.in_lms("SELECT fullname FROM users WHERE idnumber IN ('00002', '20001')")
    incidents = college.incidents()

    # Back, one after the other; each time somebody is quicker than the next pass.
    database.start()
    portal.rows("UPDATE people SET called = 'By hand' WHERE number = '00005'")
    portal.told()
    third = college.run("sync")
    idp.start()
    idp.rename("00005", "By hand")
    fourth = college.run("sync")

    assert [said.code for said in (first, second, third, fourth)] == [1, 1, 1, 0]
    assert sorted(during) == [("B. Bartok",), ("Béla Bartók",)]
    assert incidents == []
    _assert_all_is_well(college, idp, portal)
    assert _effects_since(last) == [
        (flow, key, kind, "answered")
        for flow, exit_ in (("idp-accounts", "suspend"), ("portal-people", "delete"))
        for key, kind in (
            ("00002", "update"), ("00003", "update"), ("00004", exit_),
            ("00005", "restore"), ("20001", "create"),
        )
    ]  # fmt: skip


def _assert_all_is_well(college: College, idp: Idp, portal: Portal) -> None:
    """Assert what both hold, and that the portal was told of every change once."""
    names = {number: student(number, place).split(",")[1] for place, number in enumerate(NUMBERS)}
    names |= {"00002": "B. Bartok", "00003": "Chidi Twice", "20001": "Béla Bartók"}
    accounts = [(number, name, number != "00004") for number, name in names.items()]
    assert idp.accounts() == sorted(accounts)
    assert portal.people() == {n: name for n, name in names.items() if n != "00004"}
    assert sorted(portal.told()) == [
        ("DELETE", "00004", None), ("INSERT", "20001", "Béla Bartók"),
        ("UPDATE", "00002", "B. Bartok"), ("UPDATE", "00003", "Chidi Twice"),
        ("UPDATE", "00005", "Elif Yılmaz"),
    ]  # fmt: skip
    assert college.run("plan", "--json").code == 0
    assert college.run("audit", "verify").code == 0

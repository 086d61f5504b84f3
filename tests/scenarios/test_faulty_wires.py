"""Networks that drop, delay, truncate and duplicate, between us and two real targets at once.

A SCIM server stands behind a proxy that breaks calls, PostgreSQL behind a wire that breaks
the answer to a commit. Whatever the network did: both hold everything once in the end, no
effect is told of twice, and the other targets had theirs at once.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from matricula.hub.models import Effect
from tests.counterparts.faulty_proxy import Fault, Proxy, faulty_proxy
from tests.counterparts.faulty_wire import Wire, faulty_wire
from tests.counterparts.scim_server import shared_server
from tests.postgres import fresh_database
from tests.scenarios.college import add_identity_provider, build, student
from tests.scenarios.portal import Portal
from tests.scenarios.test_bad_files import instead
from tests.scenarios.test_interruptions import accounts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.scenarios.college import College


@dataclass(frozen=True, slots=True)
class Network:
    """What both targets stand behind, and the portal as it is asked directly."""

    proxy: Proxy
    wire: Wire
    portal: Portal

    def heal(self) -> None:
        self.proxy.faults.clear()
        self.wire.heal()


@pytest.fixture(scope="module")
def network(postgres_url: str) -> Iterator[Network]:
    server = shared_server()
    server.secret("COLLEGE_TOKEN")
    place, _, rest = postgres_url.rpartition(":")
    port = int(rest.partition("/")[0])
    with (
        fresh_database(postgres_url) as url,
        faulty_proxy(server.tenant()) as proxy,
        faulty_wire(port) as wire,
    ):
        os.environ["PORTAL_URL"] = f"{place}:{wire.port}/{url.rpartition('/')[2]}"
        yield Network(proxy, wire, Portal(url))


@pytest.fixture(scope="module")
def make_college(network: Network) -> Callable[[Path], College]:
    def make(folder: Path) -> College:
        college = build(folder)
        network.portal.build()
        add_identity_provider(college, network.proxy.url)
        network.portal.connect(college)
        path = college.folder / "charter" / "charter.yaml"
        text = path.read_text(encoding="utf-8")
        token = 'token: "env:COLLEGE_TOKEN"'
        path.write_text(text.replace(token, f"{token}, timeout_seconds: 2"), encoding="utf-8")
        return college

    return make


def _drop(network: Network) -> None:
    network.proxy.faults.append(Fault("POST", "/Bulk", times=1, drop=True))
    network.wire.drops, network.wire.at = True, b"COMMIT"


def _delay(network: Network) -> None:
    network.proxy.faults.append(Fault("POST", "/Bulk", times=1, wait_seconds=3))
    network.wire.delay_seconds = 0.05


def _truncate(network: Network) -> None:
    network.proxy.faults.append(Fault("POST", "/Bulk", times=1, cut=True))
    network.wire.truncates, network.wire.at = True, b"COMMIT"


def _duplicate(network: Network) -> None:
    network.proxy.faults.append(Fault("POST", "/Bulk", twice=True))
    network.wire.duplicates, network.wire.at = True, b"COMMIT"


def _cut(network: Network) -> None:
    network.proxy.faults.append(Fault(drop=True, forward=False))
    network.wire.cut()


@pytest.mark.parametrize(
    ("number", "breaks"),
    [("1", _drop), ("2", _delay), ("3", _truncate), ("4", _duplicate), ("5", _cut)],
    ids=["drops", "delays", "truncates", "duplicates", "is cut"],
)
def test_both_targets_hold_everything_once_after_the_network(
    college: College, network: Network, number: str, breaks: Callable[[Network], None]
):
    newcomers = tuple(f"6{number}{n:03d}" for n in range(3))
    network.portal.told()
    last = Effect.objects.latest("pk").pk
    rows = "".join(f"{student(one, place)}\n" for place, one in enumerate(newcomers))
    college.rewrite(college.students, lambda content: content + rows.encode())
    college.rewrite(
        college.students, instead(b"00003,Chidi Eze", b"00003,Chidi " + number.encode())
    )
    breaks(network)

    during = college.run("sync", "--changed")
    in_lms = college.in_lms("SELECT count(*) FROM users WHERE idnumber >= '60000'")
    network.heal()
    after = college.run("sync")
    planned = college.run("plan", "--json")

    assert "Traceback" not in during.out + during.err
    assert in_lms == [(3,)]
    assert after.code == 0, after.out
    assert planned.code == 0, planned.out
    assert accounts(network.proxy, newcomers) == sorted(newcomers)
    assert any(path.endswith("/Bulk") for _, path in network.proxy.calls)
    assert set(network.portal.people()) >= set(newcomers)
    told = [(act, key) for act, key, _ in network.portal.told() if key in (*newcomers, "00003")]
    assert sorted(told) == sorted([("UPDATE", "00003"), *(("INSERT", one) for one in newcomers)])
    since = Effect.objects.filter(pk__gt=last, flow__in=["idp-accounts", "portal-people"])
    settled = since.exclude(state="deferred").filter(key__in=newcomers)
    assert set(settled.values_list("state", flat=True)) <= {"answered", "verified"}
    assert sorted(settled.values_list("flow", "key")) == sorted(
        (flow, key) for flow in ("idp-accounts", "portal-people") for key in newcomers
    )

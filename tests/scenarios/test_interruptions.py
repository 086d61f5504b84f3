"""Runs that are killed, run into one another or lose a system half-way, as real processes.

The identity provider stands behind a proxy that breaks calls; every test registers people
of its own, because what is done to a real server stays done.
"""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING

import httpx2
import pytest

from tests.counterparts.faulty_proxy import Fault, Proxy, faulty_proxy
from tests.counterparts.scim_server import shared_server
from tests.scenarios.college import add_identity_provider, build, student

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.scenarios.college import College

_COMMAND = "from matricula.cli.main import main; main()"
_PATIENCE_SECONDS = 60


@pytest.fixture(scope="module")
def proxy() -> Iterator[Proxy]:
    server = shared_server()
    server.secret("COLLEGE_TOKEN")
    with faulty_proxy(server.tenant()) as running:
        yield running


@pytest.fixture(scope="module")
def make_college(proxy: Proxy) -> Callable[[Path], College]:
    def make(folder: Path) -> College:
        college = build(folder)
        add_identity_provider(college, proxy.url, more=", bulk: false")
        return college

    return make


@pytest.fixture(autouse=True)
def _healed(proxy: Proxy) -> Iterator[None]:
    yield
    proxy.faults.clear()


@contextmanager
def started(college: College, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command as a process of its own; whatever is left of it is killed at the end."""
    place = {
        "MATRICULA_HOME": str(college.folder / "home"), "MATRICULA_DATABASE_URL": "",
        "MATRICULA_CHARTER": str(college.folder / "charter"),
    }  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-c", _COMMAND, *words], env={**os.environ, **place}, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def wait_until(happened: Callable[[], bool]) -> None:
    until = time.monotonic() + _PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < until, "it never happened"
        time.sleep(0.02)


def register(college: College, *numbers: str) -> None:
    rows = "".join(f"{student(number, place)}\n" for place, number in enumerate(numbers))
    college.rewrite(college.students, lambda content: content + rows.encode())


def accounts(proxy: Proxy, numbers: tuple[str, ...]) -> list[str]:
    """Ask the identity provider which of some people have accounts, once for each account."""
    token = {"Authorization": f"Bearer {shared_server().token}"}
    listed = httpx2.get(f"{proxy.url}/Users", params={"count": 500}, headers=token, timeout=30)
    found = [user["externalId"] for user in listed.json()["Resources"]]
    return sorted(number for number in found if number in numbers)


def effects(college: College, state: str) -> int:
    """Count the ledger's effects in a state, from outside."""
    path = college.folder / "home" / "matricula.sqlite3"
    with closing(sqlite3.connect(path)) as database:
        query = "SELECT count(*) FROM hub_effect WHERE state = ?"
        return int(database.execute(query, [state]).fetchone()[0])


def assert_ledger_and_targets_agree(college: College, people: int) -> None:
    planned = college.run("plan", "--json")
    flows = {
        flow["flow"]: flow["confirmed"] for flow in college.run("status", "--json").json["flows"]
    }
    verified = college.run("audit", "verify")

    assert planned.code == 0, planned.out
    assert {flows["lms-accounts"], flows["directory-people"], flows["idp-accounts"]} == {people}
    assert college.in_lms("SELECT count(*), count(DISTINCT idnumber) FROM users") == [
        (people, people)
    ]
    assert [effects(college, state) for state in ("intended", "sent", "unknown")] == [0, 0, 0]
    assert verified.code == 0


def test_a_run_killed_in_the_middle_of_a_load_is_finished_by_the_next_without_duplicates(
    college: College, proxy: Proxy
):
    newcomers = tuple(f"1{n:04d}" for n in range(6))
    register(college, *newcomers)
    killed: list[int] = []
    with started(college, "sync") as process:

        def kill() -> None:
            # The third call is on its way to the server, and nobody is left to hear of it.
            killed.append(process.pid)
            if len(killed) == 3:
                process.send_signal(signal.SIGKILL)

        proxy.faults.append(Fault("POST", "/Users", before=kill))
        process.wait(timeout=_PATIENCE_SECONDS)
        died_of = process.returncode
    proxy.faults.clear()

    said = college.run("sync")

    assert died_of == -signal.SIGKILL
    assert said.code == 0, said.out + said.err
    assert accounts(proxy, newcomers) == list(newcomers)
    assert_ledger_and_targets_agree(college, 22)


def test_an_intent_is_durable_before_the_call_and_a_second_run_is_refused_meanwhile(
    college: College,
):
    college.campus("UPDATE advisers SET adviser = 'Ms Moneypenny' WHERE student_no < '00006'")
    place = college.folder / "targets" / "lms.db"
    with closing(sqlite3.connect(place, isolation_level=None)) as somebody:
        # Somebody else holds the database, so that the first run waits inside its write.
        somebody.execute("BEGIN IMMEDIATE")
        with started(college, "sync") as first:
            wait_until(lambda: effects(college, "intended") == 5)
            with started(college, "sync") as second:
                out, err = second.communicate(timeout=_PATIENCE_SECONDS)
            first.send_signal(signal.SIGKILL)
            first.wait(timeout=_PATIENCE_SECONDS)

    said = college.run("sync")

    assert second.returncode == 1
    assert "M516" in err
    assert "Traceback" not in out + err
    assert said.code == 0, said.out + said.err
    assert college.in_lms("SELECT count(*) FROM users WHERE adviser = 'Ms Moneypenny'") == [(5,)]
    assert_ledger_and_targets_agree(college, 16)


def test_a_target_that_goes_away_during_delivery_loses_nothing(college: College, proxy: Proxy):
    newcomers = tuple(f"2{n:04d}" for n in range(4))
    register(college, *newcomers)
    proxy.faults += [
        Fault("POST", "/Users", times=1),
        Fault("POST", "/Users", status=503, forward=False),
    ]

    during = college.run("sync")
    people = (college.folder / "targets" / "directory" / "people.csv").read_text(encoding="utf-8")
    proxy.faults.clear()
    after = college.run("sync")

    assert during.code == 1
    assert "Traceback" not in during.out + during.err
    # The other targets had theirs at once.
    assert all(number in people for number in newcomers)
    assert after.code == 0
    assert accounts(proxy, newcomers) == list(newcomers)
    assert_ledger_and_targets_agree(college, 20)


def test_a_lost_answer_is_settled_by_looking_and_never_by_sending_again(
    college: College, proxy: Proxy
):
    newcomers = tuple(f"3{n:04d}" for n in range(3))
    register(college, *newcomers)
    proxy.faults.append(Fault("POST", "/Users", drop=True))

    during = college.run("sync")
    proxy.faults.clear()
    sent = proxy.count("POST")
    after = college.run("sync")

    assert during.code == 1
    assert after.code == 0
    assert accounts(proxy, newcomers) == list(newcomers)
    # What never reached the server is sent; what did is not sent again.
    assert proxy.count("POST") - sent <= 3 - 1
    assert_ledger_and_targets_agree(college, 19)


def test_a_secret_that_is_missing_is_named_and_stops_its_system_alone(
    college: College, proxy: Proxy, monkeypatch: pytest.MonkeyPatch
):
    register(college, "40000")
    monkeypatch.delenv("COLLEGE_TOKEN")

    without = college.run("sync")
    told = college.incidents()
    monkeypatch.setenv("COLLEGE_TOKEN", shared_server().token)
    again = college.run("sync")

    assert without.code == 1
    assert "Traceback" not in without.out + without.err
    assert [(i["place"], i["steward"]) for i in told] == [("idp", "it")]
    assert "env:COLLEGE_TOKEN" in told[0]["message"]
    assert "Provide COLLEGE_TOKEN" in told[0]["cure"]
    assert college.in_lms("SELECT count(*) FROM users WHERE idnumber = '40000'") == [(1,)]
    assert again.code == 0
    assert college.incidents() == []
    assert accounts(proxy, ("40000",)) == ["40000"]


def test_a_secret_stands_in_no_file_and_no_answer(college: College, proxy: Proxy):
    secret = shared_server().token.encode()
    register(college, "50000", "50001", "50002")
    proxy.faults += [
        Fault("POST", "/Users", times=1, status=400, forward=False, body=b"Bearer " + secret),
        Fault("POST", "/Users", times=1, status=401, forward=False, body=secret),
    ]

    said = [college.run(*words) for words in (
        ("sync",), ("sync", "--json"), ("status", "--json"), ("incidents", "--json"), ("plan",),
        ("checklist",), ("explain", "student", "50000"), ("check", "--live"),
    )]  # fmt: skip
    files = [path for path in college.folder.rglob("*") if path.is_file()]

    assert len(files) > 20
    assert [path for path in files if secret in path.read_bytes()] == []
    assert [answer for answer in said if secret.decode() in answer.out + answer.err] == []

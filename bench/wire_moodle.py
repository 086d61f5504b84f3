"""Bench the Moodle connector against its simulator, 20 ms away.

    python bench/wire_moodle.py [--people 10000]

Accounts are made, changed and read, and people are enrolled. The yardstick is a bare client of
asyncio, whose calls have as many records and of which as many are under way at once: it sends the
same calls that change something, and in a second row also the look-ups without which accounts
would be doubled. The simulator runs in a process of its own.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))

import httpx2
from measure import table

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Context, Write
from matricula.connectors.moodle.connector import MoodleConnector
from matricula.connectors.moodle.simulator import serve
from matricula.connectors.moodle.wire import flattened

if TYPE_CHECKING:
    from collections.abc import Sequence

LATENCY_SECONDS = 0.02
ROWS, CALLS = 50, 4
HEADS = ("what", "found", "ratio", "reach")
TOKEN = "bench"  # noqa: S105 - of a simulator that lives for a minute
COURSES = 20
LOOK = "core_user_get_users_by_field"


def person(n: int) -> dict[str, Any]:
    return {
        "idnumber": f"S{n:07d}", "username": f"s{n:07d}", "firstname": "Amara",
        "lastname": f"Okafor {n}", "email": f"s{n}@northfield.example", "auth": "oauth2",
    }  # fmt: skip


def course(n: int) -> dict[str, Any]:
    return {"idnumber": f"C{n}", "shortname": f"C{n}", "fullname": f"C {n}", "categoryid": "1"}


class Bare:
    """A client that sends calls and looks at nothing."""

    def __init__(self, url: str) -> None:
        self._url = url + "/webservice/rest/server.php"

    def send(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> float:
        """Send calls, as many at once as the connector does; give the seconds."""
        return asyncio.run(self._send(calls))

    async def _send(self, calls: Sequence[tuple[str, dict[str, Any]]]) -> float:
        gate = asyncio.Semaphore(CALLS)
        async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
            began = time.perf_counter()

            async def one(function: str, arguments: dict[str, Any]) -> None:
                form = dict(flattened(arguments))
                form |= {"wsfunction": function, "moodlewsrestformat": "json", "wstoken": TOKEN}
                async with gate:
                    answer = await client.post(self._url, data=form)
                told = answer.json()
                assert not isinstance(told, dict) or "exception" not in told, told

            await asyncio.gather(*(one(*call) for call in calls))
            return time.perf_counter() - began


def calls_of(function: str, name: str, rows: Sequence[dict[str, Any]]) -> list[Any]:
    """Put rows into calls of as many as the connector sends."""
    return [(function, {name: rows[at : at + ROWS]}) for at in range(0, len(rows), ROWS)]


def looks(people: Sequence[dict[str, Any]]) -> list[Any]:
    """Ask for the three identifiers of everybody, eight hundred at a time."""
    return [
        (LOOK, {"field": name, "values": [one[name] for one in people[at : at + 800]]})
        for at in range(0, len(people), 800)
        for name in ("idnumber", "username", "email")
    ]


def through(connector: MoodleConnector, resource: str, writes: Sequence[Write]) -> float:
    """Write as the hub does, batch after batch; give the seconds."""
    size = connector.capabilities.batch_size
    began = time.perf_counter()
    for at in range(0, len(writes), size):
        for one in connector.write(resource, writes[at : at + size], at=AT):
            assert one.error is None, one.error
    return time.perf_counter() - began


def creation(n: int, fields: dict[str, Any], match: Sequence[str]) -> Write:
    found_by = {name: fields[name] for name in match}
    return Write(f"k{n}", "create", None, fields, frozenset(fields), found_by)


def read_all(connector: MoodleConnector, resource: str) -> tuple[int, float]:
    """Read a resource; give its rows and the seconds."""
    began = time.perf_counter()
    with connector.read(resource) as reading:
        rows = sum(batch.num_rows for batch in reading.batches)
    return rows, time.perf_counter() - began


class Bench:
    """Both clients on one simulator; they write different people."""

    def __init__(self, url: str, people: int) -> None:
        os.environ["BENCH_TOKEN"] = TOKEN
        settings = MoodleConnector.Settings.model_validate(
            {"url": url, "token": "env:BENCH_TOKEN", "batch_size": ROWS, "concurrency": CALLS}
        )
        self._bare = Bare(url)
        self._ours = MoodleConnector(settings, Context("lms", Path()))
        self._ours.ping()
        self._people = people
        self._ids: list[str] = []
        self.rows: list[tuple[str, ...]] = []

    def made(self) -> None:
        """Make accounts."""
        theirs = [person(10_000_000 + n) for n in range(self._people)]
        mine = [person(n) for n in range(self._people)]
        making = self._bare.send(calls_of("core_user_create_users", "users", theirs))
        looking = self._bare.send(looks(mine))
        writes = [creation(n, one, ["idnumber"]) for n, one in enumerate(mine)]
        took = through(self._ours, "users", writes)
        self._told("accounts made; bare looks as well", self._people, took, making + looking)
        self._told("accounts made; bare never looks", self._people, took, making, reach="")
        found = self._ours.find("users", [{"idnumber": one["idnumber"]} for one in mine])
        self._ids = [str(one[0].external_id) for one in found]

    def read(self) -> None:
        """Read all accounts."""
        rows, took = read_all(self._ours, "users")
        ids = self._ids
        parts = [ids[at : at + 800] for at in range(0, len(ids), 800)]
        everybody = {"courseid": 1, "options": [{"name": "userfields", "value": "id"}]}
        bare = self._bare.send([("core_enrol_get_enrolled_users", everybody)])
        bare += self._bare.send([(LOOK, {"field": "id", "values": some}) for some in parts * 2])
        self._told("accounts read", rows, took, bare)

    def changed(self) -> None:
        """Change a field of every account."""
        forms = [{"id": one, "department": "Law"} for one in self._ids]
        bare = self._bare.send(calls_of("core_user_update_users", "users", forms))
        fields, names = {"department": "Art"}, frozenset({"department"})
        writes = [Write(f"k{n}", "update", i, fields, names) for n, i in enumerate(self._ids)]
        self._told("accounts changed", len(writes), through(self._ours, "users", writes), bare)

    def enrolled(self) -> None:
        """Enrol everybody in one of some courses."""
        spaces = [creation(n, course(n), ["idnumber"]) for n in range(2 * COURSES)]
        through(self._ours, "courses", spaces)
        forms = [
            {"roleid": 5, "userid": i, "courseid": 2 + COURSES + n % COURSES, "suspend": 0}
            for n, i in enumerate(self._ids)
        ]
        bare = self._bare.send(calls_of("enrol_manual_enrol_users", "enrolments", forms))
        spaces_of = [{"courseid": 2 + n, "options": []} for n in range(COURSES)]
        looking = self._bare.send([("core_enrol_get_enrolled_users", one) for one in spaces_of])
        places = [
            {"courseid": str(2 + n % COURSES), "userid": i, "role": "student"}
            for n, i in enumerate(self._ids)
        ]
        writes = [creation(n, one, list(one)) for n, one in enumerate(places)]
        took = through(self._ours, "enrolments", writes)
        self._told("people enrolled; bare looks as well", len(writes), took, bare + looking)
        self._told("people enrolled; bare never looks", len(writes), took, bare, reach="")
        self._ours.close()

    def _told(self, what: str, count: int, took: float, bare: float, reach: str = "0.8") -> None:
        self.rows.append((what, f"{count / took:,.0f}/s", f"{bare / took:.2f}", reach))


def run(url: str, people: int) -> list[tuple[str, ...]]:
    """Bench everything."""
    bench = Bench(url, people)
    bench.made()
    bench.read()
    bench.changed()
    bench.enrolled()
    return bench.rows


def simulate() -> None:
    """Be the simulator until the input ends."""
    with serve() as moodle:
        moodle.token, moodle.latency_seconds = TOKEN, LATENCY_SECONDS
        print(json.dumps(moodle.url), flush=True)
        sys.stdin.read()


def main() -> None:
    """Read what is asked for; bench it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--simulate", action="store_true", help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.simulate:
        simulate()
        return
    server = subprocess.Popen(
        [sys.executable, __file__, "--simulate"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert server.stdout is not None
        rows = run(json.loads(server.stdout.readline()), chosen.people)
    finally:
        server.terminate()
        server.wait()
    print(
        f"Moodle, calls of {ROWS} records, {CALLS} at once, {LATENCY_SECONDS * 1000:.0f} ms away"
    )
    print(table(rows, HEADS))


if __name__ == "__main__":
    main()

"""Bench every HTTP connector against its counterpart, 20 ms away.

    python bench/connectors.py [--rows 400] [--times 3] [--only koha,moodle]

Through each connector records are made, changed and read. The yardstick is a bare client of
asyncio that sends the very same calls to the same counterpart (of the creations, to a fresh one)
with as many under way at once as the connector's settings allow, waits for nothing but a free
place, and reads each answer's JSON. So what is measured is what the connector adds: look-ups
that protect against doubles are in both. Whether they are many is said by the calls for a record.
The counterparts run in processes of their own; beside stand how busy each was, and the CPU time
that a record took here, ours and bare, which a busy machine lengthens least.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import httpx2
from far import LATENCY_SECONDS, TRIALS, Far, elsewhere
from measure import table

from matricula.connectors.kit.conformance import AT
from matricula.connectors.kit.protocol import Write

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from far import Trial

    from matricula.connectors.kit.protocol import Connector

HEADS = ("what", "ours", "bare", "ratio", "calls each", "CPU each", "busy", "reach")
READINGS = 3
REACH = 0.8
_OF_A_CONNECTION = frozenset({"host", "content-length", "connection", "user-agent"})


@dataclass(frozen=True, slots=True)
class Call:
    """A request that was sent, and with what status it was answered."""

    method: str
    url: httpx2.URL
    headers: list[tuple[str, str]]
    content: bytes
    status: int

    def at(self, address: str) -> httpx2.URL:
        """Say where it goes at another counterpart."""
        home = httpx2.URL(address)
        return self.url.copy_with(host=home.host, port=home.port)


@dataclass(frozen=True, slots=True)
class Found:
    """What one thing took, in seconds, through the connector and bare."""

    rows: int
    calls: int
    ours: float
    bare: float
    cpu: float
    bare_cpu: float
    busy: float


class Bench:
    """One connector and its counterparts."""

    def __init__(self, trial: Trial, rows: int) -> None:
        self._trial, self._rows = trial, rows * trial.weight
        self._calls: list[Call] = []
        self.found: dict[str, list[Found]] = {}

    def run(self) -> None:
        """Make, change and read; then send the calls again, bare."""
        trial = self._trial
        with elsewhere(trial, self._rows) as near, closing(near.connector(trial)) as connector:
            with recorded() as opening:
                self._opened(connector)
            if trial.writes:
                self._made(near, connector, opening)
            if trial.change:
                self._timed("changed", near, near, lambda: self._change(connector))
            for _ in range(READINGS if trial.reads else 0):
                self._timed("read", near, near, lambda: self._read(connector))

    def _opened(self, connector: Connector) -> None:
        assert connector.ping().well, connector.ping().sentence
        for resource, count, row in self._trial.before:
            rows = [row(n) for n in range(count or self._rows)]
            through(connector, resource, [creation(n, one, ()) for n, one in enumerate(rows)])

    def _made(self, near: Far, connector: Connector, opening: Sequence[Call]) -> None:
        trial = self._trial
        rows = [trial.row(n) for n in range(self._rows)]
        writes = [creation(n, one, trial.match) for n, one in enumerate(rows)]
        self._ids: list[str] = []

        def make() -> int:
            self._ids = through(connector, trial.resource, writes)
            return len(self._ids)

        with elsewhere(trial, self._rows) as fresh:
            # One by one, since what is let in at first lets in the rest.
            asyncio.run(resent(fresh.url, opening, 1))
            self._timed("made", near, fresh, make)

    def _change(self, connector: Connector) -> int:
        fields = self._trial.change
        writes = [
            Write(f"k{n}", "update", one, fields, frozenset(fields))
            for n, one in enumerate(self._ids)
        ]
        return len(through(connector, self._trial.resource, writes))

    def _read(self, connector: Connector) -> int:
        with connector.read(self._trial.resource) as reading:
            return sum(batch.num_rows for batch in reading.batches)

    def _timed(self, what: str, near: Far, other: Far, do: Callable[[], int]) -> None:
        with recorded() as calls:
            theirs, cpu, began = near.cpu(), time.process_time(), time.perf_counter()
            rows = do()
            took, cpu = time.perf_counter() - began, time.process_time() - cpu
            busy = (near.cpu() - theirs) / took
        bare_cpu = time.process_time()
        bare = asyncio.run(resent(other.url, calls, self._at_once))
        bare_cpu = time.process_time() - bare_cpu
        one = Found(rows, len(calls), took, bare, cpu, bare_cpu, busy)
        self.found.setdefault(what, []).append(one)

    @property
    def _at_once(self) -> int:
        from matricula.connectors.registry import connector_class

        fields = connector_class(self._trial.name).Settings.model_fields
        given = self._trial.settings.get("concurrency")
        return int(given or (fields["concurrency"].default if "concurrency" in fields else 1))


@contextmanager
def recorded() -> Iterator[list[Call]]:
    """Write down every request that leaves meanwhile."""
    calls: list[Call] = []
    send = httpx2.HTTPTransport.handle_request

    def noting(self: httpx2.HTTPTransport, request: httpx2.Request) -> httpx2.Response:
        answer = send(self, request)
        headers = [one for one in request.headers.multi_items() if one[0] not in _OF_A_CONNECTION]
        content = request.read()
        calls.append(Call(request.method, request.url, headers, content, answer.status_code))
        return answer

    httpx2.HTTPTransport.handle_request = noting  # type: ignore[method-assign]  # for this while
    try:
        yield calls
    finally:
        httpx2.HTTPTransport.handle_request = send  # type: ignore[method-assign]


async def resent(address: str, calls: Sequence[Call], at_once: int) -> float:
    """Send calls, so many at once; give the seconds."""
    rest = iter([(one, one.at(address)) for one in calls])
    odd: list[tuple[Call, int]] = []

    async def work(client: httpx2.AsyncClient) -> None:
        for call, url in rest:
            answer = await client.request(
                call.method, url, headers=call.headers, content=call.content
            )
            if answer.is_success and answer.content:
                answer.json()
            if answer.status_code != call.status:
                odd.append((call, answer.status_code))

    async with httpx2.AsyncClient(trust_env=False, timeout=60) as client:
        began = time.perf_counter()
        await asyncio.gather(*(work(client) for _ in range(at_once)))
        took = time.perf_counter() - began
    # A few may find what another one makes a moment later.
    assert len(odd) <= 1 + len(calls) // 50, odd[:3]
    return took


def through(connector: Connector, resource: str, writes: Sequence[Write]) -> list[str]:
    """Write as the hub does, batch after batch; give the identifiers."""
    size = connector.capabilities.batch_size
    ids: list[str] = []
    for at in range(0, len(writes), size):
        for one in connector.write(resource, writes[at : at + size], at=AT):
            assert one.error is None, one.error
            ids.append(str(one.external_id))
    return ids


def creation(n: int, fields: dict[str, Any], match: Sequence[str]) -> Write:
    found_by = {name: fields[name] for name in match}
    return Write(f"k{n}", "create", None, fields, frozenset(fields), found_by)


def lines(trial: Trial, benches: Sequence[Bench]) -> Iterator[tuple[str, ...]]:
    """Say what was found, in medians."""
    for what in benches[0].found:
        every = [one for bench in benches for one in bench.found[what]]
        rows, calls = every[0].rows, every[0].calls

        def median(of: Callable[[Found], float], every: list[Found] = every) -> float:
            return statistics.median(map(of, every))

        ratio = median(lambda one: one.bare / one.ours)
        cpu, bare_cpu = median(lambda one: one.cpu), median(lambda one: one.bare_cpu)
        missed = "" if ratio >= REACH else ": **not reached**"
        yield (
            f"{trial.name}, {rows:,} {trial.resource} {what}",
            f"{rows / median(lambda one: one.ours):,.0f}/s",
            f"{rows / median(lambda one: one.bare):,.0f}/s",
            f"{ratio:.2f}",
            f"{calls / rows:.3g}",
            f"{cpu / rows * 1e6:,.0f} and {bare_cpu / rows * 1e6:,.0f} µs",
            f"{median(lambda one: one.busy):.0%}",
            f"{REACH:g}{missed}",
        )


def main() -> None:
    """Read what is asked for; bench it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--rows", type=int, default=400, help="where each takes its own calls")
    parser.add_argument("--times", type=int, default=3, help="each; medians are shown")
    parser.add_argument("--only", default="", help="some connectors, by name")
    chosen = parser.parse_args()
    named = [one for one in chosen.only.split(",") if one]
    rows: list[tuple[str, ...]] = []
    for trial in TRIALS:
        if named and trial.name not in named:
            continue
        benches = [Bench(trial, chosen.rows) for _ in range(chosen.times)]
        for one in benches:
            one.run()
        rows += lines(trial, benches)
    away = f"{LATENCY_SECONDS * 1000:.0f} ms away, medians of {chosen.times}"
    print(f"{away}; as this began the load of the machine was {json.dumps(_LOAD)}")
    print(table(rows, HEADS))


_LOAD = [round(one, 1) for one in os.getloadavg()]

if __name__ == "__main__":
    main()

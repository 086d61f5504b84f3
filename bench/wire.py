"""Bench a long delivery: over HTTP, and beside another system's small changes.

    python bench/wire.py [--people 145000] [--only http]

The university of `bench/hub.py`. First seven tenths of 40,000 people change and go to an
endpoint that takes batches by POST and answers at once; the yardstick is a bare loop that
posts bodies of the same form and size. Then, on PostgreSQL, a target comes back that was away
while seven tenths of everybody changed, and a process of its own delivers to it; meanwhile
another process goes on with one person after the other towards the other targets, as before.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import httpx2
import hub
import small
from measure import table

from matricula.connectors.kit.http import Http
from matricula.connectors.kit.protocol import Outcome
from matricula.connectors.kit.transport import Access
from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from matricula.connectors.kit.protocol import Context, Write

POSTED = 40_000
FEWEST = 20
OTHERS = tuple(f"{system}-people" for system in hub.TARGETS if system != "lms")


class Answering(BaseHTTPRequestHandler):
    """Takes whatever is posted and answers at once."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_POST(self) -> None:
        """Read the body, and say that it is taken."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: object) -> None:
        """Tell nobody."""


class Posting(small.Slow):
    """A target whose changes are posted to an address, where a file names one."""

    def __init__(self, settings: hub.NoSettings, context: Context) -> None:
        super().__init__(settings, context)
        place = context.folder / f"{context.system}.address"
        self._http = Http(Access(url=place.read_text())) if place.exists() else None

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Post a batch, and note how long that took and when."""
        if self._http is None:
            return super().write(resource, writes, at=at)
        began = time.perf_counter()
        self._http.send("POST", "/", content=body(writes))
        with (self._folder / "posted").open("a") as file:
            file.write(f"{began} {time.perf_counter()}\n")
        return [Outcome(write.key, write.external_id or "x" + write.key) for write in writes]


hub.Accepting = Posting  # type: ignore[misc]  # a class in a class's place


def body(writes: Sequence[Write]) -> bytes:
    """Write a batch as JSON."""
    told = [
        {"id": one.external_id, "set": {n: one.fields[n] for n in one.changed}} for one in writes
    ]
    return json.dumps(told).encode()


def by_post(folder: Path, people: int) -> list[tuple[str, ...]]:
    """Time a delivery by POST, and a bare loop."""
    small.loaded(folder, people)
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().strip()
        (folder / "lms.address").write_text(address)
        small.change(folder, people, 1)
        effects, seconds = small.passed(folder, 1, ("lms-people",))
        spans = [tuple(map(float, line.split())) for line in (folder / "posted").open()]
        bare = post_bare(address, effects)
    finally:
        server.terminate()
    delivering = spans[-1][1] - spans[0][0]
    what = f"SQLite: {effects:,} copies by POST in batches of {hub.BATCH:,}"
    rate = effects / bare
    return [
        (f"{what}, a bare loop", f"{rate:,.0f}/s", "1", ""),
        (f"{what}, from the first to the last", *_rated(effects / delivering, rate), "0.8"),
        (f"{what}, the whole pass", *_rated(effects / seconds, rate), ""),
    ]


def _rated(rate: float, bare: float) -> tuple[str, str]:
    return f"{rate:,.0f}/s", f"{rate / bare:.2f}"


def post_bare(address: str, effects: int) -> float:
    """Post as many changes in a bare loop; give the seconds."""
    batches = list(small.batches(effects))
    with httpx2.Client(trust_env=False) as client:
        client.post(address, content=b"[]")
        before = time.perf_counter()
        for batch in batches:
            told = [
                {"id": one.external_id, "set": {"email": one.fields["email"]}} for one in batch
            ]
            client.post(address, content=json.dumps(told).encode()).raise_for_status()
        return time.perf_counter() - before


def beside(folder: Path, people: int) -> list[tuple[str, ...]]:
    """Time small changes towards some targets, alone and while another one is drained."""
    small.loaded(folder, people)
    _keep(folder)
    before = [_one(folder, turn) for turn in range(1, 2 * FEWEST + 1)]
    (folder / "lms.away").touch()
    turn = 2 * FEWEST + 1
    small.change(folder, people, turn)
    _keep(folder)
    small.passed(folder, turn, whole=False)
    (folder / "lms.away").unlink()
    (folder / "slow").touch()
    drain = subprocess.Popen(
        [sys.executable, __file__, "--drain", str(folder), str(turn + 1)],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    meanwhile = []
    try:
        assert drain.stdout is not None
        drain.stdout.readline()
        while drain.poll() is None:
            turn += 1
            meanwhile.append(_one(folder, turn))
        effects, seconds = json.loads(drain.stdout.read())
    finally:
        drain.terminate()
    bare = effects / hub.BATCH * small.PACE
    drained = f"PostgreSQL: {effects:,} copies after an outage"
    told = "PostgreSQL: one change to three other targets, p99"
    rows = [
        (drained, f"{seconds:.1f} s", f"{seconds / bare:.2f} of its pace", "1.05"),
        (f"{told}, alone", f"{_p99(before):.0f} ms", "1", ""),
    ]
    if len(meanwhile) >= FEWEST:
        ratio = _p99(meanwhile) / _p99(before)
        rows.append((f"{told}, meanwhile", f"{_p99(meanwhile):.0f} ms", f"{ratio:.2f}", "1.5"))
    return rows


def _keep(folder: Path) -> None:
    """Keep how everybody is now; each small change is made to that."""
    shutil.copy(folder / "students.parquet", folder / "kept.parquet")


def _one(folder: Path, turn: int) -> float:
    """Change one person and pass that on, in milliseconds."""
    path = folder / "students.parquet"
    fresh = path.with_suffix(".new")
    mail = f"CASE WHEN student_no = 'S{turn:08d}' THEN 'one{turn}@n.example' ELSE email END"
    told = f"SELECT * REPLACE ({mail} AS email) FROM '{folder / 'kept.parquet'}'"
    duckdb.connect().execute(f"COPY ({told}) TO '{fresh}' (FORMAT parquet)")
    fresh.replace(path)
    return small.passed(folder, turn, OTHERS)[1] * 1000


def _p99(took: list[float]) -> float:
    return sorted(took)[int(len(took) * 0.99)]


def drain(folder: Path, turn: int) -> None:
    """Be the process that delivers what one target missed."""
    small.ready()
    print("ready", flush=True)
    print(json.dumps(small.passed(folder, turn, ("lms-people",))))


def serve() -> None:
    """Be the endpoint."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Answering)
    print(f"http://127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


def alone(what: str, people: int) -> list[tuple[str, ...]]:
    """Bench one thing in a process and a home of its own; the environment names the database."""
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as place:
        home = Path(place) / "home"
        home.mkdir()
        ran = subprocess.run(
            [sys.executable, __file__, "--alone", what, place, str(people)], text=True,
            stdout=subprocess.PIPE, check=True, env={**os.environ, "MATRICULA_HOME": str(home)},
        )  # fmt: skip
    return [tuple(row) for row in json.loads(ran.stdout.splitlines()[-1])]


def main() -> None:
    """Read what is asked for; bench it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=145_000)
    parser.add_argument("--only", choices=("http", "beside"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("--drain", nargs=2, help=argparse.SUPPRESS)
    parser.add_argument("--alone", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        serve()
    elif chosen.drain:
        drain(Path(chosen.drain[0]), int(chosen.drain[1]))
    elif chosen.alone:
        what, place, people = chosen.alone
        small.ready()
        folder = Path(place)
        most = min(int(people), POSTED)
        rows = by_post(folder, most) if what == "http" else beside(folder, int(people))
        print(json.dumps(rows))
    else:
        bench(chosen.people, chosen.only)


def bench(people: int, only: str | None) -> None:
    """Bench what is asked for and print the table."""
    rows: list[tuple[str, ...]] = []
    if only != "beside":
        os.environ["MATRICULA_DATABASE_URL"] = ""
        rows += alone("http", people)
    if only != "http" and server_binaries() is not None:
        with postgres_server() as url, fresh_database(url) as fresh:
            os.environ["MATRICULA_DATABASE_URL"] = fresh
            rows += alone("beside", people)
    if server_binaries() is None:
        print(MISSING)
    print(table(rows, small.HEADS))


if __name__ == "__main__":
    main()

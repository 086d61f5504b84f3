"""Bench whole passes through the durable hub: state in the database, effects, audit, all of it.

    python bench/hub.py [--people 100000] [--times 1] [--quick]

One entity, a Parquet file as its source, four flows to four targets in this process that
accept everything. The first load makes a link for every person and flow; the passes after
it find nothing to do: with the targets' readings, without them, and from what changed at
the source. The yardstick puts as many rows of links, with their columns and text, into a
table of the same database, by a bare executemany (SQLite) or COPY (PostgreSQL), a
transaction for every 1,000. Ratios are of wall time in the same run.

SQLite is as the product opens it (WAL, synchronous FULL). PostgreSQL is a server of our
own that keeps nothing safe from a crash.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import pyarrow.parquet as pq
from measure import HEADS, Measured, child, in_turns, measure, row, table
from pydantic import BaseModel

from matricula.connectors.kit.protocol import (
    Capabilities,
    Health,
    Outcome,
    Reading,
    ResourceShape,
)
from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import Context, Found, Value, Write
    from matricula.hub.desk import Desk

START = datetime(2026, 11, 23, 6, tzinfo=UTC)
BATCH = 1_000
LOAD_FLOOR = 5_000  # links a second
EMPTY_LIMIT = 20.0  # microseconds a link
TARGETS: Mapping[str, Mapping[str, str]] = {
    "lms": {
        "idnumber": "student_no", "username": "lower(login)", "firstname": "given_name",
        "lastname": "family_name", "email": "email", "department": "programme",
    },
    "library": {
        "cardnumber": "student_no", "surname": "family_name", "firstname": "given_name",
        "email": "email", "category_id": "coalesce(programme, 'NONE')", "userid": "login",
    },
    "directory": {
        "externalId": "student_no", "displayName": "given_name || ' ' || family_name",
        "mail": "email", "title": "programme",
    },
    "clearance": {
        "student": "student_no", "status": "status", "programme": "programme",
        "intake": "intake", "email": "email",
    },
}  # fmt: skip
FIELDS = (
    "student_no",
    "given_name",
    "family_name",
    "status",
    "programme",
    "intake",
    "login",
    "email",
)
PEOPLE = """
    SELECT 'S' || lpad(i::VARCHAR, 8, '0') AS student_no,
        ['Amara', 'Bela', 'Chidi', 'Dewi', 'Zoë'][1 + i % 5] || ' ' || (i % 997) AS given_name,
        'Family ' || (i * 7) AS family_name,
        CASE WHEN i % 10 = 0 THEN 'on_leave' ELSE 'active' END AS status,
        'P' || (i % 200) AS programme, '2026/' || (i % 4) AS intake, 'Login' || i AS login,
        'person.' || i || '@northfield.example' AS email
    FROM range({rows}) t(i)"""


class NoSettings(BaseModel, extra="forbid"):
    """Nothing is to be set."""


class Accepting:
    """A target that takes everything and forgets it.

    It reads as what it should hold by now, computed from the source by DuckDB alone.
    """

    Settings: ClassVar[type[BaseModel]] = NoSettings
    capabilities = Capabilities(batch_size=BATCH, finds=False)

    def __init__(self, settings: NoSettings, context: Context) -> None:
        del settings
        self._system, self._folder = context.system, context.folder

    def describe(self) -> Sequence[ResourceShape]:
        return (ResourceShape("people", (), open_ended=True),)

    def ping(self) -> Health:
        return Health(well=True, sentence="It is here.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        del resource
        path = self._folder / f"{self._system}.parquet"
        if not path.exists():
            held(self._folder, self._system, "false")
        with pq.ParquetFile(path) as file:
            yield Reading(file.schema_arrow, file.iter_batches())

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        del resource
        return [[] for _ in matches]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        del resource, at
        return [Outcome(write.key, "x" + write.key) for write in writes]

    def close(self) -> None:
        """There is nothing to let go of."""


def held(folder: Path, system: str, which: str = "true") -> None:
    """Write what a target holds once it took everybody."""
    fields = ", ".join(f'{expression} AS "{name}"' for name, expression in TARGETS[system].items())
    duckdb.connect().execute(
        f"COPY (SELECT 'x' || student_no AS _id, {fields} "
        f"FROM '{folder / 'students.parquet'}' WHERE {which}) "
        f"TO '{folder / f'{system}.parquet'}' (COMPRESSION zstd)"
    )


def charter_text() -> str:
    systems = "".join(f"  {name}: {{connector: accepting, steward: it}}\n" for name in TARGETS)
    fields = "".join(f"      {name}: {{owner: sis.students, type: text}}\n" for name in FIELDS)
    flows = ""
    for system, granted in TARGETS.items():
        match = next(iter(granted))
        told = "".join(
            f'      {n}: {{is: "{e}", because: it is measured}}\n' for n, e in granted.items()
        )
        flows += f"""  {system}-people:
    purpose: A bench measures it.
    basis: public task
    from: student
    to: {system}.people
    match: {{{match}: student_no}}
    fields:
{told}    cadence: {{on_change: true}}
    on_exit: suspend
    on_drift: restore
    if_unavailable: {{queue: true}}
    guard: {{exits: {{share: 10%}}}}
    errors_to: it
"""
    return f"""institution: Bench
timezone: UTC
currency: GBP
stewards:
  it: {{name: Identity and Access, notify: it@example.org}}
systems:
  sis:
    connector: files
    steward: it
    settings:
      folder: .
      resources: {{students: {{file: students.parquet, key: [student_no]}}}}
{systems}entities:
  student:
    key: student_no
    roster: sis.students
    fields:
{fields}flows:
{flows}"""


def make(folder: Path, people: int) -> None:
    """Write the source and the charter, make the database, and have the charter signed."""
    from django.core.management import call_command

    from matricula.hub import charters

    (folder / "charter").mkdir()
    (folder / "charter" / "charter.yaml").write_text(charter_text(), encoding="utf-8")
    duckdb.connect().execute(
        f"COPY ({PEOPLE.format(rows=people)}) TO '{folder / 'students.parquet'}'"
    )
    call_command("migrate", verbosity=0)
    charters.sign(desk(folder, 0), steward="it")


def desk(folder: Path, hours: int) -> Desk:
    from matricula.charter.compile import compile_charter
    from matricula.connectors import registry
    from matricula.hub.desk import Desk

    # As another distribution's entry point would, without installing one.
    registry._OURS["accepting"] = f"{__name__}:Accepting"  # noqa: SLF001 - see above
    home = Path(os.environ["MATRICULA_HOME"])
    at = START + timedelta(hours=hours)
    charter = compile_charter(folder / "charter", today=at.date())
    return Desk(charter, charter.text, folder, home, "bench", at)


def bare(folder: Path) -> str:
    """Insert rows like those of the links and nothing else."""
    from django.db import connection, transaction

    people = duckdb.connect().execute(f"FROM '{folder / 'students.parquet'}'").fetchall()
    columns = (
        '"flow", "key", "external_id", "state", "confirmed", "digest", "confirmed_at", "run", '
        '"drift", "refused", "attempts"'
    )
    at, marks, count = START.isoformat(), ", ".join(["%s"] * 11), 0
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE bare_link AS SELECT * FROM hub_link WHERE flow IS NULL")
        for flow in TARGETS:
            for start in range(0, len(people), BATCH):
                rows = [
                    (flow, p[0], "x" + p[0], "active", "|".join(map(str, p)), "d" * 32, at, "run",
                     "", "", 0)
                    for p in people[start : start + BATCH]
                ]  # fmt: skip
                with transaction.atomic():
                    if connection.vendor == "postgresql":
                        with cursor.cursor.copy(f"COPY bare_link ({columns}) FROM STDIN") as copy:
                            for values in rows:
                                copy.write_row(values)
                    else:
                        cursor.executemany(
                            f"INSERT INTO bare_link ({columns}) VALUES ({marks})", rows
                        )
                count += len(rows)
        cursor.execute("DROP TABLE bare_link")
    return f"{count:,} rows"


def load(folder: Path) -> str:
    """Deliver everybody everywhere."""
    from matricula.hub import runs

    done = runs.sync(desk(folder, 1))
    answered = sum(part.counts["answered"] for part in done.delivered)
    assert done.is_whole
    assert all(part.counts["answered"] for part in done.delivered)
    return f"{answered:,} links"


def empty(folder: Path, *, full: bool) -> str:
    """Find nothing to do, having compared every link there is."""
    from matricula.hub import runs
    from matricula.hub.planning import Scope

    done = runs.sync(desk(folder, 2), Scope(full=full))
    assert done.plan.is_empty, done.plan.flows
    assert done.is_whole, done.plan.flows
    return f"{sum(part.unchanged for part in done.plan.flows):,} unchanged"


def work(name: str, folder: Path) -> Callable[[], str]:
    """Make ready what is not to be measured, and say what is."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    if name == "bare":
        return lambda: bare(folder)
    # What a pass imports is paid once by a process; a worker runs many.
    from matricula.connectors.files import connector as _  # noqa: F401 - for its side: it is loaded
    from matricula.hub import runs as _runs  # noqa: F401 - likewise

    if name == "load":
        return lambda: load(folder)
    if name == "unseen":
        shutil.rmtree(Path(os.environ["MATRICULA_HOME"]) / "indexes")
    return lambda: empty(folder, full=name == "full")


def once(people: int) -> dict[str, Measured]:
    """Load a database that is empty, and pass over it again; the environment says where it is."""
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as place:
        folder = Path(place)
        os.environ["MATRICULA_HOME"] = str(folder / "home")
        (folder / "home").mkdir()

        def job(name: str) -> Measured:
            return measure("hub.py", "--work", name, place, str(people))

        job("make")
        found = {name: job(name) for name in ("bare", "load")}
        for system in TARGETS:
            held(folder, system)
        return found | {name: job(name) for name in ("full", "unseen", "changed")}


def bench(database: str, people: int, times: int, url: str = "") -> list[tuple[str, ...]]:
    """Bench one database and tell."""
    ran = []
    for _ in range(times):
        if url:
            with fresh_database(url) as fresh:
                os.environ["MATRICULA_DATABASE_URL"] = fresh
                ran.append(once(people))
        else:
            os.environ["MATRICULA_DATABASE_URL"] = ""
            ran.append(once(people))
    turns = {name: iter([results[name] for results in ran]) for name in ran[0]}
    found = in_turns(times, {name: (lambda n=name: next(turns[n])) for name in turns})  # type: ignore[misc]  # a bound name
    links = people * len(TARGETS)
    yardstick = found["bare"]
    rows = [row(f"{database}: {links:,} bare rows", rated(yardstick, links))]
    limit = f"{EMPTY_LIMIT:g} µs a link"
    for name, what, reach in (
        ("load", "first load", f"{LOAD_FLOOR:,} links/s"),
        ("full", "nothing to do, targets read", limit),
        ("unseen", "nothing to do, targets not read", limit),
        ("changed", "nothing to do, from changes", ""),
    ):
        ratio = found[name].wall / yardstick.wall
        told = rated(found[name], links)
        rows.append(row(f"{database}: {what}", told, ratio=ratio, reach=reach))
    return rows


def rated(found: Measured, links: int) -> Measured:
    each = f"{found.wall / links * 1e6:.1f} µs a link"
    return Measured(
        found.wall, found.cpu, found.peak_mb, f"{links / found.wall:,.0f}/s, {each}, {found.told}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=100_000)
    parser.add_argument("--times", type=int, default=1)
    parser.add_argument("--only", choices=("sqlite", "postgresql"))
    parser.add_argument("--work", nargs=3, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        name, place, people = chosen.work
        if name == "make":
            work("bare", Path(place))
            child(lambda: make(Path(place), int(people)) or "")
        else:
            child(work(name, Path(place)))
        return
    rows: list[tuple[str, ...]] = []
    if chosen.only != "postgresql":
        rows += bench("SQLite", chosen.people, chosen.times)
    if chosen.only != "sqlite":
        if server_binaries() is None:
            print(MISSING)
        else:
            with postgres_server() as url:
                rows += bench("PostgreSQL", chosen.people, chosen.times, url)
    print(table(rows, HEADS))


if __name__ == "__main__":
    main()

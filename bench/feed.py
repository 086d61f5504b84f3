"""Bench what one change among many costs at a PostgreSQL source, by each way to be told of it.

    python bench/feed.py [--people 1000000] [--times 5]

A table with an index on its key and on the instant of its last change; one flow to a target in
this process that accepts everything; state in SQLite. One person changes, then a pass over
changes delivers it: with everything read and compared, with what a column says, with what a
feed of triggers says. Told are the rows that the source had to give, the time until they were
landed, the time of the whole pass, and the CPU's in this process (the source has its own);
ratios are to reading everything, in the same run.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import duckdb
import hub
import psycopg
from measure import table

from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pyarrow as pa

    from matricula.connectors.sql.tables import Mirror

WAYS = {"everything": "", "a column": ", changed_by: touched_at", "a feed": ", feed: {}"}
HEADS = ("one of", "told by", "rows read", "landed", "ratio", "pass", "ratio", "CPU", "ratio")
PEOPLE = """
CREATE TABLE students AS
SELECT 'S' || lpad(i::text, 8, '0') AS student_no, 'Amara ' || (i % 997) AS given_name,
    'Family ' || (i * 7) AS family_name,
    CASE WHEN i % 10 = 0 THEN 'on_leave' ELSE 'active' END AS status,
    'P' || (i % 200) AS programme, '2026/' || (i % 4) AS intake, 'Login' || i AS login,
    'person.' || i || '@northfield.example' AS email,
    now() - interval '1 day' AS touched_at
FROM generate_series(0, {people} - 1) i
"""
CHANGE = """
UPDATE students SET touched_at = now(), email = %s WHERE student_no = 'S00000001'
"""


def make(folder: Path, people: int, way: str) -> None:
    """Make the source, the charter and the state, and load the target."""
    from django.core.management import call_command

    from matricula.hub import charters, since

    hub.TARGETS = {"lms": hub.TARGETS["lms"]}
    url = folder / "url"
    # By this the target knows what it has no copy of yet.
    roster = folder / "students.parquet"
    duckdb.connect().execute(f"COPY ({hub.PEOPLE.format(rows=1)}) TO '{roster}'")
    with psycopg.connect(url.read_text(encoding="utf-8"), autocommit=True) as source:
        source.execute(PEOPLE.format(people=people))
        source.execute("ALTER TABLE students ADD PRIMARY KEY (student_no)")
        source.execute("CREATE INDEX ON students (touched_at)")
        # Everybody else is behind the overlap, as on any day but that of a mass change.
        source.execute(CHANGE, ["first@northfield.example"])
        source.execute("ANALYZE students")
    asked = f"students: {{key: [student_no]{WAYS[way]}}}"
    told = hub.charter_text().replace("connector: files", "connector: sql")
    told = told.replace("folder: .", f"url: 'file:{url}'")
    told = told.replace("students: {file: students.parquet, key: [student_no]}", asked)
    (folder / "charter").mkdir()
    (folder / "charter" / "charter.yaml").write_text(told, encoding="utf-8")
    call_command("migrate", verbosity=0)
    desk = hub.desk(folder, 0)
    if way == "a feed":
        with psycopg.connect(url.read_text(encoding="utf-8"), autocommit=True) as source:
            source.execute(since.feed_script(desk, "sis", "students"))
    charters.sign(desk, steward="it")


class Counted:
    """Counts the rows that the source gives, and times until all are landed."""

    def __init__(self) -> None:
        from matricula.connectors.sql import reading
        from matricula.hub import snapshots

        self.rows, self.seconds = 0, 0.0
        arranged, land_all = reading.arranged, snapshots.land_all

        def counted(mirror: Mirror, batch: pa.RecordBatch, schema: pa.Schema) -> pa.RecordBatch:
            self.rows += batch.num_rows
            return arranged(mirror, batch, schema)

        def timed(*words: object, **named: object) -> object:
            began = time.perf_counter()
            landed = land_all(*words, **named)  # type: ignore[arg-type]  # passed on as they came
            self.seconds = time.perf_counter() - began
            return landed

        reading.arranged, snapshots.land_all = counted, timed


def passes(folder: Path, people: int, times: int) -> Iterator[tuple[int, float, float, float]]:
    """Change one person and follow it: rows read, landed after, done after, CPU's time."""
    from matricula.hub import runs
    from matricula.hub.planning import Scope

    assert runs.sync(hub.desk(folder, 1)).delivered[0].counts["answered"] == people
    counted = Counted()
    with psycopg.connect((folder / "url").read_text(encoding="utf-8"), autocommit=True) as source:
        for turn in range(times):
            source.execute(CHANGE, [f"t{turn}@northfield.example"])
            counted.rows = 0
            began, worked = time.perf_counter(), time.process_time()
            done = runs.sync(hub.desk(folder, 2 + turn), Scope(full=False))
            seconds, cpu = time.perf_counter() - began, time.process_time() - worked
            assert sum(part.counts["answered"] for part in done.delivered) == 1, done
            yield counted.rows, counted.seconds, seconds, cpu


def alone(way: str, place: str, people: str, times: str) -> None:
    """Be the process that benches one way."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    make(Path(place), int(people), way)
    rows, *took = zip(*passes(Path(place), int(people), int(times)), strict=True)
    print(json.dumps([rows[-1], *map(statistics.median, took)]))


def measured(server: str, way: str, people: int, times: int) -> tuple[int, list[float]]:
    """Bench one way in a process, a database and a home of its own."""
    with fresh_database(server) as url, tempfile.TemporaryDirectory(prefix="matricula-") as place:
        (Path(place) / "url").write_text(url, encoding="utf-8")
        home = Path(place) / "home"
        home.mkdir()
        ran = subprocess.run(
            [sys.executable, __file__, "--alone", way, place, str(people), str(times)],
            text=True, stdout=subprocess.PIPE, check=True,
            env={**os.environ, "MATRICULA_HOME": str(home), "MATRICULA_DATABASE_URL": ""},
        )  # fmt: skip
    rows, *took = json.loads(ran.stdout.splitlines()[-1])
    return rows, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--alone", nargs=4, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.alone:
        alone(*chosen.alone)
        return
    if server_binaries() is None:
        print(MISSING)
        return
    with postgres_server() as server:
        found = {way: measured(server, way, chosen.people, chosen.times) for way in WAYS}
    _, usual = found["everything"]
    rows = []
    for way, (read, took) in found.items():
        told = [
            cell
            for mine, theirs in zip(took, usual, strict=True)
            for cell in (f"{mine * 1000:.0f} ms", f"{mine / theirs:.2f}")
        ]
        rows.append((f"{chosen.people:,}", way, f"{read:,}", *told))
    print(table(rows, HEADS))


if __name__ == "__main__":
    main()

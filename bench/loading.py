"""Bench getting many records in: a university of students, enrolments and all that happened.

    python bench/loading.py [--students 100000] [--terms 5] [--databases sqlite,postgresql]

The university is made up beforehand and lies in Parquet. Loading it is one act: landed, judged
by the rules, matched, written, told to the record and the audit. The yardstick puts the very
same rows of every table, taken from what was loaded, into another database with the same
tables, keys and indexes, by a bare executemany (SQLite) or COPY (PostgreSQL) in one
transaction; reading them is not counted. The ratio is of wall time in the same run. Rows a
second are rows of the bundle: names, addresses and the record's own rows come on top.

SQLite is as the product opens it (WAL, synchronous FULL). PostgreSQL is a server of our own
that keeps nothing safe from a crash.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

import pyarrow as pa
import pyarrow.parquet as pq
from measure import HEADS, Measured, child, measure, peak_mb, row, table

from tests.postgres import MISSING, fresh_database, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TODAY = date(2026, 10, 14)
AT = datetime(2026, 10, 14, 9, tzinfo=UTC)
FLOOR = 20_000  # rows a second
MEMORY = 1024  # MB
OURS = ("people_", "curriculum_", "registration_", "enrolment_", "teaching_", "record_")
_CHUNK = 20_000


def make(folder: Path, students: int, terms: int) -> str:
    """Make the university up: pieces in the order in which they come."""
    from matricula.sis.loading.generate.plan import Size
    from matricula.sis.loading.generate.university import pieces

    rows = 0
    for place, (name, piece) in enumerate(pieces(Size(students, terms, 1, TODAY))):
        pq.write_table(piece, folder / f"{place:05d}-{name}.parquet")
        rows += piece.num_rows
    return f"{rows:,} rows"


def pieces_of(folder: Path) -> Iterator[tuple[str, pa.Table]]:
    for path in sorted(folder.glob("*.parquet")):
        yield path.stem.partition("-")[2], pq.read_table(path)


def load(folder: Path) -> str:
    """Load it, as a registrar's act."""
    from matricula.accounts.rules import Acting, Granted
    from matricula.sis.acts.actions import begin
    from matricula.sis.loading.actions import Bundle
    from matricula.sis.loading.actions import load as load_bundle

    who = Acting("bench", "registrar", AT, TODAY, (Granted("registrar", "all"),))
    scratch = folder / "scratch"
    scratch.mkdir()
    with begin(who) as doing:
        found = load_bundle(doing, Bundle("bench", pieces_of(folder), scratch=scratch))
    assert found.left_out == 0
    counts = {one.table: one.taken for one in found.counts}
    return json.dumps(
        {"rows": sum(counts.values()), "students": counts["students"],
         "enrolments": counts["enrolments"], "events": counts["enrolment_events"]}
    )  # fmt: skip


def bare(source: str) -> None:
    """Put the rows of another database into this one and print what inserting them took."""
    from django.db import connection, transaction

    copied = _copied if connection.vendor == "postgresql" else _inserted
    wall = cpu = 0.0
    count = 0
    with transaction.atomic(), _other(source) as other:
        for name in _tables():
            for insert, rows in copied(other, name):
                began = time.perf_counter(), time.process_time()
                insert()
                wall += time.perf_counter() - began[0]
                cpu += time.process_time() - began[1]
                count += rows
        began = time.perf_counter(), time.process_time()
    wall += time.perf_counter() - began[0]
    cpu += time.process_time() - began[1]
    told = f"{count:,} rows of all tables"
    print(json.dumps({"wall": wall, "cpu": cpu, "peak_mb": peak_mb(), "told": told}))


@contextmanager
def _other(source: str) -> Iterator[object]:
    import sqlite3

    import psycopg

    if source.startswith("postgresql"):
        with psycopg.connect(source) as other:
            yield other
    else:
        other = sqlite3.connect(f"file:{source}?mode=ro", uri=True)
        yield other
        other.close()


def _tables() -> list[str]:
    from django.db import connection

    names = [name for name in connection.introspection.table_names() if name.startswith(OURS)]
    return sorted(names, key=lambda name: (name.startswith("record_"), name))


def _inserted(other: object, name: str) -> Iterator[tuple[Callable[[], object], int]]:
    from django.db import connection

    found = other.execute(f'SELECT * FROM "{name}"')  # type: ignore[attr-defined]  # a connection of either library
    columns = ", ".join(f'"{column[0]}"' for column in found.description)
    marks = ", ".join(["%s"] * len(found.description))
    statement = f'INSERT INTO "{name}" ({columns}) VALUES ({marks})'
    while rows := found.fetchmany(_CHUNK):
        with connection.cursor() as cursor:
            yield (lambda cursor=cursor, rows=rows: cursor.executemany(statement, rows)), len(rows)  # type: ignore[misc]  # bound where it stands


def _copied(other: object, name: str) -> Iterator[tuple[Callable[[], object], int]]:
    from django.db import connection

    held = io.BytesIO()
    with other.cursor() as cursor:  # type: ignore[attr-defined]  # a connection of either library
        (count,) = cursor.execute(f'SELECT count(*) FROM "{name}"').fetchone()
        with cursor.copy(f'COPY "{name}" TO STDOUT') as stream:
            for part in stream:
                held.write(part)

    def insert() -> None:
        with (
            connection.cursor() as cursor,
            cursor.cursor.copy(f'COPY "{name}" FROM STDIN') as stream,
        ):
            stream.write(held.getbuffer())

    if count:
        yield insert, count


def set_up() -> None:
    import django
    from django.core.management import call_command

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    call_command("migrate", verbosity=0)


def work(name: str, *words: str) -> None:
    """Do one piece of work in this process, and print what it took."""
    set_up()
    if name == "bare":
        bare(words[0])
    elif name == "make":
        child(lambda: make(Path(words[0]), int(words[1]), int(words[2])))
    else:
        # What a load imports is paid once, and not by its rows.
        from matricula.sis.loading import actions as _  # noqa: F401 - see above

        child(lambda: load(Path(words[0])))


def once(folder: Path, first: str, second: str) -> tuple[Measured, Measured]:
    """Load a database that is empty; then put the same rows barely into the second."""
    loaded = _in(first, "load", str(folder))
    source = first if first.startswith("postgresql") else f"{first}/matricula.sqlite3"
    return loaded, _in(second, "bare", source)


def _in(place: str, *words: str) -> Measured:
    """Run work in one place: the URL of a database, or the home that holds one."""
    is_url = place.startswith("postgresql")
    os.environ["MATRICULA_DATABASE_URL"] = place if is_url else ""
    if not is_url:
        Path(place).mkdir()
        os.environ["MATRICULA_HOME"] = place
    return measure("loading.py", "--work", *words)


def rows_of(database: str, loaded: Measured, yardstick: Measured) -> list[tuple[str, ...]]:
    told = json.loads(loaded.told)
    rated = (
        f"{told['rows']:,} rows: {told['rows'] / loaded.wall:,.0f} a second "
        f"({told['students']:,} students, {told['enrolments']:,} enrolments, "
        f"{told['events']:,} events)"
    )
    said = Measured(loaded.wall, loaded.cpu, loaded.peak_mb, rated)
    reach = f"{FLOOR:,} rows/s, {MEMORY} MB"
    return [
        row(f"{database}: bare rows", yardstick),
        row(f"{database}: load", said, ratio=loaded.wall / yardstick.wall, reach=reach),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--students", type=int, default=100_000)
    parser.add_argument("--terms", type=int, default=5)
    parser.add_argument("--databases", default="sqlite,postgresql")
    parser.add_argument("--work", nargs="+", default=None)
    chosen = parser.parse_args()
    if chosen.work:
        work(*chosen.work)
        return 0
    rows = []
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as place:
        home = Path(place)
        bundle = home / "bundle"
        bundle.mkdir()
        made = _in(
            str(home / "made"), "make", str(bundle), str(chosen.students), str(chosen.terms)
        )
        rows.append(row("made up beforehand", made))
        if "sqlite" in chosen.databases:
            rows += rows_of("sqlite", *once(bundle, str(home / "first"), str(home / "second")))
        if "postgresql" in chosen.databases:
            rows += _on_postgresql(bundle, home)
    print(table(rows, HEADS))
    return 0


def _on_postgresql(bundle: Path, home: Path) -> list[tuple[str, ...]]:
    if server_binaries() is None:
        print(MISSING, file=sys.stderr)
        return []
    os.environ["MATRICULA_HOME"] = str(home / "made")
    for left in bundle.glob("scratch"):
        _remove(left)
    with postgres_server() as url, fresh_database(url) as first, fresh_database(url) as second:
        return rows_of("postgresql", *once(bundle, first, second))


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())

"""Bench the audit: appending with sealing, and verifying everything, on both databases.

    python bench/audit.py [--entries 1000000]

The yardstick inserts the very same rows (entries and values) with a bare executemany, a
transaction for every 5,000, into tables without triggers: what the database itself takes.
The ratio is of wall time for each entry. Appending commits after every batch. PostgreSQL
is a server of our own that keeps nothing safe from a crash; SQLite is as the product
opens it (WAL, synchronous FULL).
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import HEADS, Measured, child, measure, row, table

from tests.postgres import MISSING, postgres_server, server_binaries

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.audit.actions import Entry

AT = datetime(2026, 11, 23, tzinfo=UTC)
FLOOR = 20_000  # entries a second
LIMIT = 10.0  # seconds for a million


def entry(number: int) -> Entry:
    from matricula.audit.actions import Entry

    text = '{"family_name":"Okafor","given_name":"Amara","mail":"s%07d@%s.example"}'
    return Entry(
        actor="sync", action="update", entity="student", key=f"s{number:07d}",
        why="to open an account and keep it in step", flow="accounts", charter_version="c" * 64,
        run="run-019a2b3c4d5e6f70", before=text % (number, "old"), after=text % (number, "new"),
    )  # fmt: skip


def bare(count: int) -> Callable[[], str]:
    """Insert the rows of as many entries and nothing else."""
    from django.db import connection, transaction

    entries = [(n, 1, f"{n:064x}", f"{n:064x}") for n in range(count)]
    values = [(n, f"{n:032x}", (e := entry(n)).key, e.before, e.after) for n in range(count)]

    def insert() -> str:
        with connection.cursor() as cursor:
            for name, rows in (("entry", entries), ("value", values)):
                cursor.execute(
                    f"CREATE TABLE bare_{name} AS SELECT * FROM audit_{name} WHERE seq < 0"
                )
                marks = ", ".join(["%s"] * len(rows[0]))
                for start in range(0, count, 5_000):
                    with transaction.atomic():
                        cursor.executemany(
                            f"INSERT INTO bare_{name} VALUES ({marks})",
                            rows[start : start + 5_000],
                        )
        return f"{count:,} rows twice"

    return insert


def append_all(count: int, size: int) -> Callable[[], str]:
    from matricula.audit.actions import append

    entries = [entry(n) for n in range(count)]

    def appending() -> str:
        for start in range(0, count, size):
            append(entries[start : start + size], at=AT)
        return f"{count:,} entries"

    return appending


def verify_all() -> str:
    from matricula.audit.verify import verify

    found = verify()
    return f"{found.entries:,} entries in {found.batches:,} batches"


def migrate() -> str:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return ""


def work(name: str, count: int) -> Callable[[], str]:
    """Make ready what is not to be measured, and say what is."""
    import django

    os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
    django.setup()
    if name == "bare":
        return bare(count)
    if name.startswith("append"):
        return append_all(count, int(name.removeprefix("append")))
    return migrate if name == "migrate" else verify_all


def bench(name: str, total: int) -> list[tuple[str, ...]]:
    """Fill a database of which the environment says where it is, and verify it."""
    few, many = total // 5, total - total // 5

    def job(work_name: str, count: int) -> Measured:
        return measure("audit.py", "--work", work_name, str(count))

    job("migrate", 0)
    yardstick = job("bare", few)
    rows = [row(f"{name}: bare executemany of {few:,}", rated(yardstick, few))]
    for size, count in ((1_000, few), (10_000, many)):
        found = job(f"append{size}", count)
        ratio = (found.wall / count) / (yardstick.wall / few)
        what = f"{name}: append and seal {count:,} by {size:,}"
        rows.append(row(what, rated(found, count), ratio=ratio, reach=f"{FLOOR:,}/s"))
    found = job("verify", 0)
    ratio = (found.wall / total) / (yardstick.wall / few)
    reach = f"{LIMIT * total / 1_000_000:g} s"
    rows.append(row(f"{name}: verify {total:,}", rated(found, total), ratio=ratio, reach=reach))
    return rows


def rated(found: Measured, count: int) -> Measured:
    return Measured(
        found.wall, found.cpu, found.peak_mb, f"{count / found.wall:,.0f}/s, {found.told}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--entries", type=int, default=1_000_000)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.work:
        name, count = chosen.work
        child(work(name, int(count)))
        return
    rows: list[tuple[str, ...]] = []
    with tempfile.TemporaryDirectory(prefix="matricula-bench-") as home:
        os.environ |= {"MATRICULA_HOME": home, "MATRICULA_DATABASE_URL": ""}
        rows += bench("SQLite", chosen.entries)
    if server_binaries() is None:
        print(MISSING)
    else:
        with postgres_server() as url:
            os.environ["MATRICULA_DATABASE_URL"] = url
            rows += bench("PostgreSQL", chosen.entries)
    print(table(rows, HEADS))


if __name__ == "__main__":
    main()

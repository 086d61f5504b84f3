"""Bench the register: a preview, questions about other days, and how the hub reads it.

    python bench/register.py [--students 100000] [--persons 1000000] [--times 20]

A generated university on SQLite. A withdrawal is previewed, with everything that it means in
the connected systems, and taken back. Students are asked for as they were on another day. Then
a table of so many students is read as the hub reads it, beside a bare reading by the driver.
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
import tempfile
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from measure import table

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.accounts.rules import Acting
    from matricula.hub.desk import Desk

AT = datetime(2026, 11, 26, 9, tzinfo=UTC)
TODAY = date(2026, 11, 26)
HEADS = ("what", "found", "ratio", "reach")
_FILL = """
WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {})
INSERT INTO record_studentrecord (student_no, legal_name, given_name, family_name, display_name,
 email, born_on, status, status_since, affiliation, programme, intake, is_restricted)
SELECT printf('x%08d', n), 'Amara Okafor ' || n, 'Amara', 'Okafor ' || n, 'Amara Okafor ' || n,
 's' || n || '@northfield.example', '2004-05-01', 'active', '2026-09-01', 'student', 'BIO', '2026',
 0 FROM s
"""


def main() -> int:
    asked = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    asked.add_argument("--students", type=int, default=100_000)
    asked.add_argument("--persons", type=int, default=1_000_000)
    asked.add_argument("--times", type=int, default=20)
    given = asked.parse_args()
    with tempfile.TemporaryDirectory(prefix="matricula-register-") as home:
        os.environ["MATRICULA_HOME"] = home
        os.environ["DJANGO_SETTINGS_MODULE"] = "matricula.site.settings"
        os.environ.pop("MATRICULA_DATABASE_URL", None)
        from matricula.cli import sitting

        sitting.set_up()
        sitting.bring_up_to_date()
        print(table([*asking(given, Path(home)), *reading(given)], HEADS))
    return 0


def asking(given: argparse.Namespace, home: Path) -> list[tuple[str, ...]]:
    """Generate the university; preview, and ask for other days."""
    desk, who = sit(home)
    from matricula.hub.acting import carry_out
    from matricula.sis.enrolment import queries as enrolment
    from matricula.sis.lifecycle import actions
    from matricula.sis.loading import actions as loading
    from matricula.sis.record import queries as record
    from matricula.sis.registration import queries
    from matricula.sis.registration.actions import Change

    size = loading.Size(given.students, 6, 7, TODAY)
    scratch = home / "scratch"
    scratch.mkdir()
    carry_out(desk, who, lambda doing: loading.generate(doing, size, scratch=scratch))
    shutil.rmtree(scratch)
    numbers, _ = record.active_students()
    some = numbers[:: max(len(numbers) // given.times, 1)][: given.times]
    change = Change("withdraw", TODAY - timedelta(days=4), TODAY - timedelta(days=6))

    def preview(number: str) -> None:
        carry_out(desk, who, lambda doing: actions.happen(doing, number, change), preview=True)

    def as_of(number: str) -> None:
        queries.of_students([number], on=date(2026, 3, 1), known_at=AT)
        enrolment.enrolments_of(number, on=date(2026, 3, 1), known_at=AT)

    def programme(code: str) -> None:
        found = queries.of_programme(code, on=date(2026, 3, 1), known_at=AT)
        held.append(len(found))

    held: list[int] = []
    codes = sorted({r.programme for r in queries.of_students(numbers[:2000], on=TODAY)})
    there = f"{len(desk.charter.flows)} flows, {given.students:,} students present"
    each = seconds(programme, codes[:3]) / statistics.median(held) * 5_000
    return [
        row(f"a withdrawal previewed, {there}", seconds(preview, some), 0.2),
        row(f"one student as of another day, {there}", seconds(as_of, some), 0.01),
        row("a programme as of another day, for each 5,000 students", each, 0.3),
    ]


def reading(given: argparse.Namespace) -> list[tuple[str, ...]]:
    """Read many students as the hub does, and as the driver alone does."""
    from adbc_driver_sqlite import dbapi
    from django.db import connection

    from matricula.connectors.kit.protocol import Context
    from matricula.connectors.sis.connector import RegisterConnector

    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM record_studentrecord")
        cursor.execute(_FILL.format(given.persons))
    connector = RegisterConnector(RegisterConnector.Settings(), Context("sis", Path()))
    columns = ", ".join(f.name for f in connector.describe()[0].fields)

    def ours(_: str) -> None:
        with connector.read("students") as found:
            assert sum(batch.num_rows for batch in found.batches) == given.persons

    def bare(_: str) -> None:
        place = f"file:{connection.settings_dict['NAME']}?mode=ro"
        with dbapi.connect(place) as alone, alone.cursor() as cursor:
            cursor.execute(f"SELECT {columns} FROM record_studentrecord")
            assert sum(b.num_rows for b in cursor.fetch_record_batch()) == given.persons

    bare("warm")
    base, mine = seconds(bare, ["1", "2", "3"]), seconds(ours, ["1", "2", "3"])
    what = f"{given.persons:,} students read"
    return [
        (f"{what} by the driver alone", f"{base:.2f} s", "1.00", ""),
        (f"{what} by the hub", f"{mine:.2f} s", f"{mine / base:.2f}", "1.5"),
    ]


def seconds(work: Callable[[str], None], each: list[str]) -> float:
    """Time some work for each of some things; the median."""
    taken = []
    for one in each:
        began = time.perf_counter()
        work(one)
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def row(what: str, found: float, reach: float) -> tuple[str, ...]:
    return (what, f"{found * 1000:,.1f} ms", f"{found / reach:.2f}", f"{reach * 1000:,.0f} ms")


def sit(home: Path) -> tuple[Desk, Acting]:
    """Sit down at the demonstration's charter, as a registrar."""
    from matricula.accounts.rules import ALL, Acting, Granted
    from matricula.charter.compile import compile_charter
    from matricula.cli.demo import command
    from matricula.hub.desk import Desk

    folder = Path(command.__file__).parent / "charter"
    charter = compile_charter(folder, today=TODAY)
    desk = Desk(charter, charter.text, folder, home, "bench", AT)
    granted = (Granted("registrar", ALL),)
    return desk, Acting("bench", "registrar", AT, TODAY, granted, reason="personal")


if __name__ == "__main__":
    sys.exit(main())

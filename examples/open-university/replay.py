"""Replay the Open University's registrations day by day through `sync`.

    python replay.py --data DIR --days 0,30,60 --active-csv OUT [--work DIR]

Every day on which somebody registers or unregisters, the registry's file is written as it was
known that day, and Matricula brings the support teams' database up to date. For each day asked
for, one row per presentation is read back from that database: code_module, code_presentation,
day, active. A day counts from the start of its presentation; whoever has no registration day
counts as registered.
"""

from __future__ import annotations

import argparse
import csv
import os
import sqlite3
import sys
import tempfile
import time
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

from prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from matricula.hub.desk import Desk

FLOW = "support-registrations"
FILE = "studentRegistration.csv"
BEGINNING = datetime(2013, 1, 1, tzinfo=UTC)
ACTIVE = """
SELECT p.code_module, p.code_presentation, count(r.id_student)
FROM presentation p LEFT JOIN registrations r
ON r.code_module = p.code_module AND r.code_presentation = p.code_presentation AND r.active
GROUP BY 1, 2 ORDER BY 1, 2
"""
BEYOND = 10**6
Row = dict[str, str]
Lines = tuple[int, int, str, str]


def read_rows(path: Path) -> list[Row]:
    """Read a CSV file whole."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def event_days(rows: Iterable[Row]) -> list[int]:
    """List the days on which something happens."""
    columns = ("date_registration", "date_unregistration")
    return sorted({int(row[column]) for row in rows for column in columns if row[column]})


def lines_of(rows: Iterable[Row]) -> list[Lines]:
    """Spell every registration as it reads before and after somebody leaves.

    The values are words and numbers, which no comma or quote needs a hand with.
    """
    return [
        (
            int(row["date_registration"] or -BEYOND),
            int(row["date_unregistration"] or BEYOND),
            ",".join({**row, "date_unregistration": ""}.values()),
            ",".join(row.values()),
        )
        for row in rows
    ]


def write_known(path: Path, lines: Iterable[Lines], columns: Iterable[str], day: int) -> None:
    """Write the registrations as the registry knew them on a day, in one step."""
    known = [after if left <= day else before for on, left, before, after in lines if on <= day]
    fresh = path.with_suffix(".new")
    fresh.write_text("\n".join([",".join(columns), *known, ""]), encoding="utf-8")
    fresh.replace(path)


def sit_down(charter: Path, work: Path) -> Desk:
    """Make Matricula ready in a home of its own and have both offices sign the flow."""
    os.environ["MATRICULA_HOME"] = str(work / ".matricula")
    from matricula.cli import sitting

    desk = replace(sitting.sit_down(charter), at=BEGINNING)
    from matricula.hub import charters

    for steward in charters.signers(desk.charter, desk.charter.flows[FLOW]):
        charters.sign(desk, steward=steward, only=FLOW)
    return desk


def active(database: Path, presentations: list[Row]) -> list[tuple[str, str, int]]:
    """Ask the support teams' database who is there."""
    names = [(row["code_module"], row["code_presentation"]) for row in presentations]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TEMP TABLE presentation (code_module, code_presentation)")
        connection.executemany("INSERT INTO presentation VALUES (?, ?)", names)
        return connection.execute(ACTIVE).fetchall()


def replay(data: Path, work: Path, asked: list[int]) -> Iterator[tuple[str, str, int, int]]:
    """Walk through the days; yield a row per presentation for each day asked for.

    Raises:
        SystemExit: A day did not go out whole; what held it is printed.
    """
    rows, presentations = read_rows(data / FILE), read_rows(data / "courses.csv")
    drop = work / "drop"
    drop.mkdir(parents=True)
    desk = sit_down(prepare(drop, work), work)
    from matricula.hub import runs

    scope = runs.Scope(flows=(FLOW,), full=False)
    lines, happens = lines_of(rows), set(event_days(rows))
    for day in sorted(happens | set(asked)):
        if day > max(asked):
            break
        if day in happens:
            write_known(drop / FILE, lines, rows[0], day)
            at = BEGINNING + timedelta(days=day - min(happens) + 1)
            done = runs.sync(replace(desk, at=at), scope)
            if not done.is_whole:
                reasons = [str(r) for part in done.plan.flows for r in part.reasons]
                raise SystemExit(f"day {day}: {'; '.join(reasons) or 'not everything went out'}")
        if day in asked:
            for module, presentation, count in active(work / "support.db", presentations):
                yield module, presentation, day, count


def main() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="The folder with the six files.")
    parser.add_argument("--days", required=True, help="Days to count on, such as 0,30,60.")
    parser.add_argument("--active-csv", type=Path, required=True, help="The file to write.")
    parser.add_argument("--work", type=Path, help="A folder to keep; otherwise it is removed.")
    words = parser.parse_args()
    asked = [int(day) for day in words.days.split(",")]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as passing:
        work = words.work or Path(passing) / "work"
        with words.active_csv.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("code_module", "code_presentation", "day", "active"))
            writer.writerows(replay(words.data, work, asked))
    print(f"wrote {words.active_csv} in {time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()

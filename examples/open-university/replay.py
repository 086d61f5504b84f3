"""Replay the Open University's registrations day by day through `sync`.

    python replay.py --data DIR --days 0,30,60 --active-csv OUT [--together] [--work DIR]

Every day on which somebody registers or unregisters, the registry's file is written as it was
known that day, and Matricula brings the support teams' register of those present up to date.
With `--together` it does so on the days asked for alone, and what happened in between arrives
at once. A day that a guard holds is told; the registry plans it again, the head of the support
teams looks and approves that plan, and it is delivered. For each day asked for, one row per
presentation is read back from the database: code_module, code_presentation, day, active. A
day counts from the start of its presentation; whoever has no registration day counts as
registered.
"""

from __future__ import annotations

import argparse
import csv
import os
import shutil
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

FLOW = "support-present"
HEAD, OFFICE = "head of the support teams", "tutors"
FILE = "studentRegistration.csv"
BEGINNING = datetime(2013, 1, 1, tzinfo=UTC)
ACTIVE = """
SELECT p.code_module, p.code_presentation, count(r.id_student)
FROM presentation p LEFT JOIN present r
ON r.code_module = p.code_module AND r.code_presentation = p.code_presentation
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


def make_ready(drop: Path, work: Path) -> Desk:
    """Prepare the example with the flow that the replay adds."""
    charter = prepare(drop, work)
    shutil.copyfile(Path(__file__).with_name("present.yaml"), charter / "flows" / "present.yaml")
    return sit_down(charter, work)


def bring_up_to_date(desk: Desk, day: int) -> None:
    """Deliver what is new; what a guard holds somebody else approves, or nothing goes out.

    Raises:
        SystemExit: Something else than a guard held the day; it is printed.
    """
    from matricula.hub import approvals, planning, runs

    scope = runs.Scope(flows=(FLOW,), full=False)
    done = runs.sync(desk, scope)
    reasons = [reason for part in done.plan.flows for reason in part.reasons]
    if reasons and {reason.code for reason in reasons} <= approvals.GUARDS:
        print(f"day {day} is held: {' '.join(r.message for r in reasons)}")
        if done.delivered and any(part.counts["answered"] for part in done.delivered):
            raise SystemExit(f"day {day}: it went out although it was held")
        shown = planning.find_plan(runs.plan(desk, scope).plan.digest)
        approvals.approve(replace(desk, actor=HEAD), shown, steward=OFFICE, why="a real day")
        done = runs.apply(desk, shown.digest)
        print(f"day {day} is approved by the {HEAD} and delivered")
    if not done.is_whole:
        told = [str(r) for part in done.plan.flows for r in part.reasons]
        raise SystemExit(f"day {day}: {'; '.join(told) or 'not everything went out'}")


def active(database: Path, presentations: list[Row]) -> list[tuple[str, str, int]]:
    """Ask the support teams' database who is there."""
    names = [(row["code_module"], row["code_presentation"]) for row in presentations]
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("CREATE TEMP TABLE presentation (code_module, code_presentation)")
        connection.executemany("INSERT INTO presentation VALUES (?, ?)", names)
        return connection.execute(ACTIVE).fetchall()


def replay(
    data: Path, work: Path, asked: list[int], *, together: bool
) -> Iterator[tuple[str, str, int, int]]:
    """Walk through the days; yield a row per presentation for each day asked for."""
    rows, presentations = read_rows(data / FILE), read_rows(data / "courses.csv")
    drop = work / "drop"
    drop.mkdir(parents=True)
    desk = make_ready(drop, work)
    lines, happens = lines_of(rows), event_days(rows)
    days = set(asked) if together else set(asked) | set(happens)
    for day in sorted(days):
        if day > max(asked):
            break
        if day >= happens[0]:
            write_known(drop / FILE, lines, rows[0], day)
            at = BEGINNING + timedelta(days=day - happens[0] + 1)
            bring_up_to_date(replace(desk, at=at), day)
        if day in asked:
            for module, presentation, count in active(work / "support.db", presentations):
                yield module, presentation, day, count


def main() -> None:
    """Read the words of the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--data", type=Path, required=True, help="The folder with the six files.")
    parser.add_argument("--days", required=True, help="Days to count on, such as 0,30,60.")
    parser.add_argument("--active-csv", type=Path, required=True, help="The file to write.")
    parser.add_argument(
        "--together", action="store_true", help="Deliver on the days asked for alone."
    )
    parser.add_argument("--work", type=Path, help="A folder to keep; otherwise it is removed.")
    words = parser.parse_args()
    asked = [int(day) for day in words.days.split(",")]
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as passing:
        work = words.work or Path(passing) / "work"
        with words.active_csv.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("code_module", "code_presentation", "day", "active"))
            writer.writerows(replay(words.data, work, asked, together=words.together))
    print(f"wrote {words.active_csv} in {time.monotonic() - began:.0f} seconds")


if __name__ == "__main__":
    main()

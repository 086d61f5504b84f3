"""Find known duplicates, and say how many of what is found are right and how many are found.

    python bench/matching.py [--people 100000]

The data sets of FEBRL are read from the shared folder, see `MATRICULA_SHARED`. In all of them
records with one number in `rec_id` are one person. Then as many made people as asked for.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
from sqlglot import exp

from matricula.engine import match, sql
from matricula.engine.workbench import open_workbench, register, run

if TYPE_CHECKING:
    from matricula.engine.workbench import Workbench

SHARED = Path(os.environ.get("MATRICULA_SHARED", Path(__file__).parents[2] / "shared"))
SETS = {
    "febrl 1": ["dataset1"], "febrl 2": ["dataset2"], "febrl 3": ["dataset3"],
    "febrl 4": ["dataset4a", "dataset4b"],
}  # fmt: skip
KINDS = {
    "given_name": "name", "surname": "name", "date_of_birth": "date", "postcode": "exact",
    "address_1": "text", "suburb": "text",
}  # fmt: skip
PROPOSE = 0.9


def read(names: list[str]) -> pa.Table:
    """Read data sets as text; their columns have blanks around them."""
    rows = []
    for name in names:
        path = SHARED / "data" / "febrl" / f"{name}.csv"
        head, *lines = path.read_text(encoding="utf-8").splitlines()
        columns = [word.strip() for word in head.split(",")]
        rows += [dict(zip(columns, line.split(","), strict=True)) for line in lines if line]
    return pa.Table.from_pylist(rows)


def made(people: int) -> pa.Table:
    """Make people of whom every hundredth stands there twice, with a letter lost."""
    rows = []
    for n in range(people):
        one = n - 1 if n % 100 == 99 else n
        # Steps without a common divisor, so that two people share little.
        rows.append(
            {
                "rec_id": f"rec-{one}-{'org' if one == n else 'dup'}",
                "given_name": f"g{one * 7919 % 4001:04d}" + ("" if one == n else "x"),
                "surname": f"s{one * 104729 % 9973:04d}",
                "date_of_birth": f"{1950 + one * 31 % 57}-{one * 7 % 12}-{one * 11 % 28}",
                "postcode": f"{one * 13 % 3001:04d}",
                "address_1": f"{one * 17 % 20011} street", "suburb": f"u{one * 19 % 997}",
            }
        )  # fmt: skip
    return pa.Table.from_pylist(rows)


def person(record: str) -> str:
    return record.split("-")[1]


def compare(rows: pa.Table) -> tuple[pa.Table, float]:
    with open_workbench() as bench:
        before = time.perf_counter()
        found = _compare(bench, rows)
        return found, time.perf_counter() - before


def _compare(bench: Workbench, rows: pa.Table) -> pa.Table:
    register(bench, "rows", rows)
    record = sql.column("rec_id")
    compared = [
        sql.named(match.clean(sql.column(name)), f"c{place}") for place, name in enumerate(KINDS)
    ]
    query = exp.select(
        sql.named(record, "unique_id"), sql.named(sql.text("r"), "resource"),
        sql.named(record, "id"), sql.named(exp.true(), "is_roster"), *compared,
    ).from_(sql.table("rows"))  # fmt: skip
    run(bench, sql.create("TABLE", "alike_person", query))
    return match.compare(bench, "person", KINDS, PROPOSE)


def told(name: str, rows: pa.Table) -> str:
    found, seconds = compare(rows)
    of: dict[str, int] = {}
    for record in rows["rec_id"].to_pylist():
        of[person(record)] = of.get(person(record), 0) + 1
    truth = sum(count * (count - 1) // 2 for count in of.values())
    right = sum(person(r["key"]) == person(r["other"]) for r in found.to_pylist())
    precision, recall = right / max(found.num_rows, 1), right / max(truth, 1)
    return (
        f"| {name} | {rows.num_rows:,} | {truth:,} | {found.num_rows:,} | {precision:.1%} "
        f"| {recall:.1%} | {seconds:.2f} s |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=100_000)
    chosen = parser.parse_args()
    print("| data | records | true pairs | proposed | precision | recall | time |")
    print("|---|---|---|---|---|---|---|")
    if (SHARED / "data" / "febrl").is_dir():
        for name, files in SETS.items():
            print(told(name, read(files)))
    print(told("made", made(chosen.people)))


if __name__ == "__main__":
    main()

"""Compare one new person with a roster of a million: with everybody, and by the kept index.

    python bench/newcomer.py [--people 1000000] [--times 20]

The people are those of `bench/matching.py`, every hundredth of whom stands there twice. First
everybody is compared, as a full pass does, and what was compared is kept. Then people come, one
at a time: every other one is there already, with a letter lost. Each look-up opens what is kept
anew; that the roster is read first is the pass's own time and not counted.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

sys.path.insert(0, str(Path(__file__).parent))

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq
from matching import KINDS, PROPOSE, made
from sqlglot import exp

from matricula.charter.model import Entity, Field, Matching, ResourceRef, ValueType
from matricula.engine import compose, match, nearby, sql
from matricula.engine.workbench import Bench, leave_out, open_workbench, register, run
from matricula.hub import lately

if TYPE_CHECKING:
    from matricula.engine.workbench import Workbench

ROSTER = ResourceRef("sis", "people")
REACH = 0.05


def person() -> Entity:
    """Give the entity: nothing but its key and what is compared."""
    names = ("rec_id", *KINDS)
    fields = {n: Field(n, ValueType("text"), ROSTER, n, "personal") for n in names}
    matching = Matching(KINDS, {}, PROPOSE, "measured")
    return Entity("person", ("rec_id",), ROSTER, {}, fields, matching=matching)


def take_in(bench: Workbench, roster: Path) -> None:
    """Leave the roster as `line.take_in` does: a view of what was read."""
    register(bench, "read", ds.dataset(roster))
    query = exp.select(sql.named(sql.column("rec_id"), "key"), exp.Star()).from_(sql.table("read"))
    run(bench, sql.create("VIEW", f"found_person:{ROSTER}", query))


def compare_all(folder: Path) -> tuple[float, float, int]:
    """Compare everybody and keep what was compared; give both times, and the pairs."""
    with open_workbench(Bench(folder=folder)) as bench:
        take_in(bench, folder / "roster.parquet")
        began = time.perf_counter()
        found = match.candidates(bench, person(), trusted=[ROSTER])
        compared = time.perf_counter()
        lately.keep(bench, person(), folder / "alike")
        return compared - began, time.perf_counter() - compared, found.num_rows


def look_up(folder: Path, roster: Path, key: str) -> tuple[float, float, list[str]]:
    """Compare one new person; give the time, the CPU's, and who they may be."""
    with open_workbench(Bench(small=True)) as bench:
        take_in(bench, roster)
        register(bench, "dirty_person", pa.table({"key": [key]}))
        leave_out(bench, "twice_person")
        compose.compose(bench, person(), only_dirty=True)
        began, worked = time.perf_counter(), time.process_time()
        found, _ = nearby.candidates(bench, person(), lately.kept(folder), trusted=[ROSTER])
        took = time.perf_counter() - began, time.process_time() - worked
    return *took, [pair["key"] for pair in found.to_pylist()]


def newcomers(rows: pa.Table, times: int) -> list[tuple[str, pa.Table]]:
    """Make people: by turns one who is there already with a letter lost, and a stranger."""
    found = []
    for n in range(times):
        [one] = rows.slice(n * (rows.num_rows // times), 1).to_pylist()
        key, again = f"new-{n}", {**one, "surname": one["surname"][:-1]}
        if n % 2:
            # Born where and when others are, and called as some of them.
            again |= {"given_name": "somebody", "surname": "else", "address_1": f"{n} nowhere"}
        found.append((key, pa.Table.from_pylist([{**again, "rec_id": key}], schema=rows.schema)))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--people", type=int, default=1_000_000)
    parser.add_argument("--times", type=int, default=20)
    chosen = parser.parse_args()
    rows = made(chosen.people)
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        pq.write_table(rows, home / "roster.parquet")
        whole, keeping, pairs = compare_all(home)
        took, found = [], 0
        for key, new in newcomers(rows, chosen.times):
            roster = home / "now.parquet"
            pq.write_table(pa.concat_tables([rows, new]), roster)
            wall, cpu, like = look_up(home / "alike", roster, key)
            took.append((wall, cpu))
            found += bool(like)
        mb = sum(path.stat().st_size for path in (home / "alike").iterdir()) / 2**20
    every = f"{chosen.people:,}"
    print("| what | people | found | wall | CPU | of the reach | reach |")
    print("|---|---|---|---|---|---|---|")
    print(f"| everybody, in a full pass | {every} | {pairs:,} pairs | {whole:.1f} s | | | |")
    print(f"| what was compared is kept | {every} | {mb:.0f} MB | {keeping:.1f} s | | | |")
    walls, cpus = (sorted(times) for times in zip(*took, strict=True))
    for name, place in (("p50", len(took) // 2), ("slowest", -1)):
        print(
            f"| one new person, {name} of {chosen.times} | {every} "
            f"| {found} of {(chosen.times + 1) // 2} | {walls[place] * 1000:.0f} ms "
            f"| {cpus[place] * 1000:.0f} ms | {walls[place] / REACH:.1f} | 50 ms |"
        )


if __name__ == "__main__":
    main()

"""Bench growth: full passes over 100 thousand, 1 million and 5 million people.

    python bench/growth.py [--times 3]

From a million on, the time for each person may grow by 15 %, and five million are to be
done within 1 GB. Ratios are of wall time for each person, against the million's.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from engine import job
from made import make, people_charter
from measure import HEADS, Measured, in_turns, row, table

SIZES = (100_000, 1_000_000, 5_000_000)
MEMORY_MB = 250


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="keep the made data here for another run")
    chosen = parser.parse_args()
    base = chosen.folder or Path(tempfile.mkdtemp(prefix="matricula-bench-"))
    try:
        print(table(bench_growth(base, chosen.times), HEADS))
    finally:
        if not chosen.folder:
            shutil.rmtree(base)


def bench_growth(base: Path, times: int) -> list[tuple[str, ...]]:
    folders = {size: base / f"people-{size}" for size in SIZES}
    for size, folder in folders.items():
        make(folder, people_charter(), size)
    found = in_turns(
        times, {str(size): job("full", folder, MEMORY_MB) for size, folder in folders.items()}
    )
    million = each(found[str(1_000_000)], 1_000_000)
    return [
        row(
            f"{size:,} people: full pass",
            found[str(size)],
            ratio=each(found[str(size)], size) / million,
            reach="1.15, 1000 MB" if size > 1_000_000 else "",
        )
        for size in SIZES
    ]


def each(found: Measured, people: int) -> float:
    """Wall seconds for one person."""
    return found.wall / people


if __name__ == "__main__":
    main()

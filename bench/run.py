"""Run every bench and print what they found, one table for those of the same columns.

    python bench/run.py [--quick] [--only audit,hub]

The whole takes more than half an hour on two cores. `--quick` takes minutes: it shows
that every bench runs, and its small sizes say little about speed.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
# Each bench with what makes it small; growth is about size and has no small form.
BENCHES = {
    "engine": ("--times", "1", "--people", "20000", "--enrolments", "50000"),
    "growth": None,
    "peers": ("--times", "1", "--people", "20000"),
    "hub": ("--people", "2000"),
    "audit": ("--entries", "20000"),
    "small": ("--times", "5"),
    "wire": ("--people", "2000"),
    "connectors": ("--rows", "40", "--times", "1"),
    "matching": ("--people", "2000"),
    "rush": ("--students", "200"),
    "newcomer": ("--people", "20000", "--times", "4"),
    "canvas": ("--rows", "5000"),
    "ldap": ("--people", "2000"),
    "feed": ("--people", "2000", "--times", "2"),
    "loading": ("--students", "2000", "--terms", "3"),
}


def run(name: str, *arguments: str) -> tuple[list[str], str]:
    """Run a bench; give the lines of its table, and what else it had to say."""
    script = str(HERE / f"{name}.py")
    ran = subprocess.run(
        [sys.executable, script, *arguments], capture_output=True, text=True, check=False
    )
    lines = ran.stdout.splitlines()
    table = [line for line in lines if line.startswith("|")]
    said = [line for line in lines if line and not line.startswith("|")]
    if ran.returncode:
        said += [f"{name} failed:", *ran.stderr.splitlines()[-20:]]
        table = []
    return table, "\n".join(said)


def aligned(rows: list[list[str]]) -> str:
    widths = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    rows.insert(1, ["-" * width for width in widths])
    return "\n".join(
        "| " + " | ".join(c.ljust(w) for c, w in zip(row, widths, strict=True)) + " |"
        for row in rows
    )


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--quick", action="store_true", help="small sizes, a few minutes")
    parser.add_argument("--only", default=",".join(BENCHES), help="some of them, by name")
    chosen = parser.parse_args()
    tables: dict[tuple[str, ...], list[list[str]]] = {}
    failed = False
    for name in chosen.only.split(","):
        small = BENCHES[name]
        if chosen.quick and small is None:
            print(f"{name}: left out, it has no small form", file=sys.stderr)
            continue
        print(f"{name}: running", file=sys.stderr)
        table, said = run(name, *(small or ()) if chosen.quick else ())
        if said:
            print(said, file=sys.stderr)
        failed |= not table
        cells = [[c.strip() for c in line.strip("|").split("|")] for line in table]
        if cells:
            # The first line names the columns, the second is a rule.
            heads = ("bench", *cells[0])
            found = tables.setdefault(heads, [list(heads)])
            found += [[name, *row] for row in cells[2:]]
    print("\n\n".join(aligned(rows) for rows in tables.values()))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())

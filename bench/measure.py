"""Measure work in a process of its own: wall seconds, CPU seconds, peak memory.

Every measurement is a fresh child, because memory a process once had is not given back,
and because the first run of anything pays for what later ones find warm.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Measured:
    """What one piece of work took; medians when it ran several times."""

    wall: float
    cpu: float
    peak_mb: float
    told: str = ""


def child(work: Callable[[], str]) -> None:
    """Do the work in this process and print what it took. Imports before it are not counted."""
    wall, cpu = time.perf_counter(), time.process_time()
    told = work()
    took = time.perf_counter() - wall, time.process_time() - cpu
    print(json.dumps({"wall": took[0], "cpu": took[1], "peak_mb": peak_mb(), "told": told}))


def peak_mb() -> float:
    """The most memory that this program had. `getrusage` would count its parent's before it."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmHWM"))
    return int(kilobytes.split()[1]) / 1024


def measure(script: str, *arguments: str, python: str = sys.executable) -> Measured:
    """Run a script of this folder in a child and read what it printed last."""
    ran = subprocess.run(
        [python, str(Path(__file__).parent / script), *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    if ran.returncode:
        message = f"{script} {' '.join(arguments)} failed:\n{ran.stderr[-2000:]}"
        raise RuntimeError(message)
    return Measured(**json.loads(ran.stdout.strip().splitlines()[-1]))


def in_turns(times: int, jobs: dict[str, Callable[[], Measured]]) -> dict[str, Measured]:
    """Measure several jobs by turns, so that a busy minute hits them alike; give medians."""
    ran: dict[str, list[Measured]] = {name: [] for name in jobs}
    for _ in range(times):
        for name, job in jobs.items():
            ran[name].append(job())
    return {name: _median(results) for name, results in ran.items()}


def _median(results: Sequence[Measured]) -> Measured:
    return Measured(
        statistics.median(r.wall for r in results),
        statistics.median(r.cpu for r in results),
        max(r.peak_mb for r in results),
        results[-1].told,
    )


def table(rows: Sequence[tuple[str, ...]], heads: Sequence[str]) -> str:
    """Lay rows out in columns, as Markdown."""
    every = [tuple(heads), *rows]
    widths = [max(len(row[place]) for row in every) for place in range(len(heads))]
    lines = []
    for cells in every:
        padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
        lines.append("| " + " | ".join(padded) + " |")
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def row(
    name: str, found: Measured, *, ratio: float | None = None, reach: str = ""
) -> tuple[str, ...]:
    """One line of the table."""
    return (
        name,
        f"{found.wall:.2f}",
        f"{found.cpu:.2f}",
        f"{found.peak_mb:.0f}",
        "" if ratio is None else f"{ratio:.2f}",
        reach,
        found.told,
    )


HEADS = ("what", "wall s", "CPU s", "peak MB", "ratio", "reach", "found")

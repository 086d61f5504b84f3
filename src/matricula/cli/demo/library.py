"""The library of the demonstration: its nightly export of patrons, from the students there are."""

from __future__ import annotations

import csv
import hashlib
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

# One in five never visits; of the others few have something overdue.
_VISITS = 0.8
_OVERDUE, _HOW_OFTEN = (0, 1, 2, 3), (90, 6, 3, 1)


def export(path: Path, numbers: Iterable[str], *, seed: int, surely: str) -> int:
    """Write the patrons and the control file beside them, as the library does every night.

    Args:
        path: The file.
        numbers: The students' numbers.
        seed: The same seed has the same students visit.
        surely: A student who has two books that are overdue.

    Returns:
        How many patrons there are.
    """
    dice = random.Random(seed)  # noqa: S311 - made-up loans, not secrets
    rows = [_patron(dice, number) for number in numbers if dice.random() < _VISITS]
    rows = [row for row in rows if row[0] != surely] + [(surely, "2", "4.50")]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(("cardnumber", "overdue", "fines"))
        writer.writerows(sorted(rows))
    seal = hashlib.sha256(path.read_bytes()).hexdigest()
    path.with_name(path.name + ".control").write_text(f"rows={len(rows)}\nsha256={seal}\n")
    return len(rows)


def _patron(dice: random.Random, number: str) -> tuple[str, str, str]:
    overdue = dice.choices(_OVERDUE, _HOW_OFTEN)[0]
    return number, str(overdue), f"{overdue * dice.randrange(1, 20) * 0.5:.2f}"

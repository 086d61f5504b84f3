"""Bring what episodes are played on into a database that is there, and out of it again."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tests.machine.campus import put_back, rows, settle

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.machine.campus import Kept

_BROUGHT = {
    "METADATA": "Metadata-Version: 2.1\nName: memory\nVersion: 1\n",
    "entry_points.txt": (
        "[matricula.connectors]\nmemory = tests.machine.target:MemoryConnector\n"
    ),
}


@contextmanager
def settled(folder: Path) -> Iterator[Kept]:
    """Deliver everything once; afterwards the database is as it was.

    The connector comes as any other distribution's would, by an entry point.
    """
    distribution = folder / "brought" / "memory-1.dist-info"
    distribution.mkdir(parents=True)
    for name, text in _BROUGHT.items():
        (distribution / name).write_text(text, encoding="utf-8")
    sys.path.append(str(distribution.parent))
    before = rows()
    try:
        yield settle(folder / "campus")
    finally:
        put_back(before)
        sys.path.remove(str(distribution.parent))

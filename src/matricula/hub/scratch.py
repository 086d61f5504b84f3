"""Scratch: the folder in which a run leaves what it found, and where it calculates."""

from __future__ import annotations

import shutil
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from matricula.engine.workbench import Bench, open_workbench

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk
    from matricula.hub.models import Run


def folder_of(desk: Desk, run: Run) -> Path:
    """Give a run's folder in the home, made where it is not there."""
    folder = desk.home / "runs" / run.id
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@contextmanager
def workbench(desk: Desk, run: Run, *, small: bool) -> Iterator[Workbench]:
    """Open a run's workbench; what it calculated with is gone when it closes.

    Args:
        desk: Says how much of the machine it may take, if anybody did.
        run: Whose folder it spills into.
        small: Whether little is to be done, so that nothing needs spilling.
    """
    if small and not desk.bench:
        with open_workbench(Bench(small=True)) as bench:
            yield bench
        return
    folder = folder_of(desk, run) / "bench"
    folder.mkdir()
    try:
        with open_workbench(replace(desk.bench or Bench(), folder=folder)) as bench:
            yield bench
    finally:
        shutil.rmtree(folder)
        with suppress(OSError):
            # Kept only where something lies in it.
            folder.parent.rmdir()

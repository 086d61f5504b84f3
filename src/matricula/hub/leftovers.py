"""Leftovers in the home: what a killed run was in the middle of, and folders past their time.

Called under the run lock alone, when nobody can still be writing. Only what a run itself
names so is removed; whatever else lies in the home is somebody's.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from matricula.hub import lately
from matricula.hub.models import Snapshot, StoredPlan

if TYPE_CHECKING:
    from matricula.hub.desk import Desk

_KEPT_RUNS = 20


def sweep(desk: Desk) -> None:
    """Remove what finished or dead runs left behind.

    Kept are the snapshots and the plans that the database names.
    """
    _sweep_snapshots(desk.home / "snapshots")
    for half in desk.home.glob("indexes/**/*.new"):
        _remove(half)
    lately.sweep(desk)
    folders = _run_folders(desk)
    planned = set(
        StoredPlan.objects.filter(run__in=[f.name for f in folders]).values_list("run", flat=True)
    )
    for folder in folders:
        _forget(folder / "bench" if folder.name in planned else folder)


def forget_runs(desk: Desk) -> None:
    """Remove the folders of all but the last runs; what they did stays in the database."""
    for old in _run_folders(desk)[:-_KEPT_RUNS]:
        _forget(old)


def _sweep_snapshots(place: Path) -> None:
    # By name, not by path: a home that was moved is still the same home.
    kept = {(s.resource, Path(s.path).name) for s in Snapshot.objects.only("resource", "path")}
    for path in place.glob("*/*"):
        ours = path.match("run-*.parquet") or path.match(".run-*.tmp")
        if ours and (path.parent.name, path.name) not in kept:
            _remove(path)


def _run_folders(desk: Desk) -> list[Path]:
    found = sorted(desk.home.glob("runs/run-*"))
    return [path for path in found if path.is_dir() and not path.is_symlink()]


def _forget(folder: Path) -> None:
    # What cannot be removed now is no reason not to run; it is tried again.
    shutil.rmtree(folder, ignore_errors=True)


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()

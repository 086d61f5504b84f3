"""Lately: what the last comparison of everybody left, and who was compared since.

A calculator's memory, like the indexes, and not the truth: without it a pass over changes
compares nobody, and the next full pass compares everybody and keeps it anew.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from matricula.engine import nearby
from matricula.kernel.digests import digest

if TYPE_CHECKING:
    from pathlib import Path

    from matricula.charter.model import Entity
    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk

# What Arrow raises over a file that is not there, or no longer what was written.
_UNREADABLE = (pa.ArrowException, OSError)
_HALF = ".new"
_ROWS, _BLOCKS, _SINCE = "rows.arrow", "blocks.parquet", "since.parquet"
# Few rows in a group: whoever looks for one person reads no more than a dozen groups.
_GROUP = 16_384


def place_of(desk: Desk, entity: Entity) -> Path:
    """Say where it lies; what is compared otherwise, or by another version, lies elsewhere."""
    matching = entity.matching
    told = {
        "version": nearby.VERSION,
        "spelled": [str(entity.roster), *entity.key],
        "compare": [
            [name, kind, entity.fields[name].owner_field]
            for name, kind in (matching.compare.items() if matching else ())
        ],
        "with": [
            [str(resource), dict(names)]
            for resource, names in sorted(matching.others.items() if matching else ())
        ],
    }
    return _home(desk) / f"{entity.name}.{digest(told)[:16]}"


def _home(desk: Desk) -> Path:
    return desk.home / "alike"


def keep(bench: Workbench, entity: Entity, place: Path) -> None:
    """Keep what was compared, in place of what was kept; after `match.candidates`."""
    if not bench.sizes.get(f"chance_{entity.name}"):
        # Nobody was compared with anybody.
        return
    fresh = place.with_name(f"{place.name}.{os.getpid()}{_HALF}")
    try:
        shutil.rmtree(fresh, ignore_errors=True)
        fresh.mkdir(parents=True)
        _write(bench, entity, fresh)
        shutil.rmtree(place, ignore_errors=True)
        fresh.rename(place)
    except OSError:
        # The disk is full, or another worker was quicker: nothing hangs on it.
        shutil.rmtree(fresh, ignore_errors=True)


def _write(bench: Workbench, entity: Entity, fresh: Path) -> None:
    reader = nearby.kept_rows(bench, entity)
    with pa.OSFile(str(fresh / _ROWS), "wb") as file, pa.ipc.new_file(file, reader.schema) as out:
        for batch in reader:
            out.write_batch(batch)
    blocks = nearby.kept_blocks(bench, entity)
    with pq.ParquetWriter(fresh / _BLOCKS, blocks.schema, use_dictionary=False) as out:
        for batch in blocks:
            out.write_batch(batch, row_group_size=_GROUP)


def kept(place: Path) -> nearby.Kept | None:
    """Open what was kept; None where there is nothing, or nothing that can be read."""
    try:
        with pa.memory_map(str(place / _ROWS)) as file:
            rows = pa.ipc.open_file(file).read_all()
        since = place / _SINCE
        added = pq.read_table(since) if since.exists() else rows.slice(0, 0)
        return nearby.Kept(rows, ds.dataset(place / _BLOCKS), added)
    except _UNREADABLE:
        return None


def add(place: Path, since: pa.Table) -> None:
    """Keep who was compared since."""
    fresh = place / f"{_SINCE}.{os.getpid()}{_HALF}"
    with suppress(OSError):
        pq.write_table(since, fresh)
        fresh.replace(place / _SINCE)


def forget_older(desk: Desk) -> None:
    """Remove what was compared otherwise than the charter says now."""
    wanted = {place_of(desk, e) for e in desk.charter.entities.values() if e.matching}
    for path in _home(desk).glob("*"):
        if path not in wanted and path.suffix != _HALF:
            shutil.rmtree(path, ignore_errors=True)


def forget(desk: Desk) -> bool:
    """Remove all that was kept; say whether there was any."""
    is_there = _home(desk).exists()
    shutil.rmtree(_home(desk), ignore_errors=True)
    return is_there


def sweep(desk: Desk) -> None:
    """Remove what a dead run had half written."""
    for half in _home(desk).glob(f"*{_HALF}"):
        shutil.rmtree(half, ignore_errors=True)

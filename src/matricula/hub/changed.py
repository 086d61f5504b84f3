"""What changed since a flow's last pass that delivered everything: indexes kept between runs.

An index is a calculator's memory, not the truth: without it the pass is full. Every flow
has its own, which moves on only with a pass of that flow that held nothing back, so a key
whose change was held, or concerns another flow as well, stays dirty there.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from matricula.engine import delta, line
from matricula.hub import links, marks
from matricula.hub.snapshots import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.charter.model import Charter, Flow, ResourceRef
    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk

Pair = tuple[str, "ResourceRef"]
Indexes = dict[Pair, pa.Table]


def index_all(bench: Workbench, charter: Charter, flows: Sequence[Flow]) -> Indexes:
    """Fingerprint what the flows read."""
    entities = {e.name: e for flow in flows for e in line.entities_of(charter, flow)}
    return {pair: index.read_all() for pair, index in delta.index_all(bench, entities.values())}


def dirty(
    desk: Desk,
    bench: Workbench,
    charter: Charter,
    now: Indexes,
    flows: Sequence[Flow],
) -> Mapping[str, pa.Table] | None:
    """Find the keys to compute: changed at their owners, marked, waiting or due again.

    Returns:
        Per entity a table with the column `key`; None when only a full pass can tell.
    """
    found: dict[str, pa.Table] = {}
    marked = marks.of(flows)
    for before in _befores(desk, charter, now, flows):
        known = {pair: index for pair, index in before.items() if index is not None}
        mine = {pair: now[pair] for pair in before}
        touched = delta.dirty_keys(bench, charter, mine, known, marked=marked)
        if touched is None:
            return None
        found = delta.add_keys(found, touched)
    due = links.due_keys({flow.name: flow.entity for flow in flows}, desk.at)
    return delta.add_keys(found, due)


def is_followed(desk: Desk, flow: Flow) -> bool:
    """Whether a pass over changes can cover a flow: its present text was once delivered whole."""
    return (desk.home / "indexes" / _folder(flow)).is_dir()


def look_again(desk: Desk, flow: Flow) -> None:
    """Forget what a flow had seen, so that its next pass looks at everybody."""
    shutil.rmtree(desk.home / "indexes" / _folder(flow), ignore_errors=True)


def _befores(
    desk: Desk, charter: Charter, now: Indexes, flows: Sequence[Flow]
) -> Iterator[dict[Pair, pa.Table | None]]:
    """Open what the flows had before; flows that had the same share one reading."""
    files: dict[tuple[tuple[Pair, int], ...], Flow] = {}
    for flow in flows:
        kept = [(pair, _path(desk, flow, pair)) for pair in _read_by(charter, flow, now)]
        # Hard links to one file: the same index.
        files.setdefault(tuple((pair, _number(path)) for pair, path in kept), flow)
    for numbered, flow in files.items():
        yield {pair: _open(_path(desk, flow, pair)) for pair, _ in numbered}


def _read_by(charter: Charter, flow: Flow, now: Indexes) -> list[Pair]:
    entities = {entity.name for entity in line.entities_of(charter, flow)}
    return [pair for pair in now if pair[0] in entities]


def _number(path: Path) -> int:
    return path.stat().st_ino if path.exists() else 0


def _path(desk: Desk, flow: Flow, pair: Pair) -> Path:
    return desk.home / "indexes" / _folder(flow) / f"{pair[0]}.{pair[1]}.parquet"


def _folder(flow: Flow) -> str:
    # What a flow computes from the same data changes with its text: another text, another index.
    return f"{flow.name}.{flow.digest[:16]}"


def _open(path: Path) -> pa.Table | None:
    try:
        return pq.read_table(path)
    except UNREADABLE:
        # Not there, or damaged: either way it remembers nothing, and the pass is full.
        return None


def move_on(desk: Desk, indexes: Indexes, flows: Sequence[Flow], *, marked: marks.Seen) -> None:
    """Keep the indexes of a pass for the flows of which it held nothing back."""
    if not flows:
        return
    for pair, index in indexes.items():
        fresh = desk.home / "indexes" / f"{pair[0]}.{pair[1]}.{os.getpid()}.new"
        fresh.parent.mkdir(parents=True, exist_ok=True)
        # Every value occurs once: a dictionary of them would only be larger.
        pq.write_table(index, fresh, use_dictionary=False, row_group_size=65_536)
        for flow in flows:
            if pair in _read_by(desk.charter, flow, indexes):
                _share(fresh, _path(desk, flow, pair))
        fresh.unlink()
    _forget_older(desk)
    marks.forget(flows, marked)


def _forget_older(desk: Desk) -> None:
    kept = {_folder(flow) for flow in desk.charter.flows.values()}
    for folder in (desk.home / "indexes").iterdir():
        if folder.is_dir() and folder.name not in kept:
            shutil.rmtree(folder, ignore_errors=True)


def _share(fresh: Path, path: Path) -> None:
    """Put a file in another's place without copying it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    link = path.with_suffix(f".{os.getpid()}.new")
    link.unlink(missing_ok=True)
    try:
        link.hardlink_to(fresh)
    except OSError:
        # Not every file system has them.
        shutil.copyfile(fresh, link)
    link.replace(path)


def forget(desk: Desk, about: Callable[[str, pa.Table], list[bool]]) -> int:
    """Take records out of every index, so that no fingerprint of them is left.

    Args:
        desk: Whose home.
        about: Given an entity and its index, says of each row whether it goes.

    Returns:
        How many indexes held one.
    """
    shared: dict[int, list[Path]] = {}
    for path in sorted(desk.home.glob("indexes/*/*.parquet")):
        shared.setdefault(_number(path), []).append(path)
    return sum(_forget_in(paths, about) for paths in shared.values())


def _forget_in(paths: Sequence[Path], about: Callable[[str, pa.Table], list[bool]]) -> bool:
    """Rewrite one index, which lies under several names."""
    index = _open(paths[0])
    if index is None:
        for path in paths:
            path.unlink(missing_ok=True)
        return False
    gone = about(paths[0].name.partition(".")[0], index)
    if not any(gone):
        return False
    fresh = paths[0].with_suffix(".new")
    pq.write_table(delta.without(index, gone), fresh, use_dictionary=False)
    fresh.replace(paths[0])
    for path in paths[1:]:
        _share(paths[0], path)
    return True

"""What an erasure takes out of the home: snapshots, indexes, plans that were shown, traces.

Called under the run lock. What calculators remember is written anew without the record;
what was only kept to be looked at is removed.
"""

from __future__ import annotations

import shutil
from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from matricula.charter.model import ResourceRef
from matricula.connectors.kit.landing import land
from matricula.connectors.kit.protocol import Reading
from matricula.engine.about import ids_about
from matricula.engine.workbench import open_workbench
from matricula.hub import changed, lately, snapshots
from matricula.hub.models import Snapshot
from matricula.hub.snapshots import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk
    from matricula.hub.subjects import Subject


def held_by(desk: Desk, subjects: Sequence[Subject]) -> dict[ResourceRef, bool]:
    """Name the owners that still held a record when they were last read; true for rosters.

    Raises:
        Refused: A kept snapshot is damaged (M490).
    """
    found: dict[ResourceRef, bool] = {}
    with open_workbench() as bench:
        for resource in _resources(desk, subjects):
            snapshots.must_be_sound(desk, [resource])
            last = snapshots.last_trusted(desk, resource)
            rosters = [
                desk.charter.entities[subject.entity].roster
                for subject in _reading(desk, subjects, resource)
                if last is not None and _ids(desk, bench, subject, (resource, last))
            ]
            if rosters:
                found[resource] = resource in rosters
    return found


def _ids(
    desk: Desk,
    bench: Workbench,
    subject: Subject,
    snapshot: tuple[ResourceRef, ds.Dataset],
) -> list[str] | None:
    entity = desk.charter.entities[subject.entity]
    return ids_about(bench, desk.charter, entity, snapshot, subject.parts)


def _resources(desk: Desk, subjects: Sequence[Subject]) -> list[ResourceRef]:
    known = [desk.charter.entities.get(subject.entity) for subject in subjects]
    return sorted({resource for entity in known if entity for resource in entity.owners()})


def _reading(desk: Desk, subjects: Iterable[Subject], resource: ResourceRef) -> Iterator[Subject]:
    for subject in subjects:
        entity = desk.charter.entities.get(subject.entity)
        if entity and resource in entity.owners():
            yield subject


def clear(desk: Desk, subjects: Sequence[Subject]) -> tuple[Counter[str], set[str]]:
    """Take records out of the home.

    Returns:
        What was done, by kind; and the identifiers by which resources called the records.
    """
    done: Counter[str] = Counter()
    called = _clear_snapshots(desk, subjects, done)
    done["indexes rewritten"] += _clear_indexes(desk, subjects)
    # Whoever is in it cannot be told apart by key alone; the next full pass keeps it anew.
    done["indexes removed"] += lately.forget(desk)
    done["plans removed"] += _clear_plans(desk, subjects)
    done["traces removed"] += _clear_traces(desk, {s.told for s in subjects} | called)
    return done, called


def _clear_snapshots(desk: Desk, subjects: Sequence[Subject], done: Counter[str]) -> set[str]:
    """Rewrite what is trusted; remove what nobody judges by, or can no longer be told apart."""
    read = {r for entity in desk.charter.entities.values() for r in entity.owners()}
    called: set[str] = set()
    with open_workbench() as bench:
        for kept in Snapshot.objects.order_by("id"):
            resource = ResourceRef(*kept.resource.split(".", 1))
            concerned = list(_reading(desk, subjects, resource))
            if resource in read and not concerned:
                continue
            ids = _ids_in(desk, bench, kept, concerned) if kept.is_trusted else None
            if ids is None or resource not in read:
                (desk.home / kept.path).unlink(missing_ok=True)
                kept.delete()
                done["snapshots removed"] += 1
            elif ids:
                called |= ids
                _rewrite(desk.home / kept.path, ids)
                # It is no longer what was read, so nothing can be added to it.
                Snapshot.objects.filter(pk=kept.pk).update(rows=kept.rows - len(ids), token="")
                done["snapshots rewritten"] += 1
    return called


def _ids_in(
    desk: Desk, bench: Workbench, kept: Snapshot, concerned: Iterable[Subject]
) -> set[str] | None:
    resource = ResourceRef(*kept.resource.split(".", 1))
    ids: set[str] = set()
    for subject in concerned:
        try:
            data = ds.dataset(desk.home / kept.path)
            found = _ids(desk, bench, subject, (resource, data))
        except UNREADABLE:
            return None
        if found is None:
            return None
        ids.update(found)
    return ids


def _rewrite(path: Path, ids: set[str]) -> None:
    data = ds.dataset(path)
    others = ~pc.field("_id").isin(pa.array(sorted(ids), data.schema.field("_id").type))
    land(Reading(data.schema, data.to_batches(filter=others)), path)


def _clear_indexes(desk: Desk, subjects: Sequence[Subject]) -> int:
    def about(entity: str, index: pa.Table) -> list[bool]:
        meant = [subject for subject in subjects if subject.entity == entity]
        texts = [str(key) for key in index["key"].to_pylist()] if meant else []
        return [any(subject.is_about(key) for subject in meant) for key in texts]

    return changed.forget(desk, about)


def _clear_plans(desk: Desk, subjects: Sequence[Subject]) -> int:
    """Remove the folders of runs whose plan names a record; what they did is in the database."""
    folders = [path for path in desk.home.glob("runs/run-*") if path.is_dir()]
    named = [folder for folder in folders if _names(folder, subjects)]
    for folder in named:
        shutil.rmtree(folder)
    return len(named)


def _names(folder: Path, subjects: Sequence[Subject]) -> bool:
    for path in folder.glob("*.parquet"):
        try:
            rows = pq.read_table(path, columns=["flow", "key"]).to_pylist()
        except UNREADABLE:
            # Nobody can tell whom it names, and nobody can use it.
            return True
        if any(s.is_about(r["key"]) for r in rows for s in subjects if r["flow"] in s.flows):
            return True
    return False


def _clear_traces(desk: Desk, words: set[str]) -> int:
    named = [
        path
        for path in desk.home.glob("errors/*.txt")
        if any(word in path.read_text(encoding="utf-8", errors="replace") for word in words)
    ]
    for path in named:
        path.unlink()
    return len(named)

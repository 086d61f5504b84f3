"""Snapshots: what each resource held when it was read, landed before anybody looks at it.

A reading that fails or must not be trusted changes nothing anywhere: the flows that read
the resource are held, and the office that answers for it is told.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow.dataset as ds

from matricula.connectors.kit.errors import ConnectorError, GiveUp, Stop, TryAgain
from matricula.connectors.kit.landing import land
from matricula.engine.read import Fault, Snapshot
from matricula.hub import models, systems

if TYPE_CHECKING:
    from collections.abc import Iterable

    from matricula.charter.model import ResourceRef
    from matricula.hub.desk import Desk
    from matricula.hub.systems import Systems
    from matricula.kernel.findings import Finding


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of reading one resource: a snapshot, or why there is none."""

    resource: ResourceRef
    snapshot: Snapshot | None = None
    path: Path | None = None
    fault: Fault | None = None
    away: bool = False
    notes: tuple[Finding, ...] = ()


def land_all(
    desk: Desk, connected: Systems, resources: Iterable[ResourceRef], *, run: str
) -> dict[ResourceRef, Landed]:
    """Read resources, each into a Parquet file of the run; remember how their systems answered."""
    landed = {r: _land(desk, connected, r, run) for r in sorted(set(resources))}
    for system in sorted({resource.system for resource in landed}):
        answers = [told for resource, told in landed.items() if resource.system == system]
        # One resource that cannot be had is news; the others do not make it good.
        silent = next((told.fault for told in answers if told.away and told.fault), None)
        if silent or any(told.snapshot for told in answers):
            sentence = silent.message if silent else "It was read."
            systems.remember(system, well=not silent, sentence=sentence, at=desk.at)
    return landed


def _land(desk: Desk, connected: Systems, resource: ResourceRef, run: str) -> Landed:
    path = desk.home / "snapshots" / str(resource) / f"{run}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with connected[resource.system].read(resource.resource) as reading:
            land(reading, path)
            declared, notes = reading.declared_rows, tuple(reading.findings)
    except ConnectorError as error:
        return _failed(resource, error)
    snapshot = Snapshot(resource, ds.dataset(path), declared)
    return Landed(resource, snapshot, path, notes=notes)


def _failed(resource: ResourceRef, error: ConnectorError) -> Landed:
    away = isinstance(error, (TryAgain, Stop, GiveUp))
    return Landed(
        resource, fault=Fault(str(resource), error.code, error.message, error.cure), away=away
    )


def keep(desk: Desk, landed: Landed, *, run: str, rows: int, is_trusted: bool) -> None:
    """Remember a snapshot and forget all but the last two trusted and the last of all."""
    if landed.path is None:
        return
    models.Snapshot.objects.create(
        resource=str(landed.resource), run=run, path=str(landed.path), rows=rows,
        is_trusted=is_trusted, taken_at=desk.at,
    )  # fmt: skip
    every = models.Snapshot.objects.filter(resource=str(landed.resource)).order_by("-id")
    kept = {s.pk for s in every[:1]} | {s.pk for s in every.filter(is_trusted=True)[:2]}
    for old in every.exclude(pk__in=kept):
        Path(old.path).unlink(missing_ok=True)
        old.delete()


def forget(read: Iterable[Landed]) -> None:
    """Remove readings of targets: what counts of them stands in the links."""
    for landed in read:
        if landed.path is not None:
            landed.path.unlink(missing_ok=True)


def last_trusted(resource: ResourceRef) -> ds.Dataset | None:
    """Open the last snapshot of a resource that was trusted."""
    found = (
        models.Snapshot.objects.filter(resource=str(resource), is_trusted=True)
        .order_by("-id")
        .first()
    )
    if found is None or not Path(found.path).exists():
        return None
    return ds.dataset(found.path)


def forget_runs(desk: Desk, *, keep_last: int = 20) -> None:
    """Remove the folders of all but the last runs; what they did stays in the database."""
    folder = desk.home / "runs"
    if folder.exists():
        for old in sorted(folder.iterdir())[:-keep_last]:
            shutil.rmtree(old)

"""Snapshots: what each resource held when it was read, landed before anybody looks at it.

A reading that fails or must not be trusted changes nothing anywhere: the flows that read
the resource are held, and the office that answers for it is told.
"""

from __future__ import annotations

import filecmp
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.dataset as ds

from matricula.connectors.kit.errors import ConnectorError, GiveUp, Stop, TryAgain
from matricula.connectors.kit.landing import land
from matricula.engine import line
from matricula.engine.read import Fault, Snapshot
from matricula.hub import models, since, systems
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime
    from pathlib import Path

    from matricula.charter.model import Flow, ResourceRef
    from matricula.engine.read import Verdict
    from matricula.hub.desk import Desk
    from matricula.hub.systems import Systems
    from matricula.kernel.findings import Finding

# What Arrow raises over a file that is not, or no longer, Parquet.
UNREADABLE = (pa.ArrowException, OSError)
# Rows, of all that a pass reads; so many need no room to spill into.
_SMALL = 50_000
# What a reading calls odd but bearable: no office has to see to it.
BEARABLE = "M435"
_NOTES_SHOWN = 3


@dataclass(frozen=True, slots=True)
class Landed:
    """What came of reading one resource: a snapshot, or why there is none.

    Attributes:
        resource: Which.
        snapshot: What was read.
        path: Where it lies.
        fault: Why there is none.
        away: Whether its system is away or refuses us, and says nothing wrong.
        notes: What the reading could not use, and what was odd but bearable.
        earlier: The last trusted snapshot, where the system is away.
        earlier_at: When that was read.
        token: With what its connector tells what may differ since.
        why: Why everything was read where changes would have done.
    """

    resource: ResourceRef
    snapshot: Snapshot | None = None
    path: Path | None = None
    fault: Fault | None = None
    away: bool = False
    notes: tuple[Finding, ...] = ()
    earlier: Snapshot | None = None
    earlier_at: datetime | None = None
    token: str = ""
    why: str = ""

    def serves(self, flow: Flow, *, at: datetime) -> bool:
        """Whether a flow may use the earlier reading, by how old the charter lets it be."""
        if self.earlier_at is None:
            return False
        return at - self.earlier_at <= flow.if_unavailable.use_snapshot_for


def land_all(
    desk: Desk,
    connected: Systems,
    resources: Iterable[ResourceRef],
    *,
    run: str,
    changed: Sequence[Flow] = (),
) -> dict[ResourceRef, Landed]:
    """Read resources, each into a Parquet file of the run; remember how their systems answered.

    Args:
        desk: The charter and the home.
        connected: The systems.
        resources: Which.
        run: The run.
        changed: Flows that only look for changes; then a source that can tell what may differ
            is asked for that alone.
    """
    landed = {r: _land(desk, connected, r, run, changed) for r in sorted(set(resources))}
    for system in sorted({resource.system for resource in landed}):
        answers = [told for resource, told in landed.items() if resource.system == system]
        # One resource that cannot be had is news; the others do not make it good.
        silent = next((told.fault for told in answers if told.away and told.fault), None)
        if silent or any(told.snapshot for told in answers):
            sentence = silent.message if silent else _was_read(answers)
            systems.remember(system, well=not silent, sentence=sentence, at=desk.at)
    return landed


def _was_read(answers: Sequence[Landed]) -> str:
    """Say how a system was read, and what was odd there but taken as it is."""
    whole = next((f" whole, for {told.why}" for told in answers if told.why), "")
    odd = [note.message for told in answers for note in told.notes if note.code == BEARABLE]
    said = [*dict.fromkeys(odd)]
    more = f" And {len(said) - _NOTES_SHOWN} more." if len(said) > _NOTES_SHOWN else ""
    return " ".join([f"It was read{whole}.", *said[:_NOTES_SHOWN]]) + more


def _land(
    desk: Desk, connected: Systems, resource: ResourceRef, run: str, changed: Sequence[Flow]
) -> Landed:
    path = desk.home / "snapshots" / str(resource) / f"{run}.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    why = ""
    try:
        connector = connected[resource.system]
        if changed:
            told = since.bring_up(desk, connector, resource, path, changed)
            if isinstance(told, str):
                return Landed(resource, Snapshot(resource, ds.dataset(path)), path, token=told)
            why = told.why
        with connector.read(resource.resource) as reading:
            land(reading, path)
            declared, notes = reading.declared_rows, tuple(reading.findings)
            may_be_empty, token = reading.may_be_empty, reading.token
    except ConnectorError as error:
        return _failed(resource, error)
    except Exception as error:  # noqa: BLE001 - one connector's fault holds nobody else's flows
        return _failed(resource, _unforeseen(resource, error))
    snapshot = Snapshot(resource, ds.dataset(path), declared, may_be_empty)
    return Landed(resource, snapshot, path, notes=notes, token=token, why=why)


def _unforeseen(resource: ResourceRef, error: Exception) -> GiveUp:
    # Its name alone: what else it says may hold values of the source.
    return GiveUp(
        f"The connector of {resource.system} failed while reading: {type(error).__name__}.",
        code="M654",
        cure="Report it to whoever maintains the connector; the other flows go on.",
    )


def _failed(resource: ResourceRef, error: ConnectorError) -> Landed:
    away = isinstance(error, (TryAgain, Stop, GiveUp))
    return Landed(
        resource, fault=Fault(str(resource), error.code, error.message, error.cure), away=away
    )


def keep(
    desk: Desk, read: Iterable[Landed], verdicts: Mapping[ResourceRef, Verdict], *, run: str
) -> None:
    """Remember snapshots and forget, of each resource, all but the last and two trusted ones."""
    made = [
        _remembered(desk, one, one.path, verdict=verdicts.get(one.resource), run=run)
        for one in read
        if one.path
    ]
    models.Snapshot.objects.bulk_create(made)
    named = {snapshot.resource for snapshot in made}
    every: dict[str, list[models.Snapshot]] = {}
    for snapshot in models.Snapshot.objects.filter(resource__in=named).order_by("-id"):
        every.setdefault(snapshot.resource, []).append(snapshot)
    for some in every.values():
        trusted = [snapshot for snapshot in some if snapshot.is_trusted]
        old = [snapshot for snapshot in some[1:] if snapshot not in trusted[:2]]
        for snapshot in old:
            (desk.home / snapshot.path).unlink(missing_ok=True)
        if old:
            models.Snapshot.objects.filter(pk__in=[snapshot.pk for snapshot in old]).delete()


def _remembered(
    desk: Desk, one: Landed, path: Path, *, verdict: Verdict | None, run: str
) -> models.Snapshot:
    return models.Snapshot(
        resource=str(one.resource), run=run, token=one.token,
        path=str(path.relative_to(desk.home)), rows=verdict.rows if verdict else 0,
        is_trusted=bool(verdict and verdict.is_trusted), taken_at=desk.at,
    )  # fmt: skip


def are_small(read: Iterable[Landed]) -> bool:
    """Say that so little was read that opening a workbench would take the longest."""
    told = (one.snapshot or one.earlier for one in read)
    return sum(snapshot.count for snapshot in told if snapshot) < _SMALL


def forget(read: Iterable[Landed]) -> None:
    """Remove readings of targets: what counts of them stands in the links."""
    for landed in read:
        if landed.path is not None:
            landed.path.unlink(missing_ok=True)


def with_earlier(
    desk: Desk, landed: Mapping[ResourceRef, Landed], sources: Iterable[ResourceRef]
) -> dict[ResourceRef, Landed]:
    """Add the last trusted snapshot to the sources that are away."""
    found = {}
    for resource in sources:
        told = landed[resource]
        kept = _latest_trusted(resource) if told.away else None
        rows = last_trusted(desk, resource) if kept else None
        if kept and rows is not None:
            stands_in = Snapshot(resource, rows)
            found[resource] = replace(told, earlier=stands_in, earlier_at=kept.taken_at)
    return found


def told_of_stale(desk: Desk, read: Iterable[Landed], flows: Sequence[Flow]) -> Iterator[Fault]:
    """Say which earlier readings stand in for sources that are away, and for which flows."""
    for landed in read:
        served = [f.name for f in flows if landed.serves(f, at=desk.at)]
        served = [
            n
            for n in served
            if landed.resource in line.sources_of(desk.charter, desk.charter.flows[n])
        ]
        if served and landed.earlier_at:
            yield Fault(
                str(landed.resource),
                "M491",
                f"{landed.resource.system} is away; what it held at "
                f"{landed.earlier_at:%Y-%m-%d %H:%M} UTC stands in for {', '.join(served)}.",
                "Bring the system back; its next reading replaces the earlier one.",
            )


def last_trusted(desk: Desk, resource: ResourceRef) -> ds.Dataset | None:
    """Open the last snapshot of a resource that was trusted.

    Raises:
        Refused: Its file is damaged (M490).
    """
    path = _last_trusted(desk, resource)
    return _opened(desk, resource, path) if path and path.exists() else None


def to_compare(desk: Desk, landed: Landed) -> ds.Dataset | None:
    """Open the last trusted snapshot of what was read, unless the two are the same.

    What says the same to the byte has lost nobody, and nobody in it is new.

    Raises:
        Refused: Its file is damaged (M490).
    """
    kept = _last_trusted(desk, landed.resource)
    if kept is None or landed.path is None or not kept.exists():
        return None
    try:
        is_same = filecmp.cmp(kept, landed.path, shallow=False)
    except OSError as error:
        raise _damaged(desk, landed.resource) from error
    return None if is_same else _opened(desk, landed.resource, kept)


def _opened(desk: Desk, resource: ResourceRef, path: Path) -> ds.Dataset:
    try:
        return ds.dataset(path)
    except UNREADABLE as error:
        raise _damaged(desk, resource) from error


def _last_trusted(desk: Desk, resource: ResourceRef) -> Path | None:
    found = _latest_trusted(resource)
    # Within the home: one that was moved is still the same home.
    return desk.home / found.path if found else None


def _latest_trusted(resource: ResourceRef) -> models.Snapshot | None:
    every = models.Snapshot.objects.filter(resource=str(resource), is_trusted=True)
    return every.order_by("-id").first()


def must_be_sound(desk: Desk, resources: Iterable[ResourceRef]) -> None:
    """Read the last trusted snapshots of some resources to their end.

    Raises:
        Refused: A file is damaged (M490).
    """
    for resource in resources:
        kept = last_trusted(desk, resource)
        try:
            for _ in kept.to_batches() if kept else ():
                pass
        except UNREADABLE as error:
            raise _damaged(desk, resource) from error


def _damaged(desk: Desk, resource: ResourceRef) -> Refused:
    path = _last_trusted(desk, resource)
    return Refused(
        "M490",
        f"The kept snapshot {path} cannot be read; its bytes are not what was written.",
        cure="Restore it from a backup. Or remove it: then the next reading is judged without "
        "the one before, so look at that plan with care.",
        place=str(resource),
    )

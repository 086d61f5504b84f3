"""Since: a resource of which only what may differ is read, laid over its last trusted reading.

What comes of it is a snapshot like any other, and everything after it is as after a whole
reading. Its token stands beside it in the database, so how far a source was followed is
durable with what was found there and never before; what a pass then holds back is kept by the
flow's own index. Wherever anything is in doubt the resource is read whole.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from itertools import chain
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from matricula.connectors.kit.errors import ConnectorError, GiveUp
from matricula.connectors.kit.landing import land
from matricula.connectors.kit.protocol import (
    Changes,
    FeedsByScript,
    Reading,
    TellsChanges,
    Whole,
)
from matricula.engine.survey import spelling
from matricula.hub import marks, matches, systems
from matricula.hub.called import unknown
from matricula.hub.models import Snapshot
from matricula.kernel.errors import Refused
from matricula.kernel.keys import split_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from matricula.charter.model import Entity, Flow, ResourceRef
    from matricula.connectors.kit.protocol import Connector
    from matricula.hub.desk import Desk
    from matricula.hub.systems import Systems

# What Arrow raises over a file that is not, or no longer, Parquet.
_UNREADABLE = (pa.ArrowException, OSError)
# So many marked records are read faster with all the others.
_MOST_MARKED = 10_000
_SOMEBODY_NEW = Whole("somebody is new, who may be one who went; that takes everybody to tell")
_DAMAGED = Whole("what it held before cannot be opened any more")


def bring_up(
    desk: Desk, connector: Connector, resource: ResourceRef, path: Path, flows: Sequence[Flow]
) -> str | Whole:
    """Lay what may differ over the last trusted reading of a resource, or say why it cannot be.

    Args:
        desk: The home and the charter.
        connector: Of the resource's system.
        resource: Which.
        path: Where the snapshot is to lie.
        flows: Whose marks are looked for as well.

    Returns:
        The token of what now lies at the path; or that it must be read whole, with no reason
        where its source never tells changes.

    Raises:
        ConnectorError: The source is away, refuses us, or says what cannot be believed.
    """
    kept = _kept(resource)
    if kept is None or not kept.token or not isinstance(connector, TellsChanges):
        return Whole("")
    try:
        base = ds.dataset(desk.home / kept.path)
        also = _marked(desk, connector, resource, base, flows)
    except _UNREADABLE:
        return _DAMAGED
    if also is None:
        return Whole("more records are marked than are worth asking for")
    with connector.changes(resource.resource, kept.token, also=also) as told:
        if isinstance(told, Whole):
            return told
        if told.reading.schema != base.schema:
            return Whole("its columns are not what they were")
        may_be_old = not told.tells_gone and _is_compared(desk, resource)
        return _laid_over(desk.home / kept.path, told, path, may_be_old=may_be_old)


def _is_compared(desk: Desk, resource: ResourceRef) -> bool:
    """Whether somebody new here may turn out to be somebody who goes on under a new number."""
    entities = desk.charter.entities.values()
    return any(entity.matching and entity.roster == resource for entity in entities)


def _kept(resource: ResourceRef) -> Snapshot | None:
    every = Snapshot.objects.filter(resource=str(resource), is_trusted=True)
    return every.order_by("-id").first()


def _laid_over(kept: Path, told: Changes, path: Path, *, may_be_old: bool) -> str | Whole:
    """Put what is told in the place of what was kept of the same records.

    Who is new may be somebody old under a new number, which shows only beside who went.
    """
    schema = told.reading.schema
    fresh = pa.Table.from_batches(told.reading.batches, schema=schema)
    _must_fit(fresh, told)
    ids = {*map(str, fresh["_id"].to_pylist()), *told.named}
    try:
        with pq.ParquetFile(kept) as file:
            touched = _touched(file, pa.array(sorted(ids), pa.string()))
            before = [file.read_row_group(n).filter(mask) for n, mask in touched.items()]
            held = pa.concat_tables([schema.empty_table(), *before])
            if may_be_old and not pc.all(pc.is_in(fresh["_id"], value_set=held["_id"])).as_py():
                return _SOMEBODY_NEW
            if _same(held, fresh):
                _share(kept, path)
            else:
                land(Reading(schema, chain(_others(file, touched), fresh.to_batches())), path)
    except _UNREADABLE:
        # Or it was removed by another run meanwhile.
        return _DAMAGED
    return told.reading.token


def _touched(file: pq.ParquetFile, ids: pa.Array[Any]) -> dict[int, pa.BooleanArray]:
    """Say which rows of which parts of a file are of some records."""
    masks = {}
    for n in range(file.num_row_groups):
        mask = pc.is_in(file.read_row_group(n, ["_id"])["_id"], value_set=ids)
        if pc.any(mask).as_py():
            masks[n] = mask
    return masks


def _others(
    file: pq.ParquetFile, touched: Mapping[int, pa.BooleanArray]
) -> Iterator[pa.RecordBatch]:
    for n in range(file.num_row_groups):
        rows = file.read_row_group(n)
        # Most parts hold nothing to leave out, and are passed on as they lie.
        yield from (rows.filter(pc.invert(touched[n])) if n in touched else rows).to_batches()


def _must_fit(fresh: pa.Table, told: Changes) -> None:
    if fresh["_id"].null_count or not told.reading.token:
        raise GiveUp(
            "What the connector says has changed lacks an identifier, or its token.",
            code="M628",
            cure="Report it to whoever maintains the connector; the other flows go on.",
        )


def _same(before: pa.Table, fresh: pa.Table) -> bool:
    if before.num_rows != fresh.num_rows:
        return False
    return bool(before.sort_by("_id").equals(fresh.sort_by("_id")))


def _share(kept: Path, path: Path) -> None:
    """Give a file a second name: nothing in it changed."""
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(kept)
    except OSError:
        # Not every file system has them.
        shutil.copyfile(kept, path)


def _marked(
    desk: Desk,
    connector: Connector,
    resource: ResourceRef,
    base: ds.Dataset,
    flows: Sequence[Flow],
) -> list[str] | None:
    """Find which records of a resource are marked; None when they are too many to ask for."""
    found: set[str] = set()
    for name, keys in marks.of(flows).items():
        entity = desk.charter.entities.get(name)
        if entity is None or resource not in entity.owners():
            continue
        if keys.num_rows > _MOST_MARKED:
            return None
        texts = [str(key) for key in keys["key"].to_pylist()]
        found.update(_identifiers(desk, connector, entity, resource, base=base, keys=texts))
    return sorted(found)


def _identifiers(
    desk: Desk,
    connector: Connector,
    entity: Entity,
    resource: ResourceRef,
    *,
    base: ds.Dataset,
    keys: Sequence[str],
) -> Iterator[str]:
    """Say which records spell some keys: what lay there, what is there now, what was decided."""
    columns = spelling(entity, resource)
    asked = []
    for key in keys:
        # A key that the charter spelled otherwise once is nobody's any more.
        with suppress(ValueError):
            asked.append(dict(zip(columns, split_key(key, len(entity.key)), strict=True)))
    among = pc.scalar(True)  # noqa: FBT003 - the neutral condition
    for column in columns:
        values = pa.array(sorted({one[column] for one in asked}), pa.string())
        among = among & pc.field(column).cast(pa.string()).isin(values)
    yield from map(str, base.to_table(columns=["_id"], filter=among)["_id"].to_pylist())
    if connector.capabilities.finds:
        for some in connector.find(resource.resource, asked):
            yield from (one.external_id for one in some)
    decided = matches.crosswalk(desk.charter).get((entity.name, resource))
    for row in decided.to_pylist() if decided else ():
        if row["key"] in keys:
            yield str(row["external_id"])


def acknowledge(desk: Desk, connected: Systems, resources: Sequence[ResourceRef]) -> None:
    """Let sources forget what is safe here; to be called when a pass has been sealed.

    What fails is tried again by the next pass, and costs the source room until then.
    """
    for resource in resources:
        kept = _kept(resource)
        if kept is None or not kept.token:
            continue
        try:
            connector = connected[resource.system]
            if isinstance(connector, TellsChanges):
                connector.acknowledge(resource.resource, kept.token)
        except ConnectorError as error:
            _tell(desk, resource, error.message)
        except Exception as error:  # noqa: BLE001 - the pass is over; it must not fail for this
            _tell(desk, resource, f"{type(error).__name__}.")


def _tell(desk: Desk, resource: ResourceRef, why: str) -> None:
    sentence = f"It was read; that {resource} is followed cannot be noted there: {why}"
    systems.remember(resource.system, well=True, sentence=sentence, at=desk.at)


def feed_script(desk: Desk, system: str, resource: str) -> str:
    """Write the script that makes a source tell its changes; nothing is run.

    Args:
        desk: The charter.
        system: As the charter calls it.
        resource: Of that system, as its settings call it.

    Raises:
        Refused: The charter knows no such system (M517), it has no such feed (M626), or its
            connector says why it cannot be written.
    """
    if system not in desk.charter.systems:
        raise unknown(f"The charter knows no system {system}.", system, desk.charter.systems)
    with systems.connected(desk) as connected:
        try:
            connector = connected[system]
            if isinstance(connector, FeedsByScript):
                return connector.feed_script(resource)
        except ConnectorError as error:
            raise Refused(error.code, error.message, cure=error.cure) from error
    raise Refused(
        "M626",
        f"The connector of {system} knows no feed that is made by a script.",
        cure="Its page says how it tells changes, if it does.",
    )

"""What changed since the last pass that delivered everything: indexes kept between runs.

An index is a calculator's memory, not the truth: without it the pass is full. It moves on
only when a pass held nothing back, so a key whose change was held stays dirty.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from matricula.engine import delta, line
from matricula.hub import links
from matricula.hub.models import DirtyKey
from matricula.hub.snapshots import UNREADABLE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import duckdb

    from matricula.charter.model import Charter, Flow, ResourceRef
    from matricula.hub.desk import Desk

Indexes = dict[tuple[str, "ResourceRef"], pa.Table]


def index_all(
    bench: duckdb.DuckDBPyConnection, charter: Charter, flows: Sequence[Flow]
) -> Indexes:
    """Fingerprint what the flows read."""
    entities = {e.name: e for flow in flows for e in line.entities_of(charter, flow)}
    return {
        (entity.name, resource): delta.index(bench, entity, resource)
        for entity in entities.values()
        for resource in entity.owners()
    }


def dirty(
    desk: Desk, bench: duckdb.DuckDBPyConnection, charter: Charter, now: Indexes
) -> Mapping[str, pa.Table] | None:
    """Find the keys to compute: changed at their owners, marked, waiting or due again.

    Returns:
        Per entity a table with the column `key`; None when only a full pass can tell.
    """
    before = {pair: index for pair in now if (index := _open(desk, pair)) is not None}
    if set(before) != set(now):
        return None
    found = delta.dirty_keys(bench, charter, now, before)
    if found is None:
        return None
    due = links.due_keys({flow.name: flow.entity for flow in charter.flows.values()}, desk.at)
    return delta.add_keys(delta.add_keys(found, due), _marked(set(charter.entities)))


def _marked(entities: set[str]) -> dict[str, pa.Table]:
    keys: dict[str, list[str]] = {}
    for entity, key in DirtyKey.objects.filter(entity__in=entities).values_list("entity", "key"):
        keys.setdefault(entity, []).append(key)
    return {
        entity: pa.table({"key": pa.array(found, pa.string())}) for entity, found in keys.items()
    }


def _path(desk: Desk, pair: tuple[str, ResourceRef]) -> Path:
    return desk.home / "indexes" / f"{pair[0]}.{pair[1]}.parquet"


def _open(desk: Desk, pair: tuple[str, ResourceRef]) -> pa.Table | None:
    try:
        return pq.read_table(_path(desk, pair))
    except UNREADABLE:
        # Not there, or damaged: either way it remembers nothing, and the pass is full.
        return None


def move_on(desk: Desk, indexes: Indexes) -> None:
    """Keep the indexes of a pass that held nothing back; what was marked is done."""
    for pair, index in indexes.items():
        path = _path(desk, pair)
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        # Every value occurs once: a dictionary of them would only be larger.
        pq.write_table(index, fresh, use_dictionary=False)
        fresh.replace(path)
    entities = {entity for entity, _ in indexes}
    DirtyKey.objects.filter(entity__in=entities, marked_at__lte=desk.at).delete()

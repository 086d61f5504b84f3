"""Marks: keys that something says have changed, so that the flows that read them look now.

A mark says where to look and never what is there: the owner is read all the same, and the
mark goes when the flow has delivered what it found.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from django.db.models import Max

from matricula.engine import line
from matricula.hub import bulk
from matricula.hub.models import DirtyKey

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime

    from matricula.charter.model import Charter, Flow


def mark(
    charter: Charter, entity: str, keys: Sequence[str], *, why: str, at: datetime
) -> list[str]:
    """Mark keys for every flow that reads the entity, also through a ref.

    Call it in the transaction that makes the change: then neither is lost without the other.

    Args:
        charter: Whose flows.
        entity: A kind of record.
        keys: Which records, as the charter spells them.
        why: What changed them, for whoever asks why a flow looked. No personal value.
        at: When.

    Returns:
        The flows that will look.
    """
    concerned = [
        flow.name
        for flow in charter.flows.values()
        if entity in {read.name for read in line.entities_of(charter, flow)}
    ]
    now = bulk.moment(at)
    bulk.merge(
        "hub_dirtykey",
        ("flow", "entity", "key", "why", "marked_at"),
        ("flow", "entity", "key"),
        [(flow, entity, key, why, now) for flow in concerned for key in sorted(set(keys))],
    )
    return concerned


def of(flows: Iterable[Flow]) -> dict[str, pa.Table]:
    """List what is marked for some flows: per entity a table with the column `key`."""
    marked = DirtyKey.objects.filter(flow__in=[flow.name for flow in flows])
    keys: dict[str, list[str]] = {}
    for entity, key in marked.values_list("entity", "key").distinct():
        keys.setdefault(entity, []).append(key)
    return {e: pa.table({"key": pa.array(found, pa.string())}) for e, found in keys.items()}


def latest() -> Mapping[str, datetime]:
    """Say when something was last marked for each flow that anything is marked for."""
    return dict(DirtyKey.objects.values_list("flow").annotate(at=Max("marked_at")))


def forget(flows: Iterable[Flow], *, at: datetime) -> None:
    """Forget the marks that a pass has followed: those made before it began."""
    names = [flow.name for flow in flows]
    DirtyKey.objects.filter(flow__in=names, marked_at__lte=at).delete()

"""Marks: keys that something says have changed, so that the flows that read them look now.

A mark says where to look and never what is there: the owner is read all the same, and the
mark goes when the flow has delivered what it found.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
from django.db.models import Max

from matricula.engine import line
from matricula.hub import bulk
from matricula.hub.models import DirtyKey

_SOME = 500

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


@dataclass(frozen=True, slots=True)
class Seen:
    """The marks that there were before a pass read anything, by the instant they bear."""

    rows: Mapping[datetime, tuple[int, ...]]


def seen(flows: Iterable[Flow]) -> Seen:
    """Note which marks there are; to be called before anything is read."""
    names = [flow.name for flow in flows]
    rows: dict[datetime, list[int]] = {}
    for number, at in DirtyKey.objects.filter(flow__in=names).values_list("pk", "marked_at"):
        rows.setdefault(at, []).append(number)
    return Seen({at: tuple(some) for at, some in rows.items()})


def forget(flows: Iterable[Flow], marked: Seen) -> None:
    """Forget the marks that a pass has followed: those it saw, unless made anew since.

    The instant of a mark is that of the act, which may have begun before a pass and become
    true only after its reading; so it cannot say by itself whether the pass knew of it.
    """
    names = [flow.name for flow in flows]
    for at, numbers in marked.rows.items():
        for some in bulk.parts(numbers, of=_SOME):
            DirtyKey.objects.filter(flow__in=names, pk__in=some, marked_at=at).delete()

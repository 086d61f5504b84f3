"""Returned: copies that were taken out and stand in their target again.

A target that is put back from a backup holds again what was deleted since, and so it does when
somebody makes a record anew by hand. Nothing links such a record any more. Whose it is now, and
whether it may go, is its system's office to say; that it is there must not go unnoticed.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pyarrow.compute as pc
import pyarrow.parquet as pq

from matricula.engine.plan import pick
from matricula.hub import settle
from matricula.hub.incidents import Trouble
from matricula.hub.models import Effect, Link
from matricula.kernel.digests import document

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from matricula.charter.model import Charter, Flow, ResourceRef
    from matricula.engine.plan import Plan
    from matricula.hub.snapshots import Landed

CODE = "M662"
# Written out as the partial index has it, or SQLite does not find it.
_TAKEN_OUT = "kind = 'delete' AND state IN ('answered', 'verified')"
_LINKED = """
NOT EXISTS (SELECT 1 FROM hub_link l WHERE l.flow = hub_effect.flow AND l.key = hub_effect.key
AND l.external_id = hub_effect.external_id)
"""


def troubles(
    charter: Charter, plan: Plan, landed: Mapping[ResourceRef, Landed]
) -> Iterator[Trouble]:
    """Tell of each target once what stands there again, after a full pass read it."""
    found: dict[ResourceRef, list[tuple[str, str]]] = {}
    for part in plan.flows:
        flow = charter.flows[part.flow]
        keys = _returned(flow, plan, landed[flow.target]) if part.digest else []
        found.setdefault(flow.target, []).extend((flow.name, key) for key in keys)
    for target, pairs in found.items():
        if pairs:
            yield _told(charter, target, pairs)


def _returned(flow: Flow, plan: Plan, target: Landed) -> list[str]:
    """Name the keys whose deleted copies the reading shows, unless this plan sees to them."""
    effects = Effect.objects.filter(flow=flow.name).exclude(external_id=None)
    gone = effects.extra(where=[_TAKEN_OUT, _LINKED])  # noqa: S610 - constants
    latest = {str(effect.external_id): effect for effect in gone.order_by("id")}
    if not latest or target.path is None:
        return []
    seen = pq.read_table(target.path, filters=pc.field("_id").isin(list(latest))).to_pylist()
    planned = set(pick(plan.changes, "flow", flow.name)["external_id"].to_pylist())
    # Another key's copy may be called as this one was.
    ours = Link.objects.filter(flow=flow.name, external_id__in=[row["_id"] for row in seen])
    planned.update(ours.values_list("external_id", flat=True) if seen else ())
    return sorted(
        latest[row["_id"]].key
        for row in seen
        if row["_id"] not in planned
        # Another record may have been given the number that is free.
        and settle.agrees(flow, _told_apart_by(flow, latest[row["_id"]]), row)
    )


def _told_apart_by(flow: Flow, effect: Effect) -> str:
    """Give what the match rule says of a deleted copy, or all of it where it says nothing."""
    held = json.loads(effect.before or "{}")
    return document({name: held[name] for name in flow.match if name in held} or held)


def _told(charter: Charter, target: ResourceRef, pairs: list[tuple[str, str]]) -> Trouble:
    flow, key = pairs[0]
    return Trouble(
        CODE, str(target), charter.systems[target.system].steward,
        f"{len(pairs)} record(s) that were taken out of {target} stand there again, first {key} "
        f"of {flow}.",
        "Find out whether the system was put back from a backup, or who made them; delete in the "
        "system what has no place there.",
        flow=", ".join(dict.fromkeys(name for name, _ in pairs)), system=target.system,
    )  # fmt: skip

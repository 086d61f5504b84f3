"""Observed: what a pass found out about copies without sending anything.

What the targets were seen to hold is kept beside what they confirmed; what once failed and
is no longer wanted is forgotten.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow.compute as pc
from django.db import transaction

from matricula.engine.plan import pick
from matricula.hub import incidents, links
from matricula.hub.models import FlowState

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from matricula.charter.model import ResourceRef
    from matricula.engine.plan import Plan
    from matricula.hub.desk import Desk
    from matricula.hub.snapshots import Landed


@transaction.atomic
def record(desk: Desk, plan: Plan, landed: Mapping[ResourceRef, Landed]) -> None:
    """Keep the drift that a full pass found, and when; what has none is verified by that."""
    drift = plan.drift.to_pylist()
    for part in plan.flows:
        target = desk.charter.flows[part.flow].target
        if not part.digest or landed[target].snapshot is None:
            continue
        over = gone_for_good(plan, part.flow)
        mine = [row for row in drift if row["flow"] == part.flow]
        links.record_drift(
            part.flow, [{**r, "fields": [links.GONE]} if r["key"] in over else r for r in mine]
        )
        FlowState.objects.update_or_create(flow=part.flow, defaults={"seen_at": desk.at})


def gone_for_good(plan: Plan, flow: str) -> set[str]:
    """Name the copies that somebody took out and that nobody wants any more: no edit stands."""
    drift = pick(plan.drift, "flow", flow)
    gone = set(_keys(drift.filter(pc.is_null(drift["found"])), flow))
    if not gone:
        return gone
    return gone - set(_keys(plan.changes, flow)) - set(_keys(plan.aside, flow))


@transaction.atomic
def conclude(desk: Desk, plan: Plan) -> None:
    """End refusals and waits that are over, and the incidents that told of them."""
    for part in plan.flows:
        over, unmade = (_keys(rows, part.flow) for rows in (plan.settled, plan.void))
        links.settle(part.flow, over)
        links.forget(part.flow, unmade)
        if over or unmade:
            incidents.close_settled([part.flow], at=desk.at)


def _keys(rows: pa.Table, flow: str) -> list[str]:
    return [str(key) for key in pick(rows, "flow", flow)["key"].to_pylist()]

"""Observed: what the targets were last seen to hold, kept beside what they confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.db import transaction

from matricula.hub import links
from matricula.hub.models import FlowState

if TYPE_CHECKING:
    from collections.abc import Mapping

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
        links.record_drift(part.flow, [row for row in drift if row["flow"] == part.flow])
        FlowState.objects.update_or_create(flow=part.flow, defaults={"seen_at": desk.at})

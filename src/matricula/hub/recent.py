"""Recent: what went out in the last day, so that a guard sees a slow leak as one.

What a first load brought, and what an office approved beyond the guard, is not counted.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.hub import bulk
from matricula.hub.models import FlowState

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.charter.model import Flow
    from matricula.hub.desk import Desk

_DAY = timedelta(days=1)
_FIELDS: list[pa.Field[Any]] = [pa.field("key", pa.string()), pa.field("kind", pa.string())]
_DELIVERED = """
SELECT DISTINCT e.key, e.kind FROM hub_effect e JOIN hub_run r ON r.id = e.run
WHERE e.flow = %s AND e.state IN ('answered', 'verified') AND e.settled_at > %s
AND NOT EXISTS (SELECT 1 FROM hub_approval a WHERE a.plan = r.plan AND a.flow = e.flow)
"""


def delivered(desk: Desk, flows: Sequence[Flow]) -> Mapping[str, pa.Table]:
    """List, per flow, the keys that something went out for within a day (`key`, `kind`)."""
    loaded = {state.flow: state.first_full_at for state in FlowState.objects.all()}
    return {
        flow.name: bulk.read(
            _DELIVERED,
            [flow.name, bulk.moment(max(desk.at - _DAY, since))],
            pa.schema(_FIELDS),
        )
        for flow in flows
        if (since := loaded.get(flow.name)) is not None
    }

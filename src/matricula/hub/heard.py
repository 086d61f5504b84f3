"""Who tells the register of clearance: what follows, and when they were heard last."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.engine import line
from matricula.hub.acting import heed, register_of
from matricula.hub.models import Snapshot
from matricula.sis.received import actions as received
from matricula.sis.received.queries import CLEARANCE

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from matricula.charter.model import Flow
    from matricula.hub.desk import Desk


def take_to_heart(desk: Desk, whole: Iterable[str]) -> None:
    """After a delivery, have holds follow what was told, and note when its owners were heard.

    Args:
        desk: The charter, which has our register, and the instant.
        whole: The flows that nothing held and of which nothing was put off; a row that is
            refused does not make its owner silent.
    """
    heed(desk)
    ours = register_of(desk.charter)
    flows = [desk.charter.flows[name] for name in whole]
    tell = [f for f in flows if (f.target.system, f.target.resource) == (ours, CLEARANCE)]
    if not tell:
        return
    # Of several owners the one that was silent longest: its word is the oldest.
    heard = [_heard(desk, flow, ours) for flow in tell]
    known = [at for some in heard for at in some]
    if known:
        received.hear(CLEARANCE, min(known))


def _heard(desk: Desk, flow: Flow, ours: str) -> list[datetime]:
    found: list[datetime] = []
    for resource in line.sources_of(desk.charter, flow):
        if resource.system != ours:
            last = Snapshot.objects.filter(resource=str(resource), is_trusted=True)
            found += last.order_by("-id").values_list("taken_at", flat=True)[:1]
    return found

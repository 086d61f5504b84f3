"""Re-keys: a record goes on under a new number, and its copies with it.

Without, the old number would leave and the new one join: every copy suspended, and a second
one made beside it. What was done under the old number stays in the ledger and the audit
under that number; what is done from now on stands under the new one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.hub.models import OPEN, Effect, Link, MatchCase
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from matricula.hub.desk import Desk


def renamed() -> dict[tuple[str, str], str]:
    """Give the present number of every record that was given a new one, by entity and number."""
    rows = MatchCase.objects.filter(kind="rekey", state="same").order_by("decided_at", "id")
    found: dict[tuple[str, str], str] = {}
    for entity, old, new in rows.values_list("entity", "key", "other"):
        found.update(
            {place: new for place, last in found.items() if place[0] == entity and last == old}
        )
        found[entity, old] = new
    return found


def move(desk: Desk, entity: str, old: str, new: str) -> None:
    """Give every link of a record its new number; call it within a transaction.

    Raises:
        Refused: Nothing stands under the old number, the new one has copies, or a write is
            open under either (M554).
    """
    flows = [flow.name for flow in desk.charter.flows.values() if flow.entity == entity]
    links = Link.objects.filter(flow__in=flows)
    if not links.filter(key=old).exists():
        raise _cannot(entity, old, new, f"no flow has a copy of {old}")
    # What was never made under the new number gives way.
    links.filter(key=new, external_id=None).delete()
    if taken := links.filter(key=new).values_list("flow", flat=True).first():
        raise _cannot(entity, old, new, f"{taken} has a copy of {new} as well")
    writes = Effect.objects.filter(flow__in=flows, key__in=(old, new))
    open_ones = writes.extra(where=[OPEN])  # noqa: S610 - a constant
    if effect := open_ones.first():
        raise _cannot(
            entity, old, new, f"nobody knows yet what became of a write by {effect.flow}"
        )
    links.filter(key=old).update(key=new)


def _cannot(entity: str, old: str, new: str, reason: str) -> Refused:
    return Refused(
        "M554",
        f"{entity} {old} cannot go on as {new}: {reason}.",
        cure="Check both numbers with `matricula explain`; `matricula sync` settles open writes.",
    )

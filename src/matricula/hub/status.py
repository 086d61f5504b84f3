"""Status: how every system and every flow stands, and who acts next."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from django.db.models import Count, Q

from matricula.hub import letters, purposes, standing
from matricula.hub.links import EDITED
from matricula.hub.models import FlowState, Incident, Link, Run, SystemState

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from matricula.hub.desk import Desk
    from matricula.hub.purposes import Withdrawn


@dataclass(frozen=True, slots=True)
class SystemStatus:
    """How a system answered last; `is_well` is None when it was never asked."""

    system: str
    is_well: bool | None
    sentence: str
    since: datetime | None
    steward: str


@dataclass(frozen=True, slots=True)
class FlowStatus:
    """How a flow stands, in copies.

    Attributes:
        confirmed: Copies the target acknowledged.
        pending: Copies whose outcome is unknown and is being settled.
        waiting: Copies that wait for another copy's identifier.
        held: Changes held back or set aside by the last pass.
        failed: Copies that the target refused as they now should be.
        drifted: Copies last seen to hold something else than was confirmed.
        next: Who acts next.
    """

    flow: str
    target: str
    confirmed: int
    pending: int
    waiting: int
    held: int
    failed: int
    drifted: int
    last_full_at: datetime | None
    next: str


@dataclass(frozen=True, slots=True)
class Status:
    """The whole, at one moment."""

    systems: tuple[SystemStatus, ...]
    flows: tuple[FlowStatus, ...]
    withdrawn: tuple[Withdrawn, ...]
    running: str
    open_incidents: int
    overdue: int
    letters: str

    def as_json(self) -> dict[str, object]:
        """Write it for `status --json`: instants as ISO 8601 text."""
        return {
            "systems": [_plain(asdict(s)) for s in self.systems],
            "flows": [_plain(asdict(f)) for f in self.flows],
            "withdrawn": [asdict(w) for w in self.withdrawn],
            "running": self.running,
            "open_incidents": self.open_incidents,
            "overdue_incidents": self.overdue,
            "letters": self.letters,
        }


def _plain(row: dict[str, object]) -> dict[str, object]:
    return {n: v.isoformat() if hasattr(v, "isoformat") else v for n, v in row.items()}


_COUNTED = ("confirmed", "pending", "waiting", "failed", "drifted")


def status(desk: Desk) -> Status:
    """Gather how things stand from the database alone; nobody is asked."""
    running = Run.objects.filter(state="running").first()
    return Status(
        systems=_systems(desk),
        flows=_flows(desk),
        withdrawn=tuple(purposes.withdrawn(desk.charter)),
        running=running.id if running else "",
        open_incidents=Incident.objects.filter(closed_at=None).count(),
        overdue=Incident.objects.filter(closed_at=None, due_at__lt=desk.at).count(),
        letters=letters.standing_now(),
    )


def _systems(desk: Desk) -> tuple[SystemStatus, ...]:
    known = {state.system: state for state in SystemState.objects.all()}
    told = []
    for system in desk.charter.systems.values():
        state = known.get(system.name)
        told.append(
            SystemStatus(
                system.name,
                state.is_well if state else None,
                state.sentence if state else "It was not asked yet.",
                state.since if state else None,
                desk.charter.stewards[system.steward].title,
            )
        )
    return tuple(told)


def counted(flows: Iterable[str]) -> dict[str, dict[str, int]]:
    """Count the copies of some flows by how they stand."""
    counts: dict[str, dict[str, int]] = {}
    found = (
        Link.objects.filter(flow__in=list(flows))
        .values_list("flow")
        .annotate(
            confirmed=Count("pk", filter=Q(state__in=("active", "suspended"))),
            pending=Count("pk", filter=Q(state="unknown")),
            waiting=Count("pk", filter=Q(state="waiting")),
            failed=Count("pk", filter=~Q(refused="") & Q(accepted_at=None)),
            drifted=Count("pk", filter=EDITED),
        )
    )
    for flow, *numbers in found:
        counts[flow] = dict(zip(_COUNTED, numbers, strict=True))
    return counts


def _flows(desk: Desk) -> tuple[FlowStatus, ...]:
    counts = counted(desk.charter.flows)
    states = {state.flow: state for state in FlowState.objects.all()}
    return tuple(
        _flow(desk, name, counts.get(name, {}), states.get(name)) for name in desk.charter.flows
    )


def _flow(desk: Desk, name: str, count: dict[str, int], state: FlowState | None) -> FlowStatus:
    flow = desk.charter.flows[name]
    return FlowStatus(
        flow=name,
        target=str(flow.target),
        confirmed=count.get("confirmed", 0),
        pending=count.get("pending", 0),
        waiting=count.get("waiting", 0),
        held=state.held if state else 0,
        failed=count.get("failed", 0),
        drifted=count.get("drifted", 0),
        last_full_at=state.last_full_at if state else None,
        next=standing.who_is_next(desk, flow, count=count, state=state),
    )

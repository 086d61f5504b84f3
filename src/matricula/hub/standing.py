"""How each flow stands since its last pass, and who acts next."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db.models import F, Q

from matricula.engine import line
from matricula.engine.guard import Reason
from matricula.hub import charters, purposes, systems
from matricula.hub.models import FlowState, Incident, StoredPlan

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.charter.model import Charter, Flow
    from matricula.engine.plan import Plan
    from matricula.hub.desk import Desk

NOBODY = "nobody"
PLAN = "an engineer: plan, then apply"
_WINDOW = "M504"


def found(desk: Desk, plan: Plan) -> None:
    """Remember what a pass found: what is to do in each flow, and what holds it."""
    states = [
        FlowState(
            flow=part.flow,
            held=part.held,
            to_do=sum(part.counts.values()),
            reasons=json.dumps(
                [[r.code, r.message, r.cure, sorted(r.kinds)] for r in part.reasons]
            ),
            last_run_at=desk.at,
        )
        for part in plan.flows
    ]
    FlowState.objects.bulk_create(
        states,
        update_conflicts=True,
        unique_fields=["flow"],
        update_fields=["held", "to_do", "reasons", "last_run_at"],
    )


def delivered(out: Mapping[str, int]) -> None:
    """Take off what went out, by flow."""
    for flow, count in out.items():
        if count:
            FlowState.objects.filter(flow=flow).update(to_do=F("to_do") - count)


def reasons_of(state: FlowState | None) -> tuple[Reason, ...]:
    """Say what held a flow at its last pass."""
    told = json.loads(state.reasons) if state else []
    return tuple(Reason(code, said, cure, frozenset(kinds)) for code, said, cure, kinds in told)


def who_is_next(
    desk: Desk, flow: Flow, *, count: Mapping[str, int], state: FlowState | None
) -> str:
    """Say who acts next, and how.

    Args:
        desk: The charter.
        flow: Of which flow.
        count: Its copies that `failed` and that `drifted`.
        state: What its last pass found, if there was one.
    """
    charter = desk.charter
    lacking = charters.unsigned_by(charter, flow)
    if lacking:
        return f"{charter.title_of(lacking[0])}: sign"
    office = charter.steward_of(flow.target.system).title
    return (
        _who_answers(charter, flow, failed=count.get("failed", 0), state=state)
        or (f"{office}: see drift" if count.get("drifted") else "")
        or _who_is_away(charter, flow)
        or (f"{office}: review the purpose" if _is_overdue(desk, flow, state) else "")
        or _who_applies(desk, state)
    )


def has_incident(charter: Charter, flow: Flow) -> bool:
    """Tell whether an open incident speaks of a flow, of its records or of what it reads."""
    own = Incident.objects.filter(closed_at=None, flow=flow.name)
    return own.exists() or bool(_blocking(charter, flow))


def _is_overdue(desk: Desk, flow: Flow, state: FlowState | None) -> bool:
    return state is not None and purposes.is_overdue(desk.charter, flow, desk.at)


def _who_answers(charter: Charter, flow: Flow, *, failed: int, state: FlowState | None) -> str:
    """Name the office that has an incident to see to, or what the flow waits for."""
    blocking = _blocking(charter, flow)
    if blocking:
        return f"{charter.title_of(blocking)}: see incidents"
    windows = [reason for reason in reasons_of(state) if reason.code == _WINDOW]
    if windows and not failed:
        return f"{NOBODY}: {windows[0].message}"
    if failed or (state and state.held):
        return f"{charter.stewards[flow.errors_to].title}: see incidents"
    return ""


def _blocking(charter: Charter, flow: Flow) -> str:
    """Name the office that answers for what keeps a flow from being planned or read, if any."""
    resources = [*line.sources_of(charter, flow), flow.target]
    places = {str(r) for r in resources} | {r.system for r in resources}
    # A flow that its target cannot take any more is held as a whole, and has nothing to do.
    where = Q(place__in=places) | Q(place=flow.name, code="M657")
    found = Incident.objects.filter(where, closed_at=None, key="").order_by("id")
    # What a guard held is told of by its own flows, though it stands under their roster.
    stewards = [i.steward for i in found if not i.flow or flow.name in i.flow.split(", ")]
    return next((steward for steward in stewards if steward in charter.stewards), "")


def _who_is_away(charter: Charter, flow: Flow) -> str:
    for system in dict.fromkeys(r.system for r in (flow.target, *line.sources_of(charter, flow))):
        if since := systems.away_since(system):
            due = since + flow.if_unavailable.alert_after
            steward = charter.steward_of(system)
            return f"{steward.title}: {system} is away, an incident after {due:%H:%M} UTC"
    return ""


def _who_applies(desk: Desk, state: FlowState | None) -> str:
    """Send an engineer to the plan that was shown last, or to make one."""
    if state and state.last_full_at and state.to_do <= 0:
        return NOBODY
    if state and state.to_do > 0 and state.last_run_at:
        shown = StoredPlan.objects.filter(
            made_at=state.last_run_at, applied_at=None, charter=desk.charter.digest
        ).last()
        if shown:
            return f"an engineer: apply plan {shown.digest[:12]}"
    return PLAN

"""Escalation: an incident whose due date has passed is heard of by a second office."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.hub.models import Incident

if TYPE_CHECKING:
    from matricula.charter.model import Charter
    from matricula.hub.desk import Desk


def escalate(desk: Desk) -> int:
    """Mark the open incidents whose due date has passed; each once, unless it is put off.

    Returns:
        How many were marked.
    """
    overdue = Incident.objects.filter(closed_at=None, escalated_at=None, due_at__lt=desk.at)
    marked = 0
    for incident in overdue:
        told = {"escalated_at": desk.at, "escalated_to": office_above(desk.charter, incident)}
        marked += Incident.objects.filter(pk=incident.pk, escalated_at=None).update(**told)
    return marked


def office_above(charter: Charter, incident: Incident) -> str:
    """Name who hears of an overdue incident.

    That is the office its own names in `escalate_to`; otherwise the one that answers for the
    roster of what the flow copies, or of the charter's first entity where no flow is meant.
    """
    own = charter.stewards.get(incident.steward)
    if own and own.escalate_to:
        return own.escalate_to
    return charter.systems[_roster(charter, incident.flow.partition(",")[0])].steward


def _roster(charter: Charter, flow: str) -> str:
    entity = charter.flows[flow].entity if flow in charter.flows else next(iter(charter.entities))
    return charter.entities[entity].roster.system

"""An office answers an incident: have it tried again, put it off, or let it stand.

None of it is needed for work to go on: whatever caused an incident, correcting it is enough,
and the record is tried again by itself. Every answer stands in the audit with its ground.
"""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Q

from matricula.audit.actions import Entry, append
from matricula.engine import line
from matricula.hub.models import FlowState, Incident, Link, SystemState
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from datetime import date

    from django.db.models import QuerySet

    from matricula.hub.desk import Desk

_SEE = "See `matricula incidents`."


@transaction.atomic
def retry(desk: Desk, number: int, *, steward: str) -> Incident:
    """Have what an incident is about tried again by the next pass, without waiting for its turn.

    Args:
        desk: Whose charter, and who asks.
        number: The incident's.
        steward: The office that asks.

    Raises:
        Refused: There is no such open incident, or another office's (M540, M541).
    """
    incident = _own(number, steward)
    if incident.key:
        _link(incident).update(next_attempt_at=desk.at)
    else:
        SystemState.objects.filter(system=incident.system).update(not_before=None)
    FlowState.objects.filter(flow__in=_flows(desk, incident)).update(tried_at=None)
    _write_down(desk, incident, "retry", steward=steward, why="the cause is mended")
    return incident


@transaction.atomic
def postpone(desk: Desk, number: int, *, steward: str, until: date, why: str) -> Incident:
    """Give an incident until the end of a day of the institution's.

    Raises:
        Refused: As `retry`, no ground was given, or the day has passed (M542).
    """
    incident = _own(number, steward)
    _must_have_a_ground(why)
    due = _end_of(desk, until)
    told = {"due_at": due, "escalated_at": None, "escalated_to": ""}
    Incident.objects.filter(pk=incident.pk).update(**told)
    _write_down(desk, incident, "postpone", steward=steward, why=why, until=until)
    incident.due_at = due
    return incident


@transaction.atomic
def accept(
    desk: Desk, number: int, *, steward: str, why: str, until: date | None = None
) -> Incident:
    """Let a refused copy stay as it is, until the record or the flow changes or a day is over.

    Args:
        desk: Whose charter, and who accepts.
        number: The incident's.
        steward: The office that accepts.
        why: The ground; it stands in the audit.
        until: The last day, by the institution's calendar; for as long as nothing changes if None.

    Raises:
        Refused: As `postpone`, or the incident is about no refused record (M543).
    """
    incident = _own(number, steward)
    _must_have_a_ground(why)
    again = _end_of(desk, until) if until else None
    refused = _link(incident).exclude(refused="") if incident.key else Link.objects.none()
    if not refused.update(accepted_at=desk.at, next_attempt_at=again):
        raise Refused(
            "M543",
            f"Incident {number} is about no record that a target refused.",
            cure="Put it off with `matricula incidents postpone`, or see to what it says.",
        )
    Incident.objects.filter(pk=incident.pk).update(closed_at=desk.at)
    _write_down(desk, incident, "accept", steward=steward, why=why, until=until)
    return incident


def _own(number: int, steward: str) -> Incident:
    """Find an open incident that an office answers for, or that was escalated to it."""
    incident = Incident.objects.filter(pk=number, closed_at=None).first()
    if incident is None:
        raise Refused("M540", f"There is no open incident {number}.", cure=_SEE)
    offices = [office for office in (incident.steward, incident.escalated_to) if office]
    if steward not in offices:
        raise Refused(
            "M541",
            f"Incident {number} is not {steward}'s to answer.",
            cure=f"Have {' or '.join(offices)} do it.",
        )
    return incident


def _must_have_a_ground(why: str) -> None:
    if not why.strip():
        raise Refused("M542", "It needs a ground.", cure="Say why, with `--why`.")


def _end_of(desk: Desk, day: date) -> datetime:
    zone = ZoneInfo(desk.charter.timezone)
    end = datetime.combine(day + timedelta(days=1), time(), zone)
    if end <= desk.at:
        raise Refused("M542", f"{day} is over.", cure="Name a day to come, as in 2027-01-31.")
    return end


def _link(incident: Incident) -> QuerySet[Link]:
    return Link.objects.filter(flow=incident.flow, key=incident.key)


def _flows(desk: Desk, incident: Incident) -> list[str]:
    """Name the flows that an incident is about: its own, or all that use its system."""
    if incident.flow:
        return incident.flow.split(", ")
    return [
        flow.name
        for flow in desk.charter.flows.values()
        if incident.system
        in {r.system for r in (*line.sources_of(desk.charter, flow), flow.target)}
    ]


def _write_down(
    desk: Desk,
    incident: Incident,
    action: str,
    *,
    steward: str,
    why: str,
    until: date | None = None,
) -> None:
    entry = Entry(
        actor=desk.actor, action=action, entity="incident", key=str(incident.pk), why=why,
        flow=incident.flow, charter_version=desk.charter.digest,
        after={
            "steward": steward, "code": incident.code, "place": incident.place,
            "until": until.isoformat() if until else None,
        },
    )  # fmt: skip
    append([entry], at=desk.at)


def open_for(office: str) -> QuerySet[Incident]:
    """Ask for what is open for an office, its own and what was escalated to it."""
    mine = Q(steward=office) | Q(escalated_to=office)
    return Incident.objects.filter(mine, closed_at=None).order_by("due_at", "id")

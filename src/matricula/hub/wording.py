"""The text of a letter to an office: what is open, since when, and what to do.

Codes, places, and what the incidents say; a letter adds no value of any record. A message to a
channel holds less, for a chat is kept by strangers and read by many: counts, codes, places and
numbers, and no key.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from django.db.models import Count

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from django.db.models import QuerySet

    from matricula.charter.model import Steward
    from matricula.hub.desk import Desk
    from matricula.hub.models import Incident, Letter


# A chat shows no more at a glance.
_MOST_KINDS = 20


@dataclass(frozen=True, slots=True)
class Text:
    """A letter's subject and body."""

    subject: str
    body: str


def daily(
    desk: Desk,
    office: Steward,
    incidents: Sequence[Incident],
    *,
    more: int,
    lost: Sequence[Letter],
) -> Text:
    """Write of everything that is open for an office.

    Args:
        desk: Whose charter, and when.
        office: To whom.
        incidents: What is told one by one, the oldest due first.
        more: How many are open beside those.
        lost: Earlier letters of which nobody knows whether they arrived.
    """
    late = sum(incident.due_at < desk.at for incident in incidents)
    count = len(incidents) + more
    overdue = f", {late} overdue" if late else ""
    lines = [f"{count} incident(s) wait for {office.title}{overdue}."]
    lines += [line for incident in incidents for line in _incident(desk, office, incident)]
    if more:
        lines += ["", f"... and {more} more: `matricula incidents` lists them all."]
    for letter in lost:
        lines += ["", f"A letter of {_when(desk, letter.intended_at)} may not have reached you."]
    return _text(desk, f"{count} to see to{overdue}", lines, office)


def at_once(desk: Desk, office: Steward, incidents: Sequence[Incident]) -> Text:
    """Write of what has begun to keep a flow from going on."""
    lines = ["This keeps copies from being made or changed:"]
    lines += [line for incident in incidents for line in _incident(desk, office, incident)]
    first = f"{incidents[0].code} {incidents[0].place}"
    return _text(desk, f"held by {first}", lines, office)


def brief(
    desk: Desk, office: Steward, incidents: QuerySet[Incident], *, lost: Sequence[Letter]
) -> Text:
    """Write to a channel how much is open for an office.

    Args:
        desk: Whose charter, and when.
        office: Whose channel.
        incidents: What is open.
        lost: Earlier messages of which nobody knows whether they arrived.
    """
    late = incidents.filter(due_at__lt=desk.at).count()
    overdue = f", {late} overdue" if late else ""
    counted = incidents.order_by().values_list("code", "place").annotate(n=Count("pk"))
    kinds = sorted(counted, key=lambda row: (-row[2], row[0], row[1]))
    lines = [f"{n} x {code} at {place}" for code, place, n in kinds[:_MOST_KINDS]]
    if len(kinds) > _MOST_KINDS:
        lines.append(f"... and {len(kinds) - _MOST_KINDS} more kinds")
    lines += [
        f"A message of {_when(desk, letter.intended_at)} may not have come." for letter in lost
    ]
    return _brief_text(desk, f"{incidents.count()} to see to{overdue}", lines, office)


def brief_at_once(desk: Desk, office: Steward, incidents: Sequence[Incident]) -> Text:
    """Write to a channel what has begun to keep a flow from going on."""
    lines = [
        f"No. {incident.pk}, due {_when(desk, incident.due_at)}: {incident.code} at "
        f"{incident.place}{_flows(incident)}"
        for incident in incidents[:_MOST_KINDS]
    ]
    if len(incidents) > _MOST_KINDS:
        lines.append(f"... and {len(incidents) - _MOST_KINDS} more")
    return _brief_text(desk, f"{len(incidents)} hold copies back", lines, office)


def _flows(incident: Incident) -> str:
    return f" (flows {incident.flow})" if incident.flow and incident.flow != incident.place else ""


def _brief_text(desk: Desk, subject: str, lines: Sequence[str], office: Steward) -> Text:
    told = " ".join(f"{desk.charter.institution}, {office.title}: {subject}".split())
    more = f"What to do: `matricula letters --preview {office.name}`."
    return Text(told, "\n".join([*lines, more]))


def _incident(desk: Desk, office: Steward, incident: Incident) -> list[str]:
    late = ", OVERDUE" if incident.due_at < desk.at else ""
    due = _when(desk, incident.due_at)
    lines = [
        "",
        f"No. {incident.pk}, due {due}{late}: {incident.code} at {incident.place}",
        f"  {incident.message}",
        f"  What to do: {incident.cure}",
    ]
    if incident.steward != office.name:
        own = desk.charter.stewards.get(incident.steward)
        lines.append(f"  Escalated to you from {own.title if own else incident.steward}.")
    return lines


def _text(desk: Desk, subject: str, lines: Sequence[str], office: Steward) -> Text:
    told = " ".join(f"{desk.charter.institution}: {subject}".split())
    answer = (
        "What is corrected is tried again by itself. `matricula incidents` lists all; with "
        f"`retry`, `postpone` or `accept`, a number and `--as {office.name}` you answer one."
    )
    return Text(told, "\n".join([*lines, "", answer, ""]))


def _when(desk: Desk, at: datetime) -> str:
    return f"{at.astimezone(ZoneInfo(desk.charter.timezone)):%Y-%m-%d %H:%M}"

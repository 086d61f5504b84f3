"""What the hub tells subscribers of: facts of its own tables, as CloudEvents.

Codes, counts, and the names of flows, systems and offices; no key and no value of a record:
data move by flows, and by those alone. A fact is found by looking, not when it happens, so
that nothing that happens waits for whoever is told.

Source: CloudEvents 1.0.2, its JSON format and its HTTP binding (structured content).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import quote

from django.db.models import Q

from matricula.engine import line
from matricula.hub.models import Incident, Run

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from datetime import datetime

    from matricula.charter.model import Charter, Flow

OPENED, CLOSED, DELIVERED = "incident.opened", "incident.closed", "flow.delivered"
# How far back is looked; longer than any pass, or any worker's holiday, should last.
LOOK_BACK = timedelta(days=7)
# There are many more of these, and none should last half as long.
_LOOK_BACK_AT_RUNS = timedelta(days=2)
_STEWARD = "stewards."


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that happened.

    Attributes:
        name: What tells it from every other, in this database.
        kind: One of the words of `subscribes.events`.
        subject: What it is about; facts about one subject are told in their order.
        at: When.
        told: What is said of it.
    """

    name: str
    kind: str
    subject: str
    at: datetime
    told: Mapping[str, object]

    def as_event(self, charter: Charter, identity: str) -> str:
        """Write it as a CloudEvent in structured JSON."""
        event = {
            "specversion": "1.0",
            "id": identity,
            "source": f"/matricula/{quote(charter.institution, safe='')}",
            "type": f"matricula.{self.kind}",
            "subject": self.subject,
            "time": self.at.isoformat(timespec="seconds"),
            "datacontenttype": "application/json",
            "data": dict(self.told),
        }
        return json.dumps(event, ensure_ascii=False, separators=(",", ":"))


def since(
    charter: Charter, subscriber: str, kinds: Collection[str], *, earliest: datetime, at: datetime
) -> list[Fact]:
    """List what concerns a subscriber, in the order in which it happened.

    Args:
        charter: Whose flows.
        subscriber: `systems.NAME` or `stewards.NAME`.
        kinds: What it wants to hear of.
        earliest: Nothing before this is told.
        at: Now.
    """
    flows = {flow.name for flow in charter.flows.values() if _concerns(charter, flow, subscriber)}
    found: list[Fact] = []
    if not {OPENED, CLOSED}.isdisjoint(kinds):
        found += _incidents(subscriber, flows, max(earliest, at - LOOK_BACK))
    if DELIVERED in kinds:
        found += _deliveries(charter, flows, max(earliest, at - _LOOK_BACK_AT_RUNS))
    wanted = [fact for fact in found if fact.kind in kinds]
    # What was opened and closed at one instant was opened first.
    return sorted(wanted, key=lambda fact: (fact.at, fact.kind == CLOSED, fact.name))


def _concerns(charter: Charter, flow: Flow, subscriber: str) -> bool:
    """Tell whether a flow is a subscriber's: it reads or receives it, or answers for one who does.

    The office that sees what goes wrong in it is told too.
    """
    name = subscriber.partition(".")[2]
    systems = {flow.target.system, *(r.system for r in line.sources_of(charter, flow))}
    if not subscriber.startswith(_STEWARD):
        return name in systems
    return name in {flow.errors_to, *(charter.systems[s].steward for s in systems)}


def _incidents(subscriber: str, flows: set[str], begin: datetime) -> Iterator[Fact]:
    """Those that are about no single record; a refused record is one of a delivery's counts."""
    happened = Q(opened_at__gte=begin) | Q(closed_at__gte=begin)
    for incident in Incident.objects.filter(happened, key="").order_by("id"):
        if not _is_theirs(incident, subscriber, flows):
            continue
        told = {
            "number": incident.pk, "code": incident.code, "place": incident.place,
            "flows": [f.strip() for f in incident.flow.split(",") if f.strip()],
            "system": incident.system, "steward": incident.steward,
            "due": incident.due_at.isoformat(timespec="seconds"),
        }  # fmt: skip
        subject = f"incident/{incident.pk}"
        if incident.opened_at >= begin:
            yield Fact(
                f"{OPENED}:{incident.pk}", OPENED, subject, incident.opened_at, told
            )  # fmt: skip
        if incident.closed_at and incident.closed_at >= begin:
            yield Fact(f"{CLOSED}:{incident.pk}", CLOSED, subject, incident.closed_at, told)


def _is_theirs(incident: Incident, subscriber: str, flows: set[str]) -> bool:
    room, _, name = subscriber.partition(".")
    if f"{room}." == _STEWARD:
        return name in {incident.steward, incident.escalated_to}
    return incident.system == name or not flows.isdisjoint(
        word.strip() for word in incident.flow.split(",")
    )


def _deliveries(charter: Charter, flows: set[str], begin: datetime) -> Iterator[Fact]:
    done = Run.objects.filter(state="done", started_at__gte=begin).exclude(summary="{}")
    for run in done.order_by("started_at", "id"):
        for flow, counts in sorted(json.loads(run.summary).items()):
            # What is not in the charter any more concerns nobody.
            if flow not in flows or flow not in charter.flows:
                continue
            told = {
                "run": run.pk, "flow": flow, "to": str(charter.flows[flow].target),
                "counts": {word: n for word, n in counts.items() if n},
            }  # fmt: skip
            yield Fact(
                f"{DELIVERED}:{run.pk}:{flow}", DELIVERED, f"flow/{flow}",
                run.finished_at or run.started_at, told,
            )  # fmt: skip

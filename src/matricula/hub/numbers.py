"""How things stand in numbers, in Prometheus' text format; no key and no value of a record.

Everything is counted in the database when it is asked for, so that every worker gives the
same numbers. Effects are those of the last day and those that are still open: the ledger
grows for ever, and to count all of it would take longer each year.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from django.db.models import Count, F

from matricula.hub import announced, ledger, outbox, status
from matricula.hub.models import OPEN, Effect, FlowState, Incident, Message, SystemState

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from datetime import datetime

    from matricula.charter.model import Charter

_DAY = timedelta(days=1)


class Sample(NamedTuple):
    """One number with its labels."""

    labels: Mapping[str, str]
    value: float


class Metric(NamedTuple):
    """A kind of number: its name, whether it only grows, what it says, and its samples."""

    name: str
    kind: str
    help: str
    samples: Sequence[Sample]


def written(metrics: Iterable[Metric]) -> str:
    """Write metrics in Prometheus' text format, version 0.0.4."""
    lines = []
    for metric in metrics:
        lines += [f"# HELP {metric.name} {metric.help}", f"# TYPE {metric.name} {metric.kind}"]
        lines += [f"{metric.name}{_labels(s.labels)} {s.value:.10g}" for s in metric.samples]
    return "\n".join([*lines, ""])


def _labels(labels: Mapping[str, str]) -> str:
    told = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{told}}}" if told else ""


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def standing(charter: Charter, at: datetime) -> Iterator[Metric]:
    """Count how things stand, for every flow, system and office of a charter."""
    yield from _of_incidents(charter, at)
    wells = SystemState.objects.filter(system__in=charter.systems).order_by("system")
    yield _gauge(
        "matricula_system_well", "Whether a system answered when it was last asked.",
        [Sample({"system": s.system}, s.is_well) for s in wells],
    )  # fmt: skip
    copies = status.counted(charter.flows)
    yield _gauge(
        "matricula_links", "Copies by how they stand; one may stand in several ways.",
        [
            Sample({"flow": flow, "state": state}, count)
            for flow, counts in sorted(copies.items())
            for state, count in counts.items()
        ],
    )  # fmt: skip
    yield _gauge(
        "matricula_effects", "Writes settled in the last day, and open ones.", _effects(at)
    )
    yield from _of_flows(charter, at)
    yield _gauge(
        "matricula_events_waiting", "Events that a subscriber has not taken yet.", _events(charter)
    )
    announcing = [system.name for system in charter.systems.values() if system.announces]
    yield _gauge(
        "matricula_announcements_refused",
        "Messages of the last day in a system's name that bore no signature that counts.",
        [Sample({"system": s}, n) for s, n in announced.refused_lately(announcing, at).items()],
    )


def _gauge(name: str, says: str, samples: Sequence[Sample]) -> Metric:
    return Metric(name, "gauge", says, samples)


def _of_incidents(charter: Charter, at: datetime) -> Iterator[Metric]:
    still = Incident.objects.filter(closed_at=None)
    for name, says, found in (
        ("matricula_incidents_open", "Open incidents of an office.", still),
        ("matricula_incidents_overdue", "Those past their due date.", still.filter(due_at__lt=at)),
    ):
        counts = dict.fromkeys(charter.stewards, 0)
        counts |= dict(found.order_by().values_list("steward").annotate(n=Count("pk")))
        yield _gauge(name, says, [Sample({"steward": s}, n) for s, n in sorted(counts.items())])


def _effects(at: datetime) -> list[Sample]:
    settled = Effect.objects.filter(settled_at__gt=at - _DAY).exclude(state="unknown")
    opened = Effect.objects.extra(where=[OPEN]).annotate(standing=ledger.standing())  # noqa: S610 - a constant
    return [
        Sample({"flow": flow, "state": state}, count)
        for found in (settled.annotate(standing=F("state")), opened)
        for flow, state, count in found.order_by("flow", "standing")
        .values_list("flow", "standing")
        .annotate(n=Count("pk"))
    ]


def _events(charter: Charter) -> list[Sample]:
    counts = {told.name: 0 for told in outbox.subscribers(charter)}
    waiting = Message.objects.filter(state="waiting", subscriber__in=counts).order_by()
    counts |= dict(waiting.values_list("subscriber").annotate(n=Count("pk")))
    return [Sample({"subscriber": name}, n) for name, n in sorted(counts.items())]


def _of_flows(charter: Charter, at: datetime) -> Iterator[Metric]:
    states = list(FlowState.objects.filter(flow__in=charter.flows).order_by("flow"))
    yield _gauge(
        "matricula_changes_waiting", "Changes that the last pass found and that did not go out.",
        [Sample({"flow": s.flow}, s.to_do) for s in states],
    )  # fmt: skip
    yield _gauge(
        "matricula_full_pass_age_seconds", "Seconds since a full pass that left nothing over.",
        [
            Sample({"flow": s.flow}, (at - s.last_full_at).total_seconds())
            for s in states
            if s.last_full_at
        ],
    )  # fmt: skip

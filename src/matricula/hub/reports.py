"""Reports: what a run did, for whoever was not there."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from django.db.models import Case, Count, Exists, OuterRef, Q, TextField, Value, When

from matricula.hub import ledger
from matricula.hub.models import Effect, FlowState, Incident, Link, Run
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from datetime import datetime

    from django.db.models import QuerySet


def latest(count: int) -> list[dict[str, Any]]:
    """List the last runs, the newest first."""
    return [_head(run) for run in Run.objects.order_by("-started_at", "-id")[:count]]


def report(wanted: str) -> dict[str, Any]:
    """Say what a run did.

    Args:
        wanted: Its name or the beginning of it; the last run when empty.

    Returns:
        What `latest` says, with `flows` (per flow, effects by kind and state) and the open
        `incidents` of those flows (code, place, steward, message, cure).

    Raises:
        Refused: There is no such run (M524).
    """
    found = Run.objects.filter(pk__startswith=wanted).order_by("-started_at", "-id").first()
    if found is None:
        raise Refused("M524", f"There is no run {wanted}.", cure="See `matricula runs`.")
    flows: dict[str, list[dict[str, Any]]] = {}
    for flow, kind, state, count in _counted(found):
        flows.setdefault(flow, []).append({"kind": kind, "state": state, "count": count})
    concerned = {*flows, *json.loads(found.summary)}
    opened = Incident.objects.filter(closed_at=None, flow__in=concerned).order_by("id")
    told = opened.values("code", "place", "steward", "message", "cure")
    return {**_head(found), "flows": flows, "incidents": list(told)}


def _counted(run: Run) -> QuerySet[Effect, Any]:
    """Count a run's effects by flow, kind and how far they have come."""
    copy = Link.objects.filter(flow=OuterRef("flow"), key=OuterRef("key"))
    as_left = Exists(copy.filter(run=run.pk, drift="")) | (Q(kind="delete") & ~Exists(copy))
    later = FlowState.objects.filter(flow=OuterRef("flow"), seen_at__gt=OuterRef("settled_at"))
    standing = Case(
        When(Q(state="answered") & Exists(later) & as_left, then=Value("verified")),
        default=ledger.standing(),
        output_field=TextField(),
    )
    counted = Effect.objects.filter(run=run.pk).annotate(standing=standing)
    return (
        counted.values_list("flow", "kind", "standing")
        .annotate(count=Count("pk"))
        .order_by("flow", "kind", "standing")
    )


def _head(run: Run) -> dict[str, Any]:
    summary = json.loads(run.summary)
    return {
        "run": run.pk,
        "kind": run.kind,
        "by": run.actor,
        "state": run.state,
        "started_at": _moment(run.started_at),
        "finished_at": _moment(run.finished_at),
        "charter": run.charter,
        "plan": run.plan,
        "written": sum(counts.get("answered", 0) for counts in summary.values()),
        "left": {
            flow: {word: n for word, n in counts.items() if n and word not in _DONE}
            for flow, counts in summary.items()
        },
    }


_DONE = ("answered", "matched")


def _moment(at: datetime | None) -> str:
    return at.strftime("%Y-%m-%d %H:%M:%S") if at else ""


def markdown(told: dict[str, Any]) -> str:
    """Write a report for reading and printing."""
    lines = [
        f"# {told['run']}", "",
        f"A {told['kind']} by {told['by']}, {told['started_at']} UTC: {told['state']}.", "",
        f"{told['written']} written.",
    ]  # fmt: skip
    for flow, effects in told["flows"].items():
        lines += ["", f"## {flow}", ""]
        lines += [f"- {e['count']} {e['kind']}: {e['state']}" for e in effects]
    for flow, left in told["left"].items():
        if left:
            words = ", ".join(f"{n} {word}" for word, n in left.items())
            lines += ["", f"Left over in {flow}: {words}."]
    if told["incidents"]:
        lines += ["", "## Who acts", ""]
        lines += [
            f"- {i['steward']}: {i['code']} {i['place']}: {i['message']} {i['cure']}"
            for i in told["incidents"]
        ]
    return "\n".join(lines)

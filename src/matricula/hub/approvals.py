"""Approvals: an office lets one plan go beyond the guard, and nobody approves their own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.audit.actions import Entry, append
from matricula.hub.models import Approval
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matricula.charter.model import Charter, Flow
    from matricula.engine.plan import Plan
    from matricula.hub.desk import Desk
    from matricula.hub.models import StoredPlan

GUARDS = frozenset({"M501", "M502", "M503"})


def offices(charter: Charter, flow: Flow) -> list[str]:
    """List the offices that may approve for a flow: who hears its errors, and its target's."""
    return sorted({flow.errors_to, charter.systems[flow.target.system].steward})


@transaction.atomic
def approve(desk: Desk, shown: StoredPlan, *, steward: str, why: str) -> list[str]:
    """Let a plan go beyond the guards of the flows that an office answers for.

    Args:
        desk: Whose charter, and who approves.
        shown: The plan.
        steward: The office.
        why: The ground; it stands in the audit.

    Returns:
        The flows that it was approved for.

    Raises:
        Refused: No ground was given, whoever made the plan approves it, or its guards hold
            nothing that concerns the office (M521, M522, M523).
    """
    if not why.strip():
        raise Refused("M521", "An approval needs a ground.", cure="Say why, with `--why`.")
    if desk.actor == shown.run.actor:
        raise Refused(
            "M522",
            f"{desk.actor} made the plan {shown.digest[:12]} and cannot approve it too.",
            cure="Have somebody else of the office look at it and approve it.",
        )
    held = held_by_guards(shown)
    known = desk.charter.flows
    mine = [n for n in held if n in known and steward in offices(desk.charter, known[n])]
    if not mine:
        raise Refused(
            "M523",
            f"No guard holds anything in the plan {shown.digest[:12]} that concerns {steward}.",
            cure=_who_may(desk, held),
        )
    for flow in mine:
        Approval.objects.update_or_create(
            plan=shown.digest, flow=flow, steward=steward,
            defaults={"actor": desk.actor, "why": why, "approved_at": desk.at},
        )  # fmt: skip
    append([_entry(desk, shown, flow, steward, why) for flow in mine], at=desk.at)
    return mine


def held_by_guards(shown: StoredPlan) -> list[str]:
    """Name the flows of a plan that a guard holds."""
    return [
        part["flow"]
        for part in shown.told
        if any(reason.partition(":")[0] in GUARDS for reason in part["reasons"])
    ]


def _who_may(desk: Desk, held: Sequence[str]) -> str:
    told = [
        f"{flow}: {' or '.join(offices(desk.charter, desk.charter.flows[flow]))}"
        for flow in held
        if flow in desk.charter.flows
    ]
    return f"Approve as an office of a held flow ({'; '.join(told) or 'there is none'})."


def raised(plan: Plan) -> Plan:
    """Take the guards off the flows that an office approved in this very plan."""
    flows = set(Approval.objects.filter(plan=plan.digest).values_list("flow", flat=True))
    parts = [
        replace(part, reasons=tuple(r for r in part.reasons if r.code not in GUARDS))
        if part.flow in flows
        else part
        for part in plan.flows
    ]
    return replace(plan, flows=tuple(parts))


def _entry(desk: Desk, shown: StoredPlan, flow: str, steward: str, why: str) -> Entry:
    return Entry(
        actor=desk.actor, action="approve", entity="plan", key=shown.digest, why=why, flow=flow,
        charter_version=desk.charter.digest, run=shown.run_id,
        after={"steward": steward, "made_by": shown.run.actor},
    )  # fmt: skip

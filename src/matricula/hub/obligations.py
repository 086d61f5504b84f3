"""Obligations: what an act on the register promised every system, and whether it happened.

An act leaves promises, which cost nothing; what they come to is worked out right after it,
or before the next pass by whoever runs that, for many acts at once. From then on the passes
themselves say how it goes: what a target acknowledged, what a later reading verified, and
where nothing was left to do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from django.db import transaction
from django.db.models import Exists, Max, OuterRef, Q, Subquery

from matricula.engine.plan import pick
from matricula.hub import consequences
from matricula.hub.models import (
    Effect,
    FlowState,
    Incident,
    Link,
    Obligation,
    Promise,
    SystemState,
)
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import datetime, timedelta

    import pyarrow as pa

    from matricula.engine.plan import Plan
    from matricula.hub.desk import Desk

_DONE = ("answered", "verified")
_TRIED = {"intended": "sent", "sent": "sent", "unknown": "sent", "refused": "refused"}
_WAITING = ("waiting", "refused", "unknown")
_AT_ONCE = 5_000
_SOME = 500


def promise(act: str, keys: Mapping[str, Iterable[str]], *, at: datetime) -> None:
    """Write down which records an act changed; in its own transaction."""
    Promise.objects.bulk_create(
        Promise(act=act, entity=entity, key=key, made_at=at)
        for entity, some in keys.items()
        for key in sorted(some)
    )


@transaction.atomic
def work_out(desk: Desk, system: str) -> int:
    """Find out what promises come to, and make an obligation of every copy that is to change.

    Args:
        desk: The charter and the instant.
        system: What the charter calls the register.

    Returns:
        How many promises were worked out; there may be more.
    """
    # Whoever comes second finds them gone.
    taken = list(Promise.objects.select_for_update().order_by("id")[:_AT_ONCE])
    if not taken:
        return 0
    touched: dict[str, dict[str, set[str]]] = {}
    for one in taken:
        if one.entity in desk.charter.entities:
            touched.setdefault(one.entity, {}).setdefault(one.key, set()).add(one.act)
    made_at = {one.act: one.made_at for one in taken}
    found = consequences.find(desk, system, touched)
    made = [
        _obligation(desk, act, one, made_at[act])
        for one in found.consequences
        for act in one.causes
    ]
    Obligation.objects.bulk_create(made, ignore_conflicts=True, batch_size=_SOME)
    Promise.objects.filter(pk__in=[one.pk for one in taken]).delete()
    return len(taken)


def _obligation(
    desk: Desk, act: str, one: consequences.Consequence, made_at: datetime
) -> Obligation:
    flow = desk.charter.flows[one.flow]
    allowed = flow.if_unavailable.alert_after
    return Obligation(
        act=act, flow=one.flow, system=one.system,
        steward=desk.charter.systems[one.system].steward, key=one.key, kind=one.kind,
        fields=", ".join(one.fields), made_at=made_at, due_at=made_at + allowed,
    )  # fmt: skip


def last() -> int:
    """Give the number of the last obligation; a pass knows of those that there were before it."""
    return Obligation.objects.aggregate(last=Max("pk"))["last"] or 0


def agree(desk: Desk, plan: Plan, looked: Mapping[str, pa.Table] | None, *, upto: int) -> None:
    """Close the obligations of which a pass found nothing left to do.

    What changed again, or back, before its system could be reached is owed no more; nor is
    what a flow promised that the charter has no more.

    Args:
        desk: The charter and the instant.
        plan: What the pass found.
        looked: The keys that it looked at per entity; everybody when None.
        upto: The last obligation that there was before it read.
    """
    _over(
        Obligation.objects.filter(acknowledged_at=None, pk__lte=upto)
        .exclude(flow__in=list(desk.charter.flows))
        .values_list("pk", flat=True),
        desk.at,
    )
    for part in plan.flows:
        if not part.digest:
            continue
        left = {*_keys(plan, part.flow, "changes"), *_keys(plan, part.flow, "aside")}
        seen = _seen(looked, desk.charter.flows[part.flow].entity)
        # What a target refused waits for its next attempt, and may not be looked at until then.
        waiting = Link.objects.filter(flow=part.flow, key=OuterRef("key"), state__in=_WAITING)
        held = Obligation.objects.filter(
            ~Exists(waiting), flow=part.flow, acknowledged_at=None, pk__lte=upto
        )
        over = (
            pk
            for pk, key in held.values_list("pk", "key")
            if key not in left and (seen is None or key in seen)
        )
        _over(over, desk.at)


def _over(numbers: Iterable[int], at: datetime) -> None:
    """Say of obligations that nothing is left to do."""
    over = list(numbers)
    for start in range(0, len(over), _SOME):
        some = Obligation.objects.filter(pk__in=over[start : start + _SOME])
        some.update(acknowledged_at=at, agreed=True)


def _seen(looked: Mapping[str, pa.Table] | None, entity: str) -> set[str] | None:
    if looked is None:
        return None
    return set(map(str, looked[entity]["key"].to_pylist())) if entity in looked else set()


def _keys(plan: Plan, flow: str, part: str) -> list[str]:
    rows = plan.changes if part == "changes" else plan.aside
    return [str(key) for key in pick(rows, "flow", flow)["key"].to_pylist()]


def acknowledge(desk: Desk, run: str, flows: Sequence[str], *, upto: int) -> None:
    """Note what a run's targets acknowledged, and what later readings have verified.

    Args:
        desk: The instant.
        run: Which run.
        flows: Of which flows.
        upto: The last obligation that there was before it read.
    """
    effect = Effect.objects.filter(
        run=run, flow=OuterRef("flow"), key=OuterRef("key"), state__in=_DONE
    )
    held = Obligation.objects.filter(flow__in=flows, acknowledged_at=None, pk__lte=upto)
    held.filter(Exists(effect)).update(acknowledged_at=desk.at)
    for flow in flows:
        seen = FlowState.objects.filter(flow=flow).values_list("seen_at", flat=True).first()
        if seen is None:
            continue
        drifted = Link.objects.filter(flow=flow, key=OuterRef("key")).exclude(drift="")
        proved = Obligation.objects.filter(
            flow=flow, verified_at=None, acknowledged_at__lt=seen
        ).exclude(Exists(drifted))
        proved.update(verified_at=seen)


@dataclass(frozen=True, slots=True)
class Owed:
    """One obligation as it stands.

    Attributes:
        act: Which act promised it.
        system: Which system.
        flow: By which flow.
        key: Of which record.
        kind: What is to happen.
        fields: Which fields change.
        state: due, sent, refused, acknowledged, verified, nothing left or overdue.
        age: Since when it is owed, until it was acknowledged.
        due_at: By when.
        steward: Which office answers for the system.
        reason: Why it has not happened yet; empty where nothing is in the way.
    """

    act: str
    system: str
    flow: str
    key: str
    kind: str
    fields: str
    state: str
    age: timedelta
    due_at: datetime
    steward: str
    reason: str


def owed(desk: Desk, *, about: str = "", unmet: bool = False) -> list[Owed]:
    """List obligations, the oldest first.

    Args:
        desk: The charter and the instant.
        about: A record's key: its own copies, and those of records whose key begins with it;
            of everybody when empty.
        unmet: Only those that have not happened yet.
    """
    held = Obligation.objects.order_by("made_at", "id")
    if about:
        held = held.filter(Q(key=about) | Q(key__startswith=join_key([about, ""])))
    if unmet:
        held = held.filter(acknowledged_at=None)
    rows = list(held)
    waiting = [one for one in rows if one.acknowledged_at is None]
    reasons = _reasons(desk, waiting)
    sent = _sent(waiting)
    return [_told(desk, one, reasons.get(one.pk, ""), sent.get(one.pk, "")) for one in rows]


def _told(desk: Desk, one: Obligation, reason: str, sent: str) -> Owed:
    return Owed(
        one.act, one.system, one.flow, one.key, one.kind, one.fields,
        _state(desk, one, sent), (one.acknowledged_at or desk.at) - one.made_at, one.due_at,
        desk.charter.title_of(one.steward), reason,
    )  # fmt: skip


def _state(desk: Desk, one: Obligation, sent: str) -> str:
    if one.acknowledged_at is not None:
        if one.agreed:
            return "nothing left"
        return "verified" if one.verified_at else "acknowledged"
    if desk.at > one.due_at:
        return "overdue"
    return sent or "due"


def _sent(waiting: Sequence[Obligation]) -> dict[int, str]:
    """Say of what is still owed whether it was tried, by the last effect since."""
    tried = Effect.objects.filter(
        flow=OuterRef("flow"), key=OuterRef("key"), intended_at__gte=OuterRef("made_at")
    ).order_by("-id")
    found: dict[int, str] = {}
    for start in range(0, len(waiting), _SOME):
        some = Obligation.objects.filter(pk__in=[o.pk for o in waiting[start : start + _SOME]])
        told = some.annotate(last=Subquery(tried.values("state")[:1])).values_list("pk", "last")
        # What was deferred never left us, and what is void never arrived.
        found |= {pk: _TRIED[last] for pk, last in told if last in _TRIED}
    return found


def _reasons(desk: Desk, waiting: Sequence[Obligation]) -> dict[int, str]:
    away = {
        one.system: one.sentence
        for one in SystemState.objects.filter(is_well=False)
        if one.system in desk.charter.systems
    }
    open_ = Incident.objects.filter(closed_at=None, flow__in={one.flow for one in waiting})
    told = {(one.flow, one.key): f"{one.code}: {one.message}" for one in open_}
    return {
        one.pk: told.get((one.flow, one.key))
        or (f"{one.system} is away: {away[one.system]}" if one.system in away else "")
        or told.get((one.flow, ""), "")
        for one in waiting
    }

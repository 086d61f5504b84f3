"""Which office hears of what a pass met: turns faults, findings and drift into incidents."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.compute as pc

from matricula.connectors.kit.codes import CODES as KIT_CODES
from matricula.engine import line
from matricula.engine.codes import CODES as ENGINE_CODES
from matricula.engine.plan import pick
from matricula.hub import drift as drift_
from matricula.hub import escalation, observed, purposes, returned, standing, systems
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import FlowState, Incident, Snapshot
from matricula.hub.snapshots import BEARABLE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matricula.charter.model import Charter, Flow, ResourceRef
    from matricula.engine.guard import Reason
    from matricula.engine.plan import FlowPlan, Plan
    from matricula.engine.read import Fault, Verdict
    from matricula.hub.desk import Desk
    from matricula.hub.snapshots import Landed

# What a pass over a source can tell, and what a pass over a flow can.
_OF_SOURCES = ("M4", "M6")
# What connectors say in codes of their own.
_OF_CONNECTORS = ("M73", "M74")
_OF_GUARDS = ("M501", "M502", "M503")
_OF_FLOWS = (*_OF_GUARDS, "M505", "M506", "M507", "M508", "M515", "M657", "M660", returned.CODE)
# What only a full pass looks at: a pass over changes cannot say that it is over.
_OF_FULL_PASSES = ("M414", "M505", "M506", "M507", "M508", "M515", "M657", "M660", returned.CODE)
# What is told until its due date, for the next reading is compared with this one.
_OF_ONE_READING = ("M415",)
_THIS_AND_BEFORE = 2
_NOTES_SHOWN = 3
# A system that is away, or too busy: it may be back without anybody's doing.
AWAY = ("M610", "M611")
# What is not there, and does not come back by itself.
GONE = ("M616",)
# What is wrong with a system as a whole, whichever of its resources was asked for.
_OF_SYSTEMS = (*AWAY, *GONE, "M613", "M614")


def of_readings(
    desk: Desk,
    flows: Sequence[Flow],
    landed: Mapping[ResourceRef, Landed],
    verdicts: Mapping[ResourceRef, Verdict],
    plan: Plan,
    *,
    full: bool,
) -> None:
    """Open, freshen and close incidents of what a pass can speak of: one for each broken thing."""
    found = [
        *_of_sources(desk, landed, verdicts),
        *_of_expectations(desk.charter, plan),
        *(guards := _of_guards(desk.charter, plan)),
        *_of_flows(desk.charter, plan),
        *(returned.troubles(desk.charter, plan, landed) if full else ()),
    ]
    guarded = {trouble.place for trouble in guards}
    # What a guard holds is told of by the guard.
    found = [t for t in found if t.code not in _OF_ONE_READING or t.place not in guarded]
    _hand_on(guards)
    report(found, at=desk.at)
    resources = {str(resource) for resource in landed}
    places = resources | {resource.system for resource in landed}
    places |= {flow.name for flow in flows} | {trouble.place for trouble in found}
    places |= {f"{flow.name} of {system}" for flow in flows for system in desk.charter.systems}
    spoken = set(Incident.objects.filter(closed_at=None).values_list("place", flat=True))
    fields = {place for place in spoken if place.rpartition(".")[0] in resources}
    codes = [code for code in _codes() if full or code not in _OF_FULL_PASSES]
    close_others(
        [*found, *_told_for_a_while(desk)],
        codes=codes,
        places=places | fields,
        at=desk.at,
    )
    if full:
        purposes.look(desk)
    escalation.escalate(desk)


def _told_for_a_while(desk: Desk) -> Iterator[Incident]:
    """List what only one reading shows, which the next ones take for what is usual."""
    open_ones = Incident.objects.filter(closed_at=None, code__in=_OF_ONE_READING)
    for incident in open_ones.filter(due_at__gt=desk.at):
        read = Snapshot.objects.filter(resource=incident.place, is_trusted=True).order_by("-id")
        rows = list(read.values_list("rows", flat=True)[:2])
        # What more than a quarter were lost by is whole again when a third come.
        if len(rows) < _THIS_AND_BEFORE or rows[0] * 3 < rows[1] * 4:
            yield incident


def _hand_on(guards: Iterable[Trouble]) -> None:
    """Have an office told at once of what another had, until more flows were found held by it."""
    for trouble in guards:
        theirs = Incident.objects.filter(closed_at=None, code=trouble.code, place=trouble.place)
        theirs.exclude(steward=trouble.steward).update(told_at_once=False)


def place_of(code: str, resource: ResourceRef) -> str:
    """Say where a failure of a connected system is: the system itself, or the resource."""
    return resource.system if code in _OF_SYSTEMS else str(resource)


def _codes() -> list[str]:
    every = {*KIT_CODES, *ENGINE_CODES}
    told = Incident.objects.filter(closed_at=None).values_list("code", flat=True)
    own = {code for code in told if code.startswith(_OF_CONNECTORS)}
    return [*(c for c in every if c.startswith(_OF_SOURCES)), *own, *_OF_FLOWS, "M654"]


def is_patient(desk: Desk, system: str) -> bool:
    """Tell whether a system that is away may stay so without an incident, by every flow's word."""
    since = systems.away_since(system)
    concerned = [
        flow.if_unavailable.alert_after
        for flow in desk.charter.flows.values()
        if system in {r.system for r in (*line.sources_of(desk.charter, flow), flow.target)}
    ]
    return since is not None and bool(concerned) and desk.at - since < min(concerned)


def _of_sources(
    desk: Desk, landed: Mapping[ResourceRef, Landed], verdicts: Mapping[ResourceRef, Verdict]
) -> Iterator[Trouble]:
    charter = desk.charter
    told: dict[tuple[str, str], Trouble] = {}
    for resource, arrived in landed.items():
        verdict = verdicts.get(resource)
        faults: list[Fault] = [arrived.fault] if arrived.fault else []
        if verdict:
            faults += [*verdict.faults, *verdict.findings]
        steward = charter.systems[resource.system].steward
        for fault in faults:
            if fault.code in AWAY and is_patient(desk, resource.system):
                continue
            whole = fault.code in _OF_SYSTEMS
            place = place_of(fault.code, resource) if whole else fault.resource
            message = f"{place}: {fault.message}" if whole else fault.message
            trouble = Trouble(
                fault.code, place, steward, message, fault.cure, system=resource.system
            )
            # A system that is away is away once, however many of its resources were asked for.
            told.setdefault((fault.code, place), trouble)
        yield from _of_notes(arrived, steward)
    yield from told.values()


def _of_notes(arrived: Landed, steward: str) -> Iterator[Trouble]:
    """Tell once, for each kind, of what a reading met and could not use."""
    notes = [note for note in arrived.notes if note.code != BEARABLE]
    for code in dict.fromkeys(note.code for note in notes):
        said = list(dict.fromkeys(f"{n.place}: {n.message}" for n in notes if n.code == code))
        # How many there are nobody knows: of what is alike a reading notes the first alone.
        more = " There are more like it." if len(said) > _NOTES_SHOWN else ""
        cures = dict.fromkeys(note.cure for note in notes if note.code == code)
        yield Trouble(
            code, str(arrived.resource), steward, " ".join(said[:_NOTES_SHOWN]) + more,
            " ".join([*cures][:_NOTES_SHOWN]), system=arrived.resource.system,
        )  # fmt: skip


def _of_expectations(charter: Charter, plan: Plan) -> Iterator[Trouble]:
    for fault in plan.findings:
        if fault.code == "M414":
            system = fault.resource.partition(".")[0]
            steward = charter.systems[system].steward
            yield Trouble(
                fault.code, fault.resource, steward, fault.message, fault.cure, system=system
            )


def _of_guards(charter: Charter, plan: Plan) -> list[Trouble]:
    """Tell once of guards that one roster tripped, however many flows read it.

    Flows that this pass did not look at count as their own last pass left them.
    """
    held = {part.flow: part.reasons for part in plan.flows}
    for state in FlowState.objects.filter(flow__in=charter.flows).exclude(flow__in=held):
        held[state.flow] = standing.reasons_of(state)
    found = []
    for code in _OF_GUARDS:
        tripped = [
            (charter.flows[name], reason)
            for name in charter.flows
            for reason in held.get(name, ())
            if reason.code == code
        ]
        for entity, group in _by_cause(charter, tripped).items():
            found.append(_of_guard(charter, charter.entities[entity].roster, group))
    return found


def _by_cause(
    charter: Charter, tripped: Sequence[tuple[Flow, Reason]]
) -> dict[str, list[tuple[Flow, Reason]]]:
    """Group flows by the entity that most of them read, each flow's own first."""
    reads = {f.name: [e.name for e in line.entities_of(charter, f)] for f, _ in tripped}
    often = Counter(entity for entities in reads.values() for entity in entities)
    groups: dict[str, list[tuple[Flow, Reason]]] = {}
    for flow, reason in tripped:
        cause = max(reads[flow.name], key=lambda entity: often[entity])
        groups.setdefault(cause, []).append((flow, reason))
    return groups


def _of_guard(
    charter: Charter, roster: ResourceRef, group: Sequence[tuple[Flow, Reason]]
) -> Trouble:
    # One flow is its own office's to judge; several at once are the owner's doing.
    alone = group[0][0] if len(group) == 1 else None
    steward = alone.errors_to if alone else charter.systems[roster.system].steward
    return Trouble(
        group[0][1].code, str(roster), steward,
        " ".join(f"{flow.name}: {reason.message}" for flow, reason in group),
        f"Look at the plan and at {roster}. If that is whole and right, raise the guard and sign "
        "the flow; otherwise have it delivered again.",
        flow=", ".join(flow.name for flow, _ in group),
        system=alone.target.system if alone else roster.system,
    )  # fmt: skip


def _of_flows(charter: Charter, plan: Plan) -> Iterator[Trouble]:
    for part in plan.flows:
        flow = charter.flows[part.flow]
        if part.aside.get("M505"):
            yield Trouble(
                "M505", flow.name, charter.systems[flow.target.system].steward,
                f"{part.aside['M505']} key(s) match several records of {flow.target}.",
                "Merge or correct those records in the target; nothing is created until then.",
                flow=flow.name, system=flow.target.system,
            )  # fmt: skip
        if count := part.aside.get("M507"):
            yield _of_incomputable(flow, count, plan)
        yield from _of_misfits(charter, flow, part)
        if count := part.aside.get("M508"):
            yield _of_unaskable(flow, count, plan)
        if part.drifted and flow.on_drift != "restore":
            yield from _of_drift(charter, flow, _edits(plan, flow))


def _of_incomputable(flow: Flow, count: int, plan: Plan) -> Trouble:
    first = _first_aside(flow, "M507", plan)
    return Trouble(
        "M507", flow.name, flow.errors_to,
        f"{flow.name} cannot be computed for {count} record(s), first {first}; their copies stay "
        "as they are.",
        "Have the value corrected at its owner, or let the flow's expression allow for it.",
        flow=flow.name, system=flow.target.system,
    )  # fmt: skip


def _of_misfits(charter: Charter, flow: Flow, part: FlowPlan) -> Iterator[Trouble]:
    """Tell the target's office once of all that the flow grants and the target cannot take."""
    said = [reason for reason in part.reasons if reason.code == "M657"]
    if said:
        yield Trouble(
            "M657", flow.name, charter.systems[flow.target.system].steward,
            " ".join(reason.message for reason in said),
            " ".join(dict.fromkeys(reason.cure for reason in said)),
            flow=flow.name, system=flow.target.system,
        )  # fmt: skip


def _of_unaskable(flow: Flow, count: int, plan: Plan) -> Trouble:
    first = _first_aside(flow, "M508", plan)
    rule = ", ".join(sorted(flow.match))
    return Trouble(
        "M508", flow.name, flow.errors_to,
        f"{count} record(s) of {flow.entity}, first {first}, have nothing to be looked up by in "
        f"{flow.target}: {rule} would be blank. No copy of them is made.",
        "Have the value filled in at its owner, or match by one that every record has.",
        flow=flow.name, system=flow.target.system,
    )  # fmt: skip


def _first_aside(flow: Flow, code: str, plan: Plan) -> object:
    aside = pick(pick(plan.aside, "flow", flow.name), "code", code)
    return aside["key"][0].as_py()


def _edits(plan: Plan, flow: Flow) -> pa.Table:
    """List the edits that somebody is to judge; who left cannot miss a copy that is gone."""
    drift = pick(plan.drift, "flow", flow.name)
    over = pa.array(sorted(observed.gone_for_good(plan, flow.name)), pa.string())
    return drift.filter(pc.invert(pc.is_in(drift["key"], value_set=over)))


def _of_drift(charter: Charter, flow: Flow, drift: pa.Table) -> Iterator[Trouble]:
    """Tell the target's office of edits that stay; the owners' of those that they may adopt."""
    if not drift.num_rows:
        return
    if flow.on_drift != "adopt":
        cure = "See `matricula drift`, and change the values at their owner instead."
        yield _edited(charter, flow, flow.target.system, drift.num_rows, cure=cure)
        return
    copies: Counter[str] = Counter()
    for fields in drift["fields"].to_pylist():
        copies.update(_owning(charter, flow, fields or ()))
    for system, count in sorted(copies.items()):
        office = charter.systems[system].steward
        cure = f"See `matricula drift --asks {office}`; take over what is right into {system}, "
        cure += "so that it is delivered."
        yield _edited(charter, flow, system, count, cure=cure)


def _owning(charter: Charter, flow: Flow, fields: Sequence[str]) -> set[str]:
    """Name the systems that own what some edited fields of a copy are made of."""
    owners = {
        owned.owner.system
        for name in fields
        if name in flow.fields
        for owned in drift_.owned_by(charter, flow, name)
    }
    # A copy that is gone, or put to sleep, is the roster's to judge.
    return owners or {charter.entities[flow.entity].roster.system}


def _first(charter: Charter, flow: Flow) -> tuple[str, str]:
    """Name the systems whose word on a flow's edits needs no more than the flow's name."""
    return flow.target.system, charter.entities[flow.entity].roster.system


def _edited(charter: Charter, flow: Flow, system: str, count: int, *, cure: str) -> Trouble:
    return Trouble(
        "M660", flow.name if system in _first(charter, flow) else f"{flow.name} of {system}",
        charter.systems[system].steward,
        f"{count} copies of {flow.name} were edited in {flow.target}.", cure,
        flow=flow.name, system=flow.target.system,
    )  # fmt: skip

"""Which office hears of what a pass met: turns faults, findings and drift into incidents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.codes import CODES as KIT_CODES
from matricula.engine.codes import CODES as ENGINE_CODES
from matricula.hub.incidents import Trouble, close_others, report
from matricula.hub.models import Incident

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.charter.model import Charter, Flow, ResourceRef
    from matricula.engine.plan import FlowPlan, Plan
    from matricula.engine.read import Fault, Verdict
    from matricula.hub.desk import Desk
    from matricula.hub.snapshots import Landed

# What a pass over a source can tell, and what a pass over a flow can.
_OF_SOURCES = ("M4", "M6")
_OF_FLOWS = ("M501", "M502", "M503", "M505", "M506", "M515", "M660")


def of_readings(
    desk: Desk,
    flows: Sequence[Flow],
    landed: Mapping[ResourceRef, Landed],
    verdicts: Mapping[ResourceRef, Verdict],
    plan: Plan,
    *,
    full: bool,
) -> None:
    """Open, freshen and close the incidents that a pass can speak of.

    What the owners' data should say is looked at in full passes alone.
    """
    found = [
        *_of_sources(desk.charter, landed, verdicts),
        *_of_expectations(desk.charter, plan),
        *_of_flows(desk.charter, plan),
    ]
    report(found, at=desk.at)
    systems = {str(resource) for resource in landed}
    places = systems | {flow.name for flow in flows} | {t.place for t in found}
    spoken = set(Incident.objects.filter(closed_at=None).values_list("place", flat=True))
    fields = {place for place in spoken if place.rpartition(".")[0] in systems}
    codes = _codes() if full else [code for code in _codes() if code != "M414"]
    close_others(found, codes=codes, places=places | fields, at=desk.at)


def _codes() -> list[str]:
    every = {*KIT_CODES, *ENGINE_CODES}
    return [*(c for c in every if c.startswith(_OF_SOURCES)), *_OF_FLOWS, "M652", "M653", "M654"]


def _of_sources(
    charter: Charter, landed: Mapping[ResourceRef, Landed], verdicts: Mapping[ResourceRef, Verdict]
) -> Iterator[Trouble]:
    for resource, arrived in landed.items():
        verdict = verdicts.get(resource)
        faults: list[Fault] = [arrived.fault] if arrived.fault else []
        if verdict:
            faults += [*verdict.faults, *verdict.findings]
        steward = charter.systems[resource.system].steward
        for fault in faults:
            yield Trouble(
                fault.code, fault.resource, steward, fault.message, fault.cure,
                system=resource.system,
            )  # fmt: skip


def _of_expectations(charter: Charter, plan: Plan) -> Iterator[Trouble]:
    for fault in plan.findings:
        if fault.code == "M414":
            system = fault.resource.partition(".")[0]
            steward = charter.systems[system].steward
            yield Trouble(
                fault.code, fault.resource, steward, fault.message, fault.cure, system=system
            )


def _of_flows(charter: Charter, plan: Plan) -> Iterator[Trouble]:
    for part in plan.flows:
        flow = charter.flows[part.flow]
        yield from _held(flow, part)
        if part.aside.get("M505"):
            yield Trouble(
                "M505", flow.name, charter.systems[flow.target.system].steward,
                f"{part.aside['M505']} key(s) match several records of {flow.target}.",
                "Merge or correct those records in the target; nothing is created until then.",
                flow=flow.name, system=flow.target.system,
            )  # fmt: skip
        if part.drifted and flow.on_drift != "restore":
            yield Trouble(
                "M660", flow.name, charter.systems[flow.target.system].steward,
                f"{part.drifted} copies of {flow.name} were edited in {flow.target}.",
                "See `matricula drift`, and change the values at their owner instead.",
                flow=flow.name, system=flow.target.system,
            )  # fmt: skip


def _held(flow: Flow, part: FlowPlan) -> Iterator[Trouble]:
    for reason in part.reasons:
        # A missing signature, a window or an unreadable source is told elsewhere.
        if reason.code in {"M501", "M502", "M503"}:
            yield Trouble(
                reason.code, flow.name, flow.errors_to, reason.message, reason.cure,
                flow=flow.name, system=flow.target.system,
            )  # fmt: skip

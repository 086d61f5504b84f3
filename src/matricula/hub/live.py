"""Ask the connected systems whether they have what the charter names, and can take it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ConnectorError
from matricula.connectors.kit.protocol import Examines
from matricula.engine.guard import Reason
from matricula.hub.reachable import unreachable
from matricula.hub.systems import connected, remember
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from matricula.charter.model import Charter, Flow, ResourceRef, System
    from matricula.connectors.kit.protocol import Connector, FieldShape, ResourceShape
    from matricula.hub.desk import Desk
    from matricula.hub.systems import Systems

# Which of the charter's types a native type can state or take. Text can state anything, and
# what it states is read strictly; a file or a lax database takes anything as text.
_FITS = {
    "integer": {"integer", "decimal", "money", "boolean", "text", "ref", "enum"},
    "decimal": {"integer", "decimal", "money", "text"},
    "boolean": {"boolean", "integer", "text", "enum"},
    "date": {"date", "instant", "text"},
    "instant": {"instant", "date", "text"},
}


@dataclass(frozen=True, slots=True)
class _Wanted:
    """One field that the charter reads from or writes to a resource."""

    resource: ResourceRef
    field: str
    kind: str
    place: str
    is_written: bool


def check_live(desk: Desk) -> list[Finding]:
    """Compare the charter with what every system says of itself today.

    Returns:
        A finding for each system that is away or refuses us, for each resource that is
        missing, for each field that is missing, of another type or not writable, and for each
        secret that messages need and that is not there.
    """
    wanted = list(_wanted(desk.charter))
    found: list[Finding] = []
    with connected(desk) as systems:
        for system in desk.charter.systems.values():
            try:
                connector = systems[system.name]
                found += _ask(desk, system, connector, wanted)
            except ConnectorError as error:
                found.append(Finding(system.place, error.code, error.message, error.cure))
    return [*found, *unreachable(desk.charter)]


def unfit(systems: Systems, flows: Sequence[Flow]) -> dict[str, tuple[Reason, ...]]:
    """Say which flows their targets can no longer take, and why.

    Asked before a full pass, so that a field which was renamed, removed or retyped in one
    target sets that flow aside and no other. A target that is away says nothing here.

    Returns:
        Reasons to hold (M657), by flow.
    """
    shapes = {name: _shapes(systems, name) for name in {flow.target.system for flow in flows}}
    return {
        flow.name: reasons
        for flow in flows
        if (reasons := tuple(_misfits(flow, shapes[flow.target.system])))
    }


def _shapes(systems: Systems, name: str) -> Mapping[str, ResourceShape] | None:
    try:
        return {shape.name: shape for shape in systems[name].describe()}
    except ConnectorError:
        return None
    except Exception:  # noqa: BLE001 - reading or writing it tells what is wrong
        return None


def _misfits(flow: Flow, shapes: Mapping[str, ResourceShape] | None) -> Iterator[Reason]:
    # What is not there at all is made by the first write, or named when it is read.
    shape = shapes.get(flow.target.resource) if shapes else None
    if shape is None:
        return
    for finding in _judge({shape.name: shape}, list(_written(flow))):
        yield Reason(finding.code, finding.message, finding.cure)
    given = {*flow.fields, *flow.match}
    for field in shape.fields:
        if field.required and field.name not in given:
            yield Reason(
                "M657",
                f"{flow.target} now requires {field.name}, which {flow.name} does not grant.",
                "Grant it in the flow, or have the system give it a default.",
            )


def _ask(desk: Desk, system: System, connector: Connector, wanted: list[_Wanted]) -> list[Finding]:
    health = connector.ping()
    remember(system.name, well=health.well, sentence=health.sentence, at=desk.at)
    if not health.well:
        message = f"{system.name} cannot be used: {health.sentence}"
        return [Finding(system.place, "M652", message, "Then run the check again.")]
    shapes = {shape.name: shape for shape in connector.describe()}
    mine = [w for w in wanted if w.resource.system == system.name]
    if connector.capabilities.makes_resources:
        mine = [w for w in mine if not w.is_written or w.resource.resource in shapes]
    lacking = connector.lacking() if isinstance(connector, Examines) else ()
    named = {"", *(w.resource.resource for w in mine)}
    told = [one for error in lacking for one in _told(system, error, named)]
    withheld = _withheld(system.name, shapes, desk.charter.flows.values())
    return list(dict.fromkeys([*told, *withheld, *_judge(shapes, mine)]))


def _withheld(
    system: str, shapes: Mapping[str, ResourceShape], flows: Iterable[Flow]
) -> Iterator[Finding]:
    """Name the rights that our account lacks for what flows do to their targets."""
    for flow in flows:
        shape = shapes.get(flow.target.resource) if flow.target.system == system else None
        if shape is None:
            continue
        asked = {"create", "update", flow.on_exit}
        for right, verbs in shape.lacks.items():
            if closed := sorted(asked & verbs):
                yield Finding(
                    flow.place,
                    "M613",
                    f"{flow.target} cannot take {', '.join(closed)}: our account lacks {right}.",
                    "Have it granted to the account that the charter names.",
                )


def _told(
    system: System, lacking: ConnectorError | Finding, named: Collection[str]
) -> Iterator[Finding]:
    if isinstance(lacking, ConnectorError):
        yield Finding(system.place, lacking.code, lacking.message, lacking.cure)
    elif lacking.place in named:
        said = f"{system.name}: {lacking.message}"
        yield replace(lacking, place=system.place, message=said)


def _wanted(charter: Charter) -> Iterator[_Wanted]:
    for entity in charter.entities.values():
        for owned in entity.fields.values():
            yield _Wanted(
                owned.owner, owned.owner_field, owned.type.kind, owned.place, is_written=False
            )
    for flow in charter.flows.values():
        yield from _written(flow)


def _written(flow: Flow) -> Iterator[_Wanted]:
    for granted in flow.fields.values():
        kind = granted.expression.type.kind
        yield _Wanted(flow.target, granted.name, kind, granted.place, is_written=True)


def _judge(shapes: Mapping[str, ResourceShape], wanted: list[_Wanted]) -> Iterator[Finding]:
    for one in wanted:
        shape = shapes.get(one.resource.resource)
        if shape is None:
            # Said once for the resource, at the first field that names it.
            first = next(w for w in wanted if w.resource == one.resource)
            others = ", ".join(sorted(shapes)) or "none at all"
            yield _finding(first, f"There is no resource {one.resource}.", f"It has {others}.")
            continue
        fields = {field.name: field for field in shape.fields}
        if one.field in fields:
            yield from _judge_field(one, fields[one.field])
        elif not shape.open_ended:
            known = ", ".join(sorted(fields)[:12])
            yield _finding(one, f"{one.resource} has no field {one.field}.", f"It has {known}.")


def _judge_field(one: _Wanted, field: FieldShape) -> Iterator[Finding]:
    if one.is_written and not field.writable:
        yield _finding(
            one, f"{one.resource}.{one.field} cannot be written.", "Leave it out of the flow."
        )
    if one.kind not in _FITS.get(field.type, {one.kind}):
        yield _finding(
            one,
            f"{one.resource}.{one.field} is of type {field.type}, and {one.kind} is "
            f"{'written to' if one.is_written else 'expected of'} it.",
            "Correct the type in the charter, or the expression.",
        )


def _finding(one: _Wanted, message: str, cure: str) -> Finding:
    return Finding(one.place, "M657", message, cure)

"""Rules: what a flow may write, what it must say, and that no two get in each other's way."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

from matricula.charter.rules_ownership import overlap
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.draft import Draft, DraftFlow, DraftFlowField


def flow_findings(draft: Draft) -> Iterator[Finding]:
    """Find flows that write what they may not, or leave a question open."""
    for flow in draft.flows.values():
        yield from _values(flow)
        yield from _owned(draft, flow)
        yield from _basis(draft, flow)
        yield from _cadence(flow)
        yield from _match(flow)
        yield from _groups(draft, flow)
    for one, other in combinations(draft.flows.values(), 2):
        yield from _same_field(one, other)


def _values(flow: DraftFlow) -> Iterator[Finding]:
    for field in flow.fields.values():
        word = f"flows.{flow.name}.fields.{field.name}"
        said = [key for key in ("is", "initially") if field.node.get(key)]
        if len(said) == 2:  # noqa: PLR2004 - both
            yield Finding(
                field.node.place, "M220", f"{word} says both `is` and `initially`.",
                "Keep `is` for a value that is kept equal, `initially` for one proposed once.",
            )  # fmt: skip
        elif not said and field.node.map():
            yield Finding(
                field.node.place, "M220", f"{word} does not say what its value is.",
                "Add `is:` with an expression, or `initially:`.",
            )  # fmt: skip


def _owned(draft: Draft, flow: DraftFlow) -> Iterator[Finding]:
    owned = [f for f in draft.fields() if f.owner and f.owner == flow.target]
    for granted in flow.fields.values():
        for field in owned:
            if granted.initially or not overlap(granted.name, field.owner_field):
                continue
            yield Finding(
                granted.node.place, "M209",
                f"{flow.name} writes {flow.target}.{granted.name}, but that system owns it: it "
                f"is {field.word} ({field.node.place}).",
                "Remove the field from the flow, propose it once with `initially:`, or change "
                "the owner.",
            )  # fmt: skip


def _basis(draft: Draft, flow: DraftFlow) -> Iterator[Finding]:
    careful = [
        f"{f.word} ({f.data_class})" for f in draft.carried(flow) if f.data_class != "public"
    ]
    if careful and not flow.node.get("basis"):
        yield Finding(
            flow.node.place, "M212",
            f"{flow.name} carries {', '.join(careful)} and states no basis.",
            "Add `basis:` with the legal ground, or stop carrying these fields.",
        )  # fmt: skip


def _cadence(flow: DraftFlow) -> Iterator[Finding]:
    cadence = flow.node.get("cadence")
    if not cadence or not cadence.map():
        return
    changes = cadence.get("on_change")
    if changes and changes.value is False and not (cadence.get("full") or cadence.get("every")):
        yield Finding(
            cadence.place, "M210", f"{flow.name} never runs: its cadence names no occasion.",
            "Add `full:` or `every:`, or allow `on_change: true`.",
        )  # fmt: skip


def _match(flow: DraftFlow) -> Iterator[Finding]:
    for name, expression in flow.match.items():
        granted = flow.fields.get(name)
        if expression.link and (not granted or granted.initially):
            yield Finding(
                flow.node.at(("match", name)).place, "M307",
                f"{flow.name} looks for {name} by a link that it does not write.",
                f"Grant `{name}` with `is: {expression.text}`, or match by another field.",
            )  # fmt: skip
        if not granted or not granted.expression or granted.initially:
            continue
        if granted.expression.tree != expression.tree:
            yield Finding(
                flow.node.at(("match", name)).place, "M221",
                f"{flow.name} looks for {name} = {expression.text}, but writes {name} = "
                f"{granted.expression.text}; it would not find its own copies.",
                "Use the same expression in both places.",
            )  # fmt: skip


def _groups(draft: Draft, flow: DraftFlow) -> Iterator[Finding]:
    entity = draft.entities.get(flow.entity)
    guard = flow.node.get("guard")
    for kind in guard.map() if guard and entity else ():
        for name, place in _per(flow, kind):
            if entity and name not in entity.key:
                yield Finding(
                    place, "M224",
                    f"{flow.name} has {kind} guarded per {name}, which is no part of the key of "
                    f"{entity.name}.",
                    f"Group by {', '.join(entity.key)}: a record's key never changes its group.",
                )  # fmt: skip


def _per(flow: DraftFlow, kind: str) -> list[tuple[str, str]]:
    """List by what a limit groups records, and where it says so."""
    each = flow.node.at(("guard", kind)).get("each")
    per = each.get("per") if each else None
    nodes = (per.list() or [per]) if per else []
    return [(str(node.value), node.place) for node in nodes]


def _same_field(one: DraftFlow, other: DraftFlow) -> Iterator[Finding]:
    # Flows of two entities may share a resource: their records are not the same ones.
    if not one.target or one.target != other.target or one.entity != other.entity:
        return
    for first in one.fields.values():
        for second in other.fields.values():
            if overlap(first.name, second.name):
                yield _twice(one, first, other, second)


def _twice(
    one: DraftFlow, first: DraftFlowField, other: DraftFlow, second: DraftFlowField
) -> Finding:
    return Finding(
        second.node.place, "M213",
        f"{one.name} ({first.node.place}) and {other.name} ({second.node.place}) both write "
        f"{one.target}.{second.name} of {one.entity}.",
        "Grant each field of a copy by one flow.",
    )  # fmt: skip

"""The checklist: the eight questions, answered for each flow in plain words.

It says nothing that the charter does not say; a steward signs after reading it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from matricula.charter.lineage import field_named, origins

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import timedelta

    from matricula.charter.model import Charter, Flow, FlowField, Limit, Unavailable

_EXITS = {
    "suspend": "Its copy is suspended, not deleted.",
    "delete": "Its copy is deleted, if we made it.",
    "leave": "Its copy is left as it is.",
}
_DRIFTS = {
    "restore": "The edit is reported and the granted value is put back.",
    "report": "The edit is reported and left until somebody decides.",
    "adopt": "The edit is reported and kept; the copy differs from the owner's value.",
}


@dataclass(frozen=True, slots=True)
class Answers:
    """A flow's answers: question to sentences, in the order of the questions."""

    flow: str
    target: str
    answers: tuple[tuple[str, tuple[str, ...]], ...]

    def as_json(self) -> dict[str, object]:
        """Give them as a JSON value."""
        return {
            "flow": self.flow,
            "target": self.target,
            "answers": {question: list(said) for question, said in self.answers},
        }


def checklist(charter: Charter) -> tuple[Answers, ...]:
    """Answer the eight questions for every flow of a charter."""
    return tuple(_answers(charter, flow) for flow in charter.flows.values())


def _answers(charter: Charter, flow: Flow) -> Answers:
    return Answers(
        flow.name,
        str(flow.target),
        (
            ("Why does this copy exist?", _purpose(flow)),
            ("Whose data is it?", _owners(charter, flow)),
            ("Which fields move, and why each?", tuple(_field(charter, flow, f) for f in
                                                       flow.fields.values())),
            ("How fresh is the copy?", (_cadence(flow),)),
            ("What happens when a record changes, leaves, or its copy is edited?", _events(flow)),
            ("Who sees errors?", (_errors(charter, flow),)),
            ("How can it be proven?", _audit(flow)),
            ("What happens while a system is down?", _down(flow.if_unavailable)),
        ),
    )  # fmt: skip


def _purpose(flow: Flow) -> tuple[str, ...]:
    said = [flow.purpose]
    if flow.basis:
        said.append(f"Its legal basis is: {flow.basis}.")
    if flow.review_on:
        said.append(f"To be reviewed on {flow.review_on}.")
    return tuple(said)


def _owners(charter: Charter, flow: Flow) -> tuple[str, ...]:
    owners: dict[str, list[str]] = {}
    for word in flow.carries:
        owners.setdefault(field_named(charter, word).owner.system, []).append(word)
    said = [
        f"{charter.steward_of(system).title} answers for {', '.join(words)} (from {system})."
        for system, words in sorted(owners.items())
    ]
    who = f"Every {flow.entity}" if flow.where is None else f"Each {flow.entity} for which "
    who += "" if flow.where is None else f"`{flow.where.text}`"
    return (*said, f"{who} has a copy in {flow.target}.")


def _field(charter: Charter, flow: Flow, field: FlowField) -> str:
    careful = [
        f"{origin.field} is {field_named(charter, origin.field).data_class}"
        for origin in origins(charter, flow, field.name)
        if field_named(charter, origin.field).data_class != "public"
    ]
    how = "is proposed once as" if field.initially else "is"
    marks = f" ({'; '.join(careful)})" if careful else ""
    return f"{field.name} {how} `{field.expression.text}`, because {field.because}{marks}."


def _cadence(flow: Flow) -> str:
    said = []
    if flow.cadence.on_change:
        said.append("as soon as a change is seen")
    if flow.cadence.every:
        said.append(f"every {_span(flow.cadence.every)}")
    if flow.cadence.full_at:
        said.append(f"in full each day at {flow.cadence.full_at}")
    return f"It is brought up to date {', and '.join(said)}."


def _events(flow: Flow) -> tuple[str, ...]:
    limits = (
        f"One plan may hold at most {_limit(flow.guard.exits)} as exits, "
        f"{_limit(flow.guard.creations)} as creations and {_limit(flow.guard.changes)} as "
        "changes; beyond that it waits for a person."
    )
    return (
        "When a record changes, the fields above are brought in line, and no others.",
        f"When a record leaves: {_EXITS[flow.on_exit]}",
        f"When somebody edits the copy: {_DRIFTS[flow.on_drift]}",
        limits,
    )


def _limit(limit: Limit) -> str:
    halves = []
    if limit.share_percent is not None:
        halves.append(f"{limit.share_percent:g}% of the copies")
    if limit.count is not None:
        halves.append(f"{limit.count} rows")
    if limit.each is not None:
        groups = ", ".join(limit.each.per)
        halves.append(f"{_limit(limit.each.limit)} within each {groups}")
    return " and ".join(halves) or "any number of rows"


def _errors(charter: Charter, flow: Flow) -> str:
    office = charter.stewards[flow.errors_to]
    return f"{office.title}, at {office.notify}."


def _audit(flow: Flow) -> tuple[str, ...]:
    entry = (
        "Every write is an entry of the audit, with its reason, the values before and after, "
        "and the version of the charter that granted it."
    )
    return (
        entry,
        f"This text has the digest {flow.digest[:16]}; a changed text is signed again.",
    )


def _down(away: Unavailable) -> tuple[str, ...]:
    said = (
        "Work is kept, and the latest truth is delivered once the system is back."
        if away.queue
        else "Nothing is kept for later; the next full pass finds what is missing."
    )
    alert = f"The office above is told after {_span(away.alert_after)}."
    if not away.use_snapshot_for:
        return said, alert
    old = f"An owner's last trusted reading is used for up to {_span(away.use_snapshot_for)}."
    return said, alert, old


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    units = (("day", 86400), ("hour", 3600), ("minute", 60), ("second", 1))
    unit, size = next((unit, size) for unit, size in units if seconds % size == 0)
    count = seconds // size
    return f"{count} {unit}{'s' if count > 1 else ''}"


def checklist_markdown(answers: Iterable[Answers]) -> str:
    """Write the answers for reading and printing."""
    lines = ["# Eight questions for every flow", ""]
    for one in answers:
        lines += [f"## {one.flow} (to {one.target})", ""]
        for number, (question, said) in enumerate(one.answers, 1):
            lines += [f"{number}. **{question}**", *(f"   - {sentence}" for sentence in said)]
        lines.append("")
    return "\n".join(lines)

"""Warnings: what is allowed, yet looks forgotten or wrong."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from matricula.charter.rules_calendar import read_day, windows_of
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from matricula.charter.draft import Draft

# Words of a field's name that speak of one person.
_PERSONAL = re.compile(
    r"(^|_)((first|last|full|legal|given|middle|family|sur|fore|display|preferred|maiden|user)_?"
    r"name|surname|forename|birth|birthday|dob|email|mail|phone|mobile|address|street|postcode|"
    r"gender|sex|nationality|passport|ssn|photo|login|iban)(_|$)"
)
_SENSITIVE = re.compile(
    r"(^|_)(disability|disabled|health|medical|religion|ethnicity|ethnic|race|diagnosis|union|"
    r"conviction|orientation)(_|$)"
)


def advice(draft: Draft, *, today: date) -> Iterator[Finding]:
    """Find what a careful reader would ask about.

    Args:
        draft: Of the charter.
        today: The institution's date, for reviews and windows.
    """
    yield from _unused_fields(draft)
    yield from _classes(draft)
    yield from _reviews(draft, today)
    yield from _unused_names(draft)
    yield from _past_windows(draft, today)


def _warn(place: str, code: str, message: str, *, cure: str) -> Finding:
    return Finding(place, code, message, cure, "warning")


def _unused_fields(draft: Draft) -> Iterator[Finding]:
    if draft.findings:
        # What a refused expression would have read is not known.
        return
    used = {f.word for flow in draft.flows.values() for f in draft.carried(flow)}
    used |= {f"{e.name}.{part}" for e in draft.entities.values() for part in e.key}
    used |= {f.word for entity in draft.entities for f in draft.expected(entity)}
    for field in draft.fields():
        if draft.flows and field.word not in used:
            yield _warn(
                field.node.place, "M250", f"{field.word} is used by no flow.",
                cure="Remove it, or add the flow that needs it.",
            )  # fmt: skip


def _classes(draft: Draft) -> Iterator[Finding]:
    for field in draft.fields():
        looks = "sensitive" if _SENSITIVE.search(field.name) else ""
        if not looks and _PERSONAL.search(field.name):
            looks = "personal"
        fine = ("sensitive",) if looks == "sensitive" else ("personal", "sensitive")
        if looks and field.data_class not in fine:
            yield _warn(
                field.node.place, "M252",
                f"{field.word} looks {looks}, but its class is {field.data_class}.",
                cure=f"Write `class: {looks}`, or give the field a name that does not mislead.",
            )  # fmt: skip


def _reviews(draft: Draft, today: date) -> Iterator[Finding]:
    for flow in draft.flows.values():
        due = read_day(flow.node.text("review_on"))
        if due and due < today:
            yield _warn(
                flow.node.at(("review_on",)).place, "M251",
                f"{flow.name} was to be reviewed on {due}.",
                cure="Ask whether its purpose still holds; then set a new date or remove it.",
            )  # fmt: skip


def _unused_names(draft: Draft) -> Iterator[Finding]:
    resources = [f.owner for f in draft.fields()] + [f.target for f in draft.flows.values()]
    systems = {resource.system for resource in resources if resource}
    offices = {node.text("steward") for node in draft.systems.values()}
    offices |= {flow.node.text("errors_to") for flow in draft.flows.values()}
    offices |= {node.text("escalate_to") for node in draft.stewards.values()}
    for name, node in draft.systems.items():
        if name not in systems:
            yield _warn(
                node.place, "M253", f"The system {name} owns nothing and receives nothing.",
                cure="Remove it, or say what it owns or receives.",
            )  # fmt: skip
    for name, node in draft.stewards.items():
        if name not in offices:
            yield _warn(
                node.place, "M253", f"The steward {name} answers for nothing.",
                cure="Remove it, or name it as the steward of a system.",
            )  # fmt: skip


def _past_windows(draft: Draft, today: date) -> Iterator[Finding]:
    for window in windows_of(draft.root):
        last = read_day(window.text("to"))
        if last and last < today:
            yield _warn(
                window.place, "M254", f"The window `{window.text('name')}` ended on {last}.",
                cure="Remove it, or write this year's days.",
            )  # fmt: skip

"""Rules: the calendar's windows have a beginning, an end, and flows to hold."""

from __future__ import annotations

import difflib
from datetime import date
from typing import TYPE_CHECKING

from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.draft import Draft
    from matricula.charter.text import Node


def calendar_findings(draft: Draft) -> Iterator[Finding]:
    """Find windows that hold nothing."""
    for window in windows_of(draft.root):
        name = window.text("name")
        first, last = read_day(window.text("from")), read_day(window.text("to"))
        if first and last and last < first:
            yield Finding(
                window.place, "M218", f"The window `{name}` ends on {last}, before it starts.",
                "Exchange `from:` and `to:`, or correct one of them.",
            )  # fmt: skip
        flows = window.get("flows")
        for child in flows.list() if flows else []:
            word = str(child.value)
            if word not in draft.flows:
                near = difflib.get_close_matches(word, list(draft.flows), n=1)
                yield Finding(
                    child.place, "M218", f"The window `{name}` names `{word}`, which is no flow.",
                    f"Did you mean {near[0]}?" if near else "Name a flow of the charter.",
                )  # fmt: skip


def windows_of(root: Node) -> list[Node]:
    """List the calendar's windows."""
    calendar = root.get("calendar")
    return [child for child in calendar.list() if child.map()] if calendar else []


def read_day(word: str) -> date | None:
    """Read a date, or None where it is not one."""
    try:
        return date.fromisoformat(word)
    except ValueError:
        return None

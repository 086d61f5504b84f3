"""Guard: may this plan go out?

A guard only looks; the gate in `matricula.hub.gate` is what stops a write. Every guard
runs on every route, because a guard that covers one route protects nothing.

A limit in share is rounded up, so that one person may leave a group of three; a limit in
count is a ceiling beside it. Until a flow was once delivered in full it may create any
number, and correct any number that were there before it, because a share of nothing, or of
the half that came before an interruption, says nothing; its count limits hold all the same,
and what leaves is always counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

    from matricula.charter.model import Charter, Flow, Limit


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a plan, or a part of it, is held.

    Attributes:
        code: Its heading in the reference.
        message: What would happen and what is allowed, in rows.
        cure: What to do.
        kinds: The kinds of change it holds; empty means the whole flow.
    """

    code: str
    message: str
    cure: str
    kinds: frozenset[str] = frozenset()


_GROUPS = {
    "exits": ("M501", ("suspend", "delete")),
    "creations": ("M502", ("create",)),
    "changes": ("M503", ("update", "resume", "restore")),
}


def allowed(limit: Limit, *, copies: int, first_load: bool) -> int | None:
    """Say how many rows a limit allows, or None for any number.

    Args:
        limit: Of the charter.
        copies: Active copies before the plan.
        first_load: Whether a share is to be left out.
    """
    bounds = []
    if limit.share_percent is not None and not first_load:
        # Rounded before it is rounded up: 7 % of 100 is 7, whatever floating point says.
        bounds.append(math.ceil(round(limit.share_percent * copies / 100, 9)))
    if limit.count is not None:
        bounds.append(limit.count)
    return min(bounds) if bounds else None


def guard(
    flow: Flow, counts: Mapping[str, int], *, copies: int, found: int = 0, first_load: bool = False
) -> tuple[Reason, ...]:
    """Compare a flow's plan with its limits.

    Args:
        flow: With its guard.
        counts: Changes by kind.
        copies: Active copies before the plan, of the whole flow.
        found: Copies that were there before us and are taken over by this plan.
        first_load: Whether the flow was never delivered in full yet.
    """
    reasons = []
    for group, (code, kinds) in _GROUPS.items():
        rows = sum(counts.get(kind, 0) for kind in kinds)
        limit = allowed(
            getattr(flow.guard, group),
            copies=copies + found,
            first_load=(first_load or copies == 0) and group != "exits",
        )
        if limit is None or rows <= limit:
            continue
        reasons.append(
            Reason(
                code,
                f"{rows} {group} of {copies + found} copies; the guard allows {limit}.",
                "Look at the plan. If the owner is right, raise the guard and sign the flow.",
            )
        )
    return tuple(reasons)


def windows(charter: Charter, flow: Flow, *, on: date) -> tuple[Reason, ...]:
    """Say which calendar windows hold the flow on a date, and what they hold."""
    reasons = []
    for window in charter.calendar:
        if flow.name not in window.flows or not window.starts_on <= on <= window.ends_on:
            continue
        freezes = window.mode == "freeze"
        held = (
            frozenset()
            if freezes
            else frozenset({"update", "resume", "restore", "suspend", "delete"})
        )
        reasons.append(
            Reason(
                "M504",
                f"{window.name} ({window.starts_on} to {window.ends_on}) "
                f"{'freezes the flow' if freezes else 'allows additions only'}.",
                f"Wait until {window.ends_on} has passed, or change the calendar and sign.",
                held,
            )
        )
    return tuple(reasons)

"""Guard: may this plan go out?

A guard only looks; the gate in `matricula.hub.gate` is what stops a write. Every guard
runs on every route, because a guard that covers one route protects nothing.

A limit in share is rounded up, so that one person may leave a group of three; a limit in
count is a ceiling beside it. Both are of a day: what went out in the last one is counted
with the plan, or a source that bleeds slowly would be followed all the way. Until a flow
was once delivered in full it may create any number, and correct any number that were there
before it, because a share of nothing, or of the half that came before an interruption, says
nothing; its count limits hold all the same, and what leaves is always counted.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
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


GROUPS = {
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


@dataclass(frozen=True, slots=True)
class Standing:
    """How a flow stands before a plan.

    Attributes:
        copies: Active copies, of the whole flow.
        found: Copies that were there before us and are taken over by this plan.
        first_load: Whether the flow was never delivered in full yet.
        earlier: What went out in the last day, by kind, for keys that the plan does not
            concern in the same way.
    """

    copies: int
    found: int = 0
    first_load: bool = False
    earlier: Mapping[str, int] = field(default_factory=dict)

    @property
    def base(self) -> int:
        """How many copies there were a day ago, with those that this plan takes over."""
        gone = _rows(self.earlier, "exits") - _rows(self.earlier, "creations")
        return max(self.copies + self.found + gone, 0)


def _rows(counts: Mapping[str, int], group: str) -> int:
    return sum(counts.get(kind, 0) for kind in GROUPS[group][1])


def guard(flow: Flow, counts: Mapping[str, int], standing: Standing) -> tuple[Reason, ...]:
    """Compare a flow's plan, and what went out in the last day, with its limits.

    Args:
        flow: With its guard.
        counts: Changes by kind.
        standing: Before the plan.
    """
    reasons = []
    for group, (code, _) in GROUPS.items():
        rows, earlier = _rows(counts, group), _rows(standing.earlier, group)
        limit = allowed(
            getattr(flow.guard, group),
            copies=standing.base,
            first_load=(standing.first_load or standing.base == 0) and group != "exits",
        )
        # What is out already needs no leave; only what is added to it does.
        if limit is None or not rows or rows + earlier <= limit:
            continue
        beside = f" beside {earlier} of the last day" if earlier else ""
        reasons.append(
            Reason(
                code,
                f"{rows} {group}{beside} of {standing.base} copies; the guard allows {limit}.",
                "Look at the plan. If the owner is right, have it approved "
                "(`matricula plan approve`); otherwise have the source delivered again.",
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

"""Guard: may this plan go out?

A guard only looks; the gate in `matricula.hub.gate` is what stops a write. Every guard
runs on every route, because a guard that covers one route protects nothing.

A limit in share is rounded up, so that one person may leave a group of three; a limit in
count is a ceiling beside it. Both are of a day: what went out in the last one is counted
with the plan, or a source that bleeds slowly would be followed all the way. Until a flow
was once delivered in full it may create any number, and correct any number that were there
before it, because a share of nothing, or of the half that came before an interruption, says
nothing; its count limits hold all the same, and what leaves is always counted. A limit may
be given within each group of records as well (`matricula.engine.groups`).
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


EXITS = ("suspend", "delete")
GROUPS = {
    "exits": ("M501", EXITS),
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
    said = [_excess(getattr(flow.guard, kind), kind, counts, standing) for kind in GROUPS]
    return tuple(
        _reason(kind, f"{told}.") for kind, told in zip(GROUPS, said, strict=True) if told
    )


def guard_each(
    flow: Flow,
    kind: str,
    counts: Mapping[str, Mapping[str, int]],
    standings: Mapping[str, Standing],
) -> tuple[Reason, ...]:
    """Compare what a plan does to each group with the limit for each; small ones count as all.

    Args:
        flow: With its guard.
        kind: exits, creations or changes.
        counts: Changes by group and kind.
        standings: Before the plan, by group; what has none was never there.
    """
    each = getattr(flow.guard, kind).each
    said = {
        group: told
        for group, planned in counts.items()
        if (told := _excess(each.limit, kind, planned, standings.get(group, Standing(0)), group))
    }
    if not said:
        return ()
    most = max(sorted(said), key=lambda group: _rows(counts[group], kind))
    others = f" So is it in {len(said) - 1} other group(s)." if len(said) > 1 else ""
    return (_reason(kind, f"{said[most]}.{others}"),)


def _excess(
    limit: Limit, kind: str, counts: Mapping[str, int], standing: Standing, group: str = ""
) -> str:
    """Say how far a plan goes beyond a limit; nothing where it does not."""
    rows, earlier = _rows(counts, kind), _rows(standing.earlier, kind)
    most = allowed(
        limit,
        copies=standing.base,
        first_load=(standing.first_load or standing.base == 0) and kind != "exits",
    )
    # What is out already needs no leave; only what is added to it does.
    if most is None or not rows or rows + earlier <= most:
        return ""
    beside = f" beside {earlier} of the last day" if earlier else ""
    where = f" of {group}" if group else ""
    return f"{rows} {kind}{beside} of {standing.base} copies{where}; the guard allows {most}"


def _reason(kind: str, message: str) -> Reason:
    return Reason(
        GROUPS[kind][0],
        message,
        "Look at the plan. If the owner is right, have it approved "
        "(`matricula plan approve`); otherwise have the source delivered again.",
    )


def windows(charter: Charter, flow: Flow, *, on: date) -> tuple[Reason, ...]:
    """Say which calendar windows hold the flow on a date, and what they hold."""
    reasons = []
    for window in charter.calendar:
        if flow.name not in window.flows or not window.starts_on <= on <= window.ends_on:
            continue
        freezes = window.mode == "freeze"
        held = frozenset() if freezes else frozenset({"update", "resume", "restore", *EXITS})
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

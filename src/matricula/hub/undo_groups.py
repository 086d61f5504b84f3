"""Undo, within groups: how what puts a run back stands in every group that a guard looks at."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from matricula.engine.guard import GROUPS, Reason, Standing, guard_each
from matricula.hub.models import Link
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.charter.model import Each, Entity, Flow


def reasons(
    entity: Entity, flow: Flow, planned: Mapping[str, str], lately: Sequence[Mapping[str, Any]]
) -> Iterator[Reason]:
    """Compare what is put back in every group with the limits for each.

    Args:
        entity: Of the flow.
        flow: With its guard.
        planned: The kind of change by key.
        lately: `key` and `kind` of what went out in the last day.
    """
    for kind, (_, words) in GROUPS.items():
        each = getattr(flow.guard, kind).each
        if each is not None:
            counts = Counter(
                (_group(entity, each, key), word) for key, word in planned.items() if word in words
            )
            standings = _standings(entity, flow, each, planned, lately)
            yield from guard_each(flow, kind, _by_group(counts), standings)


def _standings(
    entity: Entity,
    flow: Flow,
    each: Each,
    planned: Mapping[str, str],
    lately: Sequence[Mapping[str, Any]],
) -> dict[str, Standing]:
    active = Link.objects.filter(flow=flow.name, state="active").values_list("key", flat=True)
    copies = Counter(_group(entity, each, key) for key in active.iterator())
    woken = Counter(_group(entity, each, k) for k, word in planned.items() if word == "resume")
    # What is taken back does not count as gone out as well.
    before = _by_group(
        Counter(
            (_group(entity, each, row["key"]), row["kind"])
            for row in lately
            if row["key"] not in planned
        )
    )
    return {
        name: Standing(copies[name], found=woken[name], earlier=before.get(name, {}))
        for name in {*copies, *woken, *before}
    }


def _group(entity: Entity, each: Each, key: str) -> str:
    try:
        parts = dict(zip(entity.key, split_key(key, len(entity.key)), strict=True))
    except ValueError:
        # A key of other parts, from before the charter changed them, is in no group of today.
        return ""
    return join_key(parts[name] for name in each.per)


def _by_group(counted: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for (group, kind), count in counted.items():
        found.setdefault(group, {})[kind] = count
    return found

"""Groups: how a plan stands within every group that a guard looks at.

A module that empties is lost among all others in a share of the whole flow. A group is the
records that share some parts of their key, so a change and its copy are never of two.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql, state
from matricula.engine.guard import GROUPS, Reason, Standing, guard_each
from matricula.engine.workbench import rows, size

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.charter.model import Entity, Flow
    from matricula.engine.state import Confirmed
    from matricula.engine.workbench import Workbench

Counts = dict[str, int]


def reasons(
    bench: Workbench,
    entity: Entity,
    flow: Flow,
    *,
    known: Confirmed | None,
    first_load: bool,
    recent: bool,
) -> list[Reason]:
    """Compare what a plan does to every group with the limits for each; after `diff`.

    Args:
        bench: With `change_F`, `matched_F`, `state_F` and, where `recent`, `recent_F`.
        entity: Of the flow.
        flow: F.
        known: Asked for the links of all keys, where the pass took in those of some.
        first_load: Whether the flow was never delivered in full yet.
        recent: Whether anything went out in the last day.
    """
    found: list[Reason] = []
    if not size(bench, f"change_{flow.name}"):
        return found
    for kind, (_, words) in GROUPS.items():
        each = getattr(flow.guard, kind).each
        if each is None:
            continue
        group = sql.parts_of([entity.key.index(name) for name in each.per], size=len(entity.key))
        planned = _count(bench, f"change_{flow.name}", group, kinds=words)
        if planned:
            copies = _copies(bench, flow, known, group)
            standings = _standings(bench, flow, group, copies, recent=recent)
            if first_load:
                standings = {g: replace(one, first_load=True) for g, one in standings.items()}
            counts = {name: {words[0]: count} for name, count in planned.items()}
            found += guard_each(flow, kind, counts, standings)
    return found


def _standings(
    bench: Workbench,
    flow: Flow,
    group: exp.Expr,
    copies: Counts,
    *,
    recent: bool,
) -> Mapping[str, Standing]:
    matched = f"matched_{flow.name}"
    found = _count(bench, matched, group) if size(bench, matched) else {}
    earlier: dict[str, Counts] = {}
    for _, words in GROUPS.values() if recent else ():
        for name, count in _earlier(bench, flow, group, words).items():
            earlier.setdefault(name, {})[words[0]] = count
    return {
        name: Standing(copies.get(name, 0), found.get(name, 0), earlier=earlier.get(name, {}))
        for name in {*copies, *found, *earlier}
    }


def _copies(bench: Workbench, flow: Flow, known: Confirmed | None, group: exp.Expr) -> Counts:
    """Count the active copies of every group."""
    if known is None:
        return _count(bench, f"state_{flow.name}", group, active=True)
    # A pass over some keys took in their links alone.
    every = f"every_{flow.name}"
    with state.taken_in(bench, every, known.state(flow.name, None)):
        return _count(bench, every, group, active=True)


def _count(
    bench: Workbench,
    called: str,
    group: exp.Expr,
    *,
    kinds: Sequence[str] = (),
    active: bool = False,
) -> Counts:
    query = exp.select(group.copy(), exp.Count(this=exp.Star())).from_(sql.table(called))
    if kinds:
        query = query.where(_among(kinds))
    if active:
        query = query.where(sql.same(sql.column("state"), sql.text("active")))
    return _counted(bench, query.group_by("1"))


def _earlier(bench: Workbench, flow: Flow, group: exp.Expr, words: Sequence[str]) -> Counts:
    """Count the keys of the last day by group, each once; those of the plan are the plan's."""
    planned = exp.select(sql.column("key")).from_(sql.table(f"change_{flow.name}"))
    once = exp.Count(this=exp.Distinct(expressions=[sql.column("key")]))
    query = exp.select(group.copy(), once).from_(sql.table(f"recent_{flow.name}"))
    query = query.where(_among(words))
    query = query.where(sql.absent(sql.column("key"), planned.where(_among(words))))
    return _counted(bench, query.group_by("1"))


def _among(words: Sequence[str]) -> exp.Expr:
    return exp.In(this=sql.column("kind"), expressions=[sql.text(word) for word in words])


def _counted(bench: Workbench, query: exp.Select) -> Counts:
    return {str(name): int(str(count)) for name, count in rows(bench, query)}

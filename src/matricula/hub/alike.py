"""Alike: gathers from a pass the records that may be one, for `matricula.hub.matches`.

Three sorts: records of one system that claim one key, keys for which a target holds several
copies, and, where the charter asks for it, records whose fields agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.engine import line, match, nearby, resolve, sql
from matricula.engine.workbench import arrow, open_workbench
from matricula.hub import lately, matches, snapshots
from matricula.hub.matches import Met, Possible
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.charter.model import Entity, Flow, ResourceRef
    from matricula.engine.plan import Plan
    from matricula.engine.read import Verdict
    from matricula.engine.workbench import Workbench
    from matricula.hub.desk import Desk
    from matricula.hub.rekeys import Moving

Places = set[tuple[str, str, str]]


def met(
    desk: Desk,
    bench: Workbench,
    flows: Sequence[Flow],
    plan: Plan,
    *,
    verdicts: Mapping[ResourceRef, Verdict],
    thorough: bool,
) -> Met:
    """Gather what a pass met.

    Args:
        desk: The charter.
        bench: As the pass left it.
        flows: That it covered.
        plan: What it found.
        verdicts: Which owners can be trusted.
        thorough: Whether it looked at every copy, and records are to be compared.
    """
    trusted = {resource for resource, verdict in verdicts.items() if verdict.is_trusted}
    found: list[Possible] = []
    places: Places = set()
    some: dict[str, Collection[str]] = {}
    for entity in line.narrow(desk.charter, flows).entities.values():
        if entity.roster not in trusted:
            continue
        mine = line.within(entity, trusted)
        _claims(bench, mine, found, places)
        if thorough:
            _candidates(bench, mine, trusted, found, places)
            lately.keep(bench, mine, lately.place_of(desk, mine))
        elif _changed(bench, mine):
            some |= _nearby(desk, bench, mine, found, places)
    if thorough:
        lately.forget_older(desk)
        _copies(desk, plan, found, places)
    return Met(found, places, some)


def with_moving(desk: Desk, met: Met, moving: Moving) -> Met:
    """Add the records that may go on under new numbers to what a pass met."""
    places = {
        ("rekey", name, str(desk.charter.entities[name].roster)) for name in moving.looked_at
    }
    found = [
        Possible(
            "rekey", pair.entity, pair.old, str(desk.charter.entities[pair.entity].roster),
            pair.new, pair.probability, pair.evidence,
        )
        for pair in moving.pairs
    ]  # fmt: skip
    return Met([*met.found, *found], places | set(met.looked_at), met.some)


def _claims(bench: Workbench, entity: Entity, found: list[Possible], places: Places) -> None:
    rows = resolve.claims(bench, entity).to_pylist()
    found += [
        Possible("claim", entity.name, r["key"], r["resource"], r["external_id"]) for r in rows
    ]
    places |= {("claim", entity.name, str(r)) for r in entity.owners() if r != entity.roster}


def _candidates(
    bench: Workbench,
    entity: Entity,
    trusted: Collection[ResourceRef],
    found: list[Possible],
    places: Places,
) -> int:
    if entity.matching is None:
        return 0
    rows = match.candidates(bench, entity, trusted=sorted(trusted)).to_pylist()
    _note(entity, rows, found, places)
    return len(rows)


def _note(
    entity: Entity, rows: Sequence[Mapping[str, Any]], found: list[Possible], places: Places
) -> None:
    matching = entity.matching
    if matching is None:
        return
    found += [
        Possible(
            "candidate", entity.name, r["key"], r["resource"], r["other"], r["probability"],
            dict(zip(matching.compare, r["evidence"], strict=True)),
        )
        for r in rows
    ]  # fmt: skip
    asked = {entity.roster, *(set(matching.others) & set(entity.owners()))}
    places |= {("candidate", entity.name, str(resource)) for resource in asked}


def _changed(bench: Workbench, entity: Entity) -> int:
    """Count the keys that a pass over changes looked at; none where it looked at everybody."""
    return bench.sizes.get(f"dirty_{entity.name}", 0) if entity.matching else 0


def _nearby(
    desk: Desk, bench: Workbench, entity: Entity, found: list[Possible], places: Places
) -> dict[str, Collection[str]]:
    """Compare those who came or changed with who shares something with them."""
    place = lately.place_of(desk, entity)
    kept = lately.kept(place)
    if kept is None:
        return {}
    pairs, since = nearby.candidates(bench, entity, kept, trusted=entity.owners())
    lately.add(place, since)
    _note(entity, pairs.to_pylist(), found, places)
    keys = arrow(bench, sql.keys_in(f"dirty_{entity.name}"))["key"].to_pylist()
    return {entity.name: {str(key) for key in keys}}


def _copies(desk: Desk, plan: Plan, found: list[Possible], places: Places) -> None:
    looked_at = {part.flow for part in plan.flows if part.digest}
    flows = {name: desk.charter.flows[name] for name in looked_at}
    places |= {("copies", flow.entity, str(flow.target)) for flow in flows.values()}
    keys = {(row["flow"], row["key"]) for row in plan.aside.to_pylist() if row["code"] == "M505"}
    found += [
        Possible("copies", flows[name].entity, key, str(flows[name].target))
        for name, key in sorted(keys)
        if name in flows
    ]


def find(desk: Desk, entity: str = "") -> dict[str, int]:
    """Compare records now, as they were read last; nobody is asked.

    Returns:
        How many pairs look alike, per entity that the charter wants compared.

    Raises:
        Refused: No entity of that name is to be compared (M517).
    """
    wanted = {n: e for n, e in desk.charter.entities.items() if e.matching}
    if entity and entity not in wanted:
        raise Refused(
            "M517", f"The charter compares no records of {entity}.",
            cure=f"Add `matching:`, or use one of {', '.join(wanted) or 'none'}.",
        )  # fmt: skip
    return {name: _find(desk, e) for name, e in wanted.items() if entity in ("", name)}


def _find(desk: Desk, entity: Entity) -> int:
    kept = {r: d for r in entity.owners() if (d := snapshots.last_trusted(desk, r)) is not None}
    if entity.roster not in kept:
        return 0
    entity = line.within(entity, kept)
    found: list[Possible] = []
    places: Places = set()
    with open_workbench(desk.bench) as bench:
        line.take_judged(bench, desk.charter, [entity], kept, matches.crosswalk(desk.charter))
        count = _candidates(bench, entity, list(kept), found, places)
    matches.keep(desk, Met(found, places))
    return count

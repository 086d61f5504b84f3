"""Digests: what a signature signs, and what names a version of the charter.

A flow's digest covers its own text and everything it depends on, so an edit elsewhere
leaves signatures standing, and no edit that matters does. Comments, the order of keys and
white space never count.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.charter.lineage import passed
from matricula.charter.rules_calendar import windows_of
from matricula.charter.rules_cycles import links_of
from matricula.kernel.digests import digest

if TYPE_CHECKING:
    from matricula.charter.draft import Draft, DraftEntity, DraftFlow
    from matricula.charter.model import ResourceRef


def charter_digest(draft: Draft) -> str:
    """Digest a whole charter."""
    return digest(draft.root.plain())


def flow_digest(draft: Draft, flow: DraftFlow) -> str:
    """Digest a flow and what it depends on.

    That is: its text; the fields it reads with owner, type and class; the refs it goes
    through; the key, the roster and the found-by of their entities; name, connector,
    steward and settings of every system that it reads, writes or links to; the calendar
    windows that name it; the key and the target of the flows it links to.

    Settings count whole, for no word of theirs is known here to be harmless: an address, a
    file, the name of a secret or a column may each send the same fields somewhere else. Only
    the parts of `resources:` that the flow does not touch are left out.
    """
    carried = draft.carried(flow)
    entities = {flow.entity, *(field.entity for field in carried)}
    touched = _touched(draft, flow, entities)
    return digest(
        {
            "name": flow.name,
            "text": flow.node.plain(),
            "fields": {field.word: field.node.plain() for field in carried},
            "refs": _refs(draft, flow),
            "entities": {name: _identity(draft.entities[name]) for name in entities},
            "systems": {r.system: _product(draft, r.system, touched) for r in touched},
            "money": draft.root.get("currency") and draft.root.text("currency"),
            "timezone": draft.root.text("timezone"),
            "calendar": _windows(draft, flow),
            "links": {
                call.flow: _linked(draft, draft.flows[call.flow])
                for call in links_of(flow).values()
            },
        }
    )


def _refs(draft: Draft, flow: DraftFlow) -> dict[str, object]:
    reads = [read for expression in flow.expressions() for read in expression.reads]
    refs = draft.refs.get(flow.entity, {})
    node = draft.entities[flow.entity].node
    return {name: node.at(("refs", name)).plain() for name in passed(reads, refs) if name in refs}


def _identity(entity: DraftEntity) -> object:
    return {
        "key": {part: entity.fields[part].node.plain() for part in entity.key},
        "roster": str(entity.roster),
        "found_by": {str(resource): list(parts) for resource, parts in entity.found_by.items()},
    }


def _touched(draft: Draft, flow: DraftFlow, entities: set[str]) -> set[ResourceRef]:
    """List the resources that a flow reads, writes or links to."""
    linked = (draft.flows[call.flow].target for call in links_of(flow).values())
    rosters = (draft.entities[name].roster for name in entities)
    owners = (field.owner for field in draft.carried(flow))
    return {r for r in (flow.target, *linked, *rosters, *owners) if r}


def _product(draft: Draft, name: str, touched: set[ResourceRef]) -> object:
    node = draft.systems[name]
    written = node.get("settings")
    settings: dict[str, object] = written.plain() if written and written.map() else {}
    kept = settings.get("resources")
    own = {r.resource for r in touched if r.system == name}
    # Where the parts are not named after resources, nobody can tell whose they are.
    if isinstance(kept, dict) and own <= set(kept):
        settings["resources"] = {word: kept[word] for word in kept if word in own}
    return {"settings": settings, **{key: node.text(key) for key in ("connector", "steward")}}


def _windows(draft: Draft, flow: DraftFlow) -> list[object]:
    found = [window.plain() for window in windows_of(draft.root)]
    # Who else a window holds is no concern of this flow.
    return [
        {key: value for key, value in window.items() if key != "flows"}
        for window in found
        if flow.name in window["flows"]
    ]


def _linked(draft: Draft, other: DraftFlow) -> object:
    return {"to": str(other.target), "entity": _identity(draft.entities[other.entity])}

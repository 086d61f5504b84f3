"""Find entries by identifier or by the values of fields: many with one search.

Every answer is compared here before it is believed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.protocol import asks_for_nobody
from matricula.connectors.ldap import filters, mapping, messages, refusals
from matricula.connectors.ldap.values import Misfit, to_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.ldap.messages import Entry
    from matricula.connectors.ldap.resources import Resource
    from matricula.connectors.ldap.wire import Wire

_AT_ONCE = 100
_Key = tuple[tuple[str, frozenset[bytes]], ...]


def by_ids(
    wire: Wire, resource: Resource, ids: Iterable[str], shown: Sequence[str] = ()
) -> dict[str, Entry]:
    """Fetch entries by identifier; those that are not there are left out.

    Args:
        wire: The connection.
        resource: In whose branches to look.
        ids: Identifiers; what is none finds nothing.
        shown: The attributes to show, besides the identifier; by default the resource's.
    """
    layout = resource.layout
    raw = {known for one in ids if (known := layout.raw_identifier(one)) is not None}
    parts = [filters.equal(layout.id_attribute, one) for one in sorted(raw)]
    attributes = (layout.id_attribute, *shown) if shown else resource.shown
    found = _search(wire, resource, parts, attributes)
    return {layout.identifier(one.attributes): one for one in found}


def by_matches(
    wire: Wire,
    resource: Resource,
    matches: Sequence[Mapping[str, Value]],
    shown: Sequence[str] = (),
) -> list[list[Entry]]:
    """Find, for each mapping of field to value, all entries that equal it; a blank finds none.

    Args:
        wire: The connection.
        resource: In whose branches to look.
        matches: What to look for.
        shown: The attributes to show, those that are looked for among them; by default the
            resource's.
    """
    places: dict[_Key, list[int]] = {}
    parts: list[bytes] = []
    for place, match in enumerate(matches):
        key = _key(resource, match)
        if key and key not in places:
            parts.append(_filter(resource, match))
        if key:
            places.setdefault(key, []).append(place)
    found: list[list[Entry]] = [[] for _ in matches]
    shapes = {tuple(name for name, _ in key) for key in places}
    for entry in _search(wire, resource, parts, shown or resource.shown):
        for key in _keys(resource, entry, shapes, places):
            for place in places[key]:
                found[place].append(entry)
    return found


def _key(resource: Resource, match: Mapping[str, Value]) -> _Key:
    """Give what a mapping asks for as it is compared; nothing where it asks for nobody."""
    if asks_for_nobody(match):
        return ()
    try:
        key = tuple(sorted(mapping.keys_of_match(resource, match).items()))
    except Misfit:
        return ()
    return key if all(value for _, value in key) else ()


def request_for(resource: Resource, base: str, match: Mapping[str, Value]) -> messages.Request:
    """Write the search for one mapping in one branch."""
    wanted = filters.every((_filter(resource, match), resource.wanted))
    return messages.search(base, messages.SUBTREE, wanted, resource.shown)


def _keys(
    resource: Resource, entry: Entry, shapes: set[tuple[str, ...]], known: Mapping[_Key, object]
) -> Iterator[_Key]:
    for shape in shapes:
        has = {name: mapping.keys_of(resource, entry.attributes, name) for name in shape}
        whole: _Key = tuple((name, has[name]) for name in shape)
        if whole in known:
            yield whole
        elif any(len(one) != 1 for one in has.values()):
            # An attribute with several values: any of them may be the one that was asked for.
            yield from (
                key
                for key in known
                if tuple(name for name, _ in key) == shape
                and all(value <= has[name] for name, value in key)
            )


def _filter(resource: Resource, match: Mapping[str, Value]) -> bytes:
    parts = []
    for name, value in sorted(match.items()):
        field = resource.fields[name]
        raw = to_bytes(field.attribute.type or "text", value, is_list=field.is_list)
        parts += [filters.equal(name, one) for one in raw]
    return filters.every(parts)


def _search(
    wire: Wire, resource: Resource, parts: Sequence[bytes], shown: Sequence[str]
) -> list[Entry]:
    requests, bases = [], []
    for start in range(0, len(parts), _AT_ONCE):
        some = filters.either(parts[start : start + _AT_ONCE])
        # The values first: a directory goes through the parts in turn, and need not gather
        # everybody of the class where nobody has the value.
        wanted = filters.every((some, resource.wanted))
        for base in resource.bases:
            requests.append(messages.search(base, messages.SUBTREE, wanted, shown))
            bases.append(base)
    found: dict[str, Entry] = {}
    for answer, base in zip(wire.fetch(requests), bases, strict=True) if requests else ():
        if answer.code:
            raise refusals.of_search(answer.code, base)
        found.update({one.dn: one for one in answer.entries})
    return list(found.values())

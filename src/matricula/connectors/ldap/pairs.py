"""Read and look up memberships: groups hold names, and rows hold identifiers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Found, asks_for_nobody
from matricula.connectors.ldap import (
    filters,
    lookup,
    memberships,
    messages,
    names,
    refusals,
    tables,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import pyarrow as pa

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.ldap.messages import Entry
    from matricula.connectors.ldap.names import Name
    from matricula.connectors.ldap.resources import Resource
    from matricula.connectors.ldap.wire import Wire


def read(wire: Wire, groups: Resource, people: Sequence[Resource]) -> Iterator[pa.RecordBatch]:
    """Read every membership of groups, page by page.

    Args:
        wire: The connection.
        groups: Whose members.
        people: The resources whose entries count as members.
    """
    known = everybody(wire, people)
    shown = _shown(groups)
    for page, _ in wire.pages(groups.place.base, groups.wanted, shown):
        whole = [_with_all_members(wire, groups, one) for one in page]
        rows = [row for one in whole for row in memberships.rows_of(groups, one, known)]
        yield tables.membership_batch(rows)


def everybody(wire: Wire, people: Sequence[Resource]) -> dict[Name, str]:
    """Read the identifiers of all people, by name."""
    found: dict[Name, str] = {}
    for resource in people:
        layout = resource.layout
        for base in resource.bases:
            for page, _ in wire.pages(base, resource.wanted, (layout.id_attribute,)):
                found |= {_name(one): layout.identifier(one.attributes) for one in page}
    found.pop((), None)
    return found


def find(
    wire: Wire,
    groups: Resource,
    people: Sequence[Resource],
    matches: Sequence[Mapping[str, Value]],
) -> list[list[Found]]:
    """Look memberships up by `_id`, `group` and `member`."""
    asked = [_asked(match) for match in matches]
    members = _people(wire, people, {member for _, member in asked if member})
    called = _called(wire, groups, {group for group, _ in asked if group})
    everyone: dict[Name, str] = {}
    if any(group and not member for group, member in asked):
        everyone = everybody(wire, people)
    return [
        _matching(wire, groups, match, (called.get(group), members.get(member)), everyone)
        for match, (group, member) in zip(matches, asked, strict=True)
    ]


def known(
    wire: Wire, groups: Resource, people: Sequence[Resource], writes: Iterable[Write]
) -> memberships.Known:
    """Look up the groups and people that a batch of writes is about."""
    wanted: list[tuple[str, str]] = []
    for write in writes:
        try:
            wanted.append(memberships.pair_of(write))
        except SkipRow:
            continue
    called = _called(wire, groups, {group for group, _ in wanted}, with_members=False)
    return memberships.Known(groups, called, _people(wire, people, {one for _, one in wanted}))


def _asked(match: Mapping[str, Value]) -> tuple[str, str]:
    if asks_for_nobody(match):
        return "", ""
    group, member = (str(match.get(name, "")) for name in memberships.FIELDS)
    if "_id" in match:
        return memberships.halves(str(match["_id"]))
    return group, member


def _shown(groups: Resource) -> tuple[str, ...]:
    return (groups.layout.id_attribute, groups.naming, groups.place.member)


def _called(
    wire: Wire, groups: Resource, called: Iterable[str], *, with_members: bool = True
) -> dict[str, Entry]:
    """Fetch groups as memberships call them."""
    wanted = sorted(called)
    if groups.place.groups_by == "identifier":
        shown = _shown(groups) if with_members else (groups.naming,)
        return lookup.by_ids(wire, groups, wanted, shown)
    asked = [{groups.naming: one} for one in wanted]
    found = lookup.by_matches(wire, groups, asked, _shown(groups) if with_members else ())
    return {one: some[0] for one, some in zip(wanted, found, strict=True) if some}


def _people(wire: Wire, people: Sequence[Resource], ids: Iterable[str]) -> dict[str, Entry]:
    wanted = sorted(ids)
    found: dict[str, Entry] = {}
    for resource in people if wanted else ():
        found |= lookup.by_ids(wire, resource, wanted, ("1.1",))
    return found


def _matching(
    wire: Wire,
    groups: Resource,
    match: Mapping[str, Value],
    both: tuple[Entry | None, Entry | None],
    everyone: Mapping[Name, str],
) -> list[Found]:
    group, member = both
    asks_group, asks_member = _asked(match)
    if (asks_group and group is None) or (asks_member and member is None):
        return []
    if not asks_group and not asks_member:
        return []
    candidates = [group] if group else _groups_of(wire, groups, member)
    people = everyone
    if member is not None:
        people = {_name(member): groups.layout.identifier(member.attributes)}
    rows = [
        row
        for one in candidates
        for row in memberships.rows_of(groups, _with_all_members(wire, groups, one), people)
    ]
    wanted = {name: str(value) for name, value in match.items()}
    return [
        Found(row["_id"], {name: row[name] for name in memberships.FIELDS})
        for row in rows
        if all(row[name] == value for name, value in wanted.items())
    ]


def _groups_of(wire: Wire, groups: Resource, member: Entry | None) -> list[Entry]:
    if member is None:
        return []
    named = filters.equal(groups.place.member, member.dn.encode())
    wanted = filters.every((named, groups.wanted))
    request = messages.search(groups.place.base, messages.SUBTREE, wanted, _shown(groups))
    (answer,) = wire.fetch([request])
    if answer.code:
        raise refusals.of_search(answer.code, groups.place.base)
    return answer.entries


def _with_all_members(wire: Wire, groups: Resource, group: Entry) -> Entry:
    """Fetch the rest of a long list: Active Directory gives ranges (MS-ADTS 3.1.1.3.1.3.3)."""
    member = groups.place.member
    gathered = list(group.attributes.get(member, ()))
    ranged = _range_of(group, member)
    while ranged is not None:
        name, values = ranged
        gathered += values
        last = name.rpartition("-")[2]
        if last == "*" or not values:
            break
        shown = f"{member};range={int(last) + 1}-*"
        request = messages.search(
            group.dn, messages.BASE, filters.present("objectClass"), (shown,)
        )
        (answer,) = wire.fetch([request])
        ranged = _range_of(answer.entries[0], member) if answer.entries else None
    if len(gathered) == len(group.attributes.get(member, ())):
        return group
    return messages.Entry(group.dn, {**group.attributes, member: gathered})


def _range_of(group: Entry, member: str) -> tuple[str, list[bytes]] | None:
    start = f"{member};range=".lower()
    return next(
        ((name, raw) for name, raw in group.attributes.items() if name.lower().startswith(start)),
        None,
    )


def _name(entry: Entry) -> Name:
    try:
        return names.parse(entry.dn)
    except names.Unnamed:
        return ()

"""Read what is served back, as a connected system's rows, and look records up."""

from __future__ import annotations

import json
from itertools import islice
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors.kit.protocol import Found, asks_for_nobody
from matricula.connectors.scim_provider import statements
from matricula.connectors.scim_provider.entries import paths_of
from matricula.connectors.scim_provider.kinds import ACTIVE, GROUPS, MEMBERSHIPS, USERS, kinds
from matricula.connectors.scim_provider.models import Member, Record, Shelf
from matricula.connectors.scim_provider.sheet import asked_by, equals
from matricula.kernel.keys import join_key, split_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.scim_provider.kinds import Kind

PAIR = ("group", "user")
_CHUNK = 20_000


def how_many(system: str) -> int:
    """Count the records that a system is served."""
    return sum(Shelf.objects.filter(system=system).values_list("records", flat=True))


def schema_of(resource: str) -> pa.Schema:
    """Say how a resource reads: `_id`, for users `_suspended`, then its fields."""
    front: list[pa.Field[Any]] = [pa.field("_id", pa.string())]
    if resource == MEMBERSHIPS:
        return pa.schema([*front, *(pa.field(name, pa.string()) for name in PAIR)])
    if resource == USERS:
        front.append(pa.field("_suspended", pa.bool_(), metadata={"said_by": ACTIVE}))
    own = kinds()[resource].fields.values()
    types = {"boolean": pa.bool_()}
    return pa.schema([*front, *(pa.field(f.name, types.get(f.type, pa.string())) for f in own)])


def batches(system: str, resource: str) -> Iterator[pa.RecordBatch]:
    """Read all records of a resource."""
    schema = schema_of(resource)
    found = _pairs(system) if resource == MEMBERSHIPS else _records(system, resource)
    while some := list(islice(found, _CHUNK)):
        yield pa.RecordBatch.from_pylist(some, schema=schema)


def find(system: str, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
    """Look records up, in a few statements however many are looked up."""
    wanted = [{} if asks_for_nobody(match) else match for match in matches]
    if resource == MEMBERSHIPS:
        return [_members(system, match) for match in wanted]
    shelf = Shelf.objects.filter(system=system, table=resource).first()
    if shelf is None:
        return [[] for _ in matches]
    kind = kinds()[resource]
    holders = dict(_candidates(kind, shelf.pk, asked) for asked in _by_first(wanted))
    rows = _fetched(shelf.pk, {one for held in holders.values() for ids in held.values()
                               for one in ids})  # fmt: skip
    return [_equal(kind, holders, rows, match) for match in wanted]


def _by_first(wanted: Sequence[Mapping[str, Value]]) -> Iterator[tuple[str, list[Value]]]:
    gathered: dict[str, list[Value]] = {}
    for match in wanted:
        for name in _first(match):
            gathered.setdefault(name, []).append(match[name])
    yield from gathered.items()


def _first(match: Mapping[str, Value]) -> list[str]:
    return ["_id"] if "_id" in match else list(match)[:1]


def _candidates(
    kind: Kind, shelf: int, asked: tuple[str, list[Value]]
) -> tuple[str, dict[str, set[str]]]:
    name, values = asked
    if name == "_id":
        return name, {str(value): {str(value)} for value in values}
    texts = {text for text in (asked_by(kind, name, value) for value in values) if text}
    path = paths_of(kind.fields[name])[0]
    held: dict[str, set[str]] = {}
    for text, one in statements.holding(shelf, field=name, path=path, texts=texts):
        held.setdefault(text, set()).add(one)
    return name, held


def _fetched(shelf: int, identifiers: set[str]) -> dict[str, dict[str, Value]]:
    records = statements.in_portions(Record.objects.filter(shelf_id=shelf), identifiers)
    return {one.identifier: json.loads(one.document) for one in records}


def _equal(
    kind: Kind,
    holders: Mapping[str, Mapping[str, set[str]]],
    rows: Mapping[str, dict[str, Value]],
    match: Mapping[str, Value],
) -> list[Found]:
    own = {name: value for name, value in match.items() if name != "_id"}
    found: list[Found] = []
    for name in _first(match):
        text = str(match[name]) if name == "_id" else asked_by(kind, name, match[name])
        known = [one for one in sorted(holders[name].get(text, ())) if one in rows]
        found += [Found(one, rows[one]) for one in known if equals(kind, rows[one], own)]
    return found


def _records(system: str, resource: str) -> Iterator[dict[str, object]]:
    own = Record.objects.filter(shelf__system=system, shelf__table=resource).order_by("place")
    for identifier, document in own.values_list("identifier", "document").iterator(_CHUNK):
        row: dict[str, object] = {**json.loads(document), "_id": identifier}
        if resource == USERS:
            row["_suspended"] = row.get(ACTIVE) is False
        yield row


def _pairs(system: str) -> Iterator[dict[str, object]]:
    own = Member.objects.filter(group__shelf__system=system).order_by("pk")
    told = own.values_list("group__identifier", "user__identifier").iterator(_CHUNK)
    for group, user in told:
        yield {"_id": join_key([group, user]), "group": group, "user": user}


def _members(system: str, match: Mapping[str, Value]) -> list[Found]:
    told = {name: str(value) for name, value in match.items()}
    try:
        both = dict(zip(PAIR, split_key(told.pop("_id"), 2), strict=True)) if "_id" in told else {}
    except ValueError:
        return []
    if not match or any(both.get(name, value) != value for name, value in told.items()):
        return []
    asked = {f"{name}__identifier": value for name, value in {**told, **both}.items()}
    own = Member.objects.filter(group__shelf__system=system, group__shelf__table=GROUPS, **asked)
    pairs = own.values_list("group__identifier", "user__identifier")
    return [Found(join_key(pair), dict(zip(PAIR, pair, strict=True))) for pair in pairs]

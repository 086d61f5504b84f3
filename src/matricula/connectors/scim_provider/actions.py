"""Take in what flows to a system that is served: one batch, one transaction.

The connector is the only caller. Whoever writes holds the shelves of the system, so revisions
and instants are given out in the order in which changes become visible.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from django.db import transaction

from matricula.connectors.scim_provider import sheet as sheets
from matricula.connectors.scim_provider import statements
from matricula.connectors.scim_provider.entries import paths_of, placed
from matricula.connectors.scim_provider.kinds import GROUPS, USERS, Kind, kinds
from matricula.connectors.scim_provider.models import Entry, Member, Record, Shelf
from matricula.connectors.shelves import held, moved_on, portions

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import Outcome, Write
    from matricula.connectors.scim_provider.sheet import Row


@transaction.atomic
def take_in(system: str, resource: str, writes: Sequence[Write]) -> list[Outcome]:
    """Apply a batch to users or to groups.

    Args:
        system: Whose copy.
        resource: One of `kinds`.
        writes: Of verbs and fields that the kind has; the caller has made sure.

    Returns:
        One outcome per write, in order.
    """
    shelves = held(Shelf, system, kinds())
    kind, shelf = kinds()[resource], shelves[resource]
    sheet = _sheet(kind, shelf, writes)
    outcomes = sheets.apply(sheet, writes)
    moved = {one: row for one, row in sheet.after.items() if row != sheet.before.get(one)}
    if moved:
        _store(shelves, kind, moved)
    return outcomes


def touch_groups(shelf: Shelf, groups: Collection[int]) -> None:
    """Move groups on whose members have changed.

    Args:
        shelf: Of the groups; held.
        groups: By number.
    """
    if groups:
        stamp = moved_on(shelf)
        shelf.save()
        changed = Record.objects.filter(pk__in=list(groups))
        changed.update(revision=shelf.revision, modified=stamp)


def _sheet(kind: Kind, shelf: Shelf, writes: Sequence[Write]) -> sheets.Sheet:
    """Gather what a batch may touch: by identifier, and by what it looks for."""
    holders: dict[str, dict[str, set[str]]] = {}
    for name, values in sheets.names_of(kind, writes).items():
        texts = {sheets.asked_by(kind, name, value) for value in values} - {""}
        path, held_by = paths_of(kind.fields[name])[0], holders.setdefault(name, {})
        for text, one in statements.holding(shelf.pk, field=name, path=path, texts=texts):
            held_by.setdefault(text, set()).add(one)
    named = {write.external_id for write in writes if write.external_id}
    named |= {one for known in holders.values() for ids in known.values() for one in ids}
    own = statements.in_portions(Record.objects.filter(shelf=shelf), named)
    before: dict[str, Row] = {one.identifier: json.loads(one.document) for one in own}
    return sheets.Sheet(kind, before, holders=holders)


def _store(shelves: Mapping[str, Shelf], kind: Kind, moved: Mapping[str, Row | None]) -> None:
    shelf = shelves[kind.name]
    stamp = moved_on(shelf)
    kept = {one: row for one, row in moved.items() if row is not None}
    numbers = numbers_of(shelf, moved)
    statements.rewrite([
        (_written(row), shelf.revision, stamp, numbers[one])
        for one, row in kept.items() if one in numbers
    ])  # fmt: skip
    # What was made and taken away within one batch was never there.
    gone = {one for one, row in moved.items() if row is None and one in numbers}
    _let_go(shelves, kind, [numbers[one] for one in gone])
    _forget([number for one, number in numbers.items() if one not in gone])
    numbers |= _laid(shelf, {one: row for one, row in kept.items() if one not in numbers}, stamp)
    statements.lay_entries([row for one in kept for row in _entries(shelf, kind, numbers[one],
                                                                    kept[one])])  # fmt: skip
    shelf.save()


def _laid(shelf: Shelf, rows: Mapping[str, Row], stamp: str) -> dict[str, int]:
    """Put up new records, each at the next place; their numbers."""
    new = [
        Record(
            shelf=shelf, place=shelf.places + n, identifier=one, document=_written(row),
            revision=shelf.revision, created=stamp, modified=stamp,
        )
        for n, (one, row) in enumerate(rows.items())
    ]  # fmt: skip
    shelf.places, shelf.records = shelf.places + len(new), shelf.records + len(new)
    return {one.identifier: one.pk for one in Record.objects.bulk_create(new)}


def _let_go(shelves: Mapping[str, Shelf], kind: Kind, gone: Sequence[int]) -> None:
    """Take records away whole, out of every group they are in, as RFC 7644 3.6 has it."""
    if not gone:
        return
    shelves[kind.name].records -= len(gone)
    mine = "user" if kind.name == USERS else "group"
    for some in portions(gone):
        members = Member.objects.filter(**{f"{mine}__in": some})
        if kind.name == USERS:
            left = set(members.values_list("group", flat=True))
            touch_groups(shelves[GROUPS], left)
        members.delete()
        _forget(some)
        Record.objects.filter(pk__in=some).delete()


def numbers_of(shelf: Shelf, identifiers: Iterable[str]) -> dict[str, int]:
    """Give the numbers of the records that have some identifiers."""
    own = statements.in_portions(Record.objects.filter(shelf=shelf), identifiers)
    return {one.identifier: one.pk for one in own}


def _forget(records: Sequence[int]) -> None:
    for some in portions(records):
        Entry.objects.filter(record__in=some).delete()


def _entries(
    shelf: Shelf, kind: Kind, record: int, row: Row
) -> list[tuple[int, int, str, str, int, str, str]]:
    return [
        (shelf.pk, record, one.field.name, one.path, one.entry or 0,
         one.asked_by[: statements.HEAD], one.asked_by)
        for one in placed(row, kind.fields)
    ]  # fmt: skip


def _written(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False, sort_keys=True)

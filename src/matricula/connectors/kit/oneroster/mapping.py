"""What writes do to the rows of one file: pure, on values, one outcome per write.

A refused write leaves everything as it was. References to other files are judged write
by write; those within the file (a parent, an agent) at the end, so that a batch may
bring both ends in any order.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import ConnectorError, SkipRow, TryAgain
from matricula.connectors.kit.oneroster import rules
from matricula.connectors.kit.oneroster.tables import KEY
from matricula.connectors.kit.protocol import Outcome, asks_for_nobody

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from matricula.connectors.kit.oneroster.tables import Column, FileTable
    from matricula.connectors.kit.protocol import Value, Write

ENABLED = "enabledUser"
USERS = "users"
Row = dict[str, str | None]
Index = dict[tuple[str | None, ...], list[str]]
# Columns by which a file refers to itself, with the cells that do, by `sourcedId`.
Inward = list[tuple["Column", dict[str, str]]]


@dataclass(slots=True)
class Sheet:
    """The rows of one file that a batch may touch, and what it has done to them.

    Attributes:
        spec: The file.
        writable: The columns a flow may write, by name.
        before: The rows that were there, by `sourcedId`; only those the batch touches.
        present: Every `sourcedId` of the file.
        elsewhere: Other file to its identifiers, for all files this one refers to.
        named: Records that rows of other files name, and where.
        indexes: Columns to their index, for every set of columns a write matches by.
        after: What the batch has made of rows; None for one that is gone.
    """

    spec: FileTable
    writable: Mapping[str, Column]
    before: Mapping[str, Row]
    present: Collection[str]
    elsewhere: Mapping[str, Collection[str]]
    named: Mapping[str, str]
    indexes: dict[tuple[str, ...], Index]
    after: dict[str, Row | None] = field(default_factory=dict)

    def row(self, identifier: str) -> Row | None:
        """Give a row as it is now."""
        return self.after[identifier] if identifier in self.after else self.before.get(identifier)

    def holds(self, identifier: str) -> bool:
        """Say whether a record is there now."""
        if identifier in self.after:
            return self.after[identifier] is not None
        return identifier in self.present

    def matching(self, match: Mapping[str, Value]) -> list[str]:
        """Find the records that equal every field of a mapping."""
        # A record is never recognised by what it does not have.
        if asks_for_nobody(match):
            return []
        names = tuple(sorted(match))
        wanted = tuple(as_text(match[name]) for name in names)
        if names == (KEY,):
            return [str(wanted[0])] if self.holds(str(wanted[0])) else []
        return [one for one in self.indexes[names].get(wanted, []) if self.holds(one)]

    def put(self, identifier: str, row: Row | None) -> None:
        """Set or take away a row, and keep the indexes true."""
        old = self.row(identifier)
        for names, index in self.indexes.items():
            if old is not None and identifier in index.get(_spelling(old, names), ()):
                index[_spelling(old, names)].remove(identifier)
            if row is not None:
                index.setdefault(_spelling(row, names), []).append(identifier)
        self.after[identifier] = row


def touched(writes: Sequence[Write]) -> tuple[set[str], set[tuple[str, ...]]]:
    """List the identifiers and the sets of columns by which writes name records."""
    identifiers = {write.external_id for write in writes if write.external_id}
    identifiers |= {str(write.fields[KEY]) for write in writes if write.fields.get(KEY)}
    identifiers |= {str(write.match[KEY]) for write in writes if write.match.get(KEY)}
    names = {tuple(sorted(write.match)) for write in writes if write.match}
    return identifiers, names - {(KEY,)}


def apply(sheet: Sheet, writes: Sequence[Write], inward: Callable[[], Inward]) -> list[Outcome]:
    """Apply writes to a sheet in their order.

    Args:
        sheet: Changed in place; `after` holds what is to be stored.
        writes: Verbs and fields that the file has; the caller has made sure.
        inward: Looks up how the file refers to itself, as it was before; asked once at most.

    Returns:
        One outcome per write, in order.
    """
    done: list[tuple[Write, Outcome]] = []
    refused: dict[str, ConnectorError] = {}
    claims = Claims()
    for write in writes:
        try:
            done.append((write, _do(sheet, write, claims)))
        except (SkipRow, TryAgain) as refusal:
            refused[write.key] = refusal
    undone = _settle(sheet, inward)
    for write, outcome in done:
        if outcome.external_id in undone:
            refused[write.key] = undone[outcome.external_id]
    found = {write.key: outcome for write, outcome in done}
    return [
        Outcome(one.key, error=refused[one.key]) if one.key in refused else found[one.key]
        for one in writes
    ]


def as_text(value: Value) -> str | None:
    """Write a value as the standard's text."""
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _do(sheet: Sheet, write: Write, claims: Claims) -> Outcome:
    if write.kind == "create":
        return _create(sheet, write, claims)
    return Outcome(write.key, _do_to_a_copy(sheet, write))


def _do_to_a_copy(sheet: Sheet, write: Write) -> str:
    identifier = write.external_id or ""
    if write.kind == "delete":
        return _delete(sheet, identifier)
    row = sheet.row(identifier)
    if row is None:
        raise SkipRow(
            f"There is no {identifier} in {sheet.spec.name}.",
            code="M605",
            cure="Nothing to do by hand: the next full run sees that it is gone.",
        )
    # Only what changed: another field may have been edited here, and whether that is
    # restored, reported or adopted is the flow's to say.
    names = (write.changed & set(write.fields)) or set(write.fields)
    changes = {} if write.kind == "suspend" else _stored(sheet, write.fields, names)
    _store(sheet, identifier, {**row, **changes, **_mark(write.kind)})
    return identifier


def _create(sheet: Sheet, write: Write, claims: Claims) -> Outcome:
    row = _stored(sheet, write.fields, write.fields)
    stated = row.get(KEY) or ""
    there = sheet.matching(write.match) if write.match else []
    there = there or ([stated] if stated and sheet.holds(stated) else [])
    if not there:
        usual: Row = {ENABLED: "true"} if sheet.spec.name == USERS else {}
        _store(sheet, stated, {**usual, **{n: v for n, v in row.items() if v is not None}})
        claims.made(write, stated)
        return Outcome(write.key, stated)
    if len(there) > 1 or (stated and there != [stated]):
        raise _ambiguous(sheet, stated, there)
    claims.take_over(write, there[0])
    return Outcome(write.key, _adopt(sheet, there[0], row, write), adopted=True)


def _adopt(sheet: Sheet, identifier: str, row: Row, write: Write) -> str:
    present = sheet.row(identifier) or {}
    if any(present.get(name) != as_text(value) for name, value in write.match.items()):
        raise _ambiguous(sheet, identifier, [identifier])
    # A proposed value never replaces what the record's owner has put there.
    granted = write.changed or frozenset(row)
    changes = {n: v for n, v in row.items() if n in granted or present.get(n) is None}
    _store(sheet, identifier, {**present, **changes})
    return identifier


def _delete(sheet: Sheet, identifier: str) -> str:
    if identifier in sheet.named and sheet.holds(identifier):
        raise _still_named(sheet, identifier, sheet.named[identifier])
    if sheet.holds(identifier):
        sheet.put(identifier, None)
    return identifier


def _store(sheet: Sheet, identifier: str, row: Row) -> None:
    for column in sheet.spec.columns:
        value = row.get(column.name)
        if not value and column.required:
            raise _refused(column.name, rules.breach_of(column, value))
        if value and column.refers in sheet.elsewhere:
            _must_be_known(column, value, sheet.elsewhere[column.refers])
    if row[KEY] != identifier:
        raise _refused(KEY, "another one than the record has, and identifiers never change")
    sheet.put(identifier, row)


def _stored(sheet: Sheet, fields: Mapping[str, Value], names: Collection[str]) -> Row:
    return {name: _cell(sheet.writable[name], fields[name]) for name in names}


def _cell(column: Column, value: Value) -> str | None:
    text = as_text(value)
    if text is None:
        return None
    if not text:
        raise _refused(column.name, "an empty text, which a CSV file reads as none at all")
    try:
        # Most text is plain, and then there is nothing to try.
        _ = text.isascii() or text.encode()
    except UnicodeEncodeError as error:
        raise _refused(column.name, "no text that UTF-8 can hold") from error
    breach = rules.breach_of(column, text)
    if breach:
        raise _refused(column.name, breach)
    return text


def _mark(kind: str) -> Row:
    if kind == "suspend":
        return {ENABLED: "false"}
    return {ENABLED: "true"} if kind == "resume" else {}


def _settle(sheet: Sheet, inward: Callable[[], Inward]) -> dict[str, ConnectorError]:
    """Undo what would leave a reference within the file dangling; until none is left."""
    undone: dict[str, ConnectorError] = {}
    if not sheet.after:
        return undone
    references = inward()
    lost = [one for column, cells in references for one in _lost(sheet, column, cells)]
    while lost:
        for identifier, column, target in lost:
            if sheet.after.get(target, ()) is None:
                # Deleted in this batch, and still named by a row that stays.
                undone[target] = _still_named(sheet, target, f"{sheet.spec.name}.{column.name}")
                _restore(sheet, target)
            elif identifier in sheet.after and not sheet.holds(target):
                undone[identifier] = _unknown_reference(column, target)
                _restore(sheet, identifier)
        # What was undone may have been what others name.
        lost = [one for column, cells in references for one in _lost(sheet, column, cells)]
    return undone


def _lost(sheet: Sheet, column: Column, cells: Mapping[str, str]) -> list[tuple[str, Column, str]]:
    lost: list[tuple[str, Column, str]] = []
    for identifier in (*cells, *(one for one in sheet.after if one not in cells)):
        row = sheet.after.get(identifier, {column.name: cells.get(identifier)})
        value = row.get(column.name) if row is not None else None
        lost.extend(
            (identifier, column, target)
            for target in _targets(column, value)
            if not sheet.holds(target)
        )
    return lost


def _restore(sheet: Sheet, identifier: str) -> None:
    sheet.put(identifier, sheet.before.get(identifier))
    del sheet.after[identifier]


def _must_be_known(column: Column, value: str, known: Collection[str]) -> None:
    for target in _targets(column, value):
        if target not in known:
            raise _unknown_reference(column, target)


def _targets(column: Column, value: str | None) -> list[str]:
    if not value:
        return []
    return value.split(",") if column.kind == "guids" else [value]


def _unknown_reference(column: Column, target: str) -> SkipRow:
    return SkipRow(
        f"{column.name} names {target}, which is not in {column.refers}.",
        code="M456",
        cure=f"Deliver {column.refers} first, or correct {column.name} at its owner.",
    )


def _still_named(sheet: Sheet, identifier: str, where: str) -> TryAgain:
    return TryAgain(
        f"{identifier} cannot leave {sheet.spec.name}: {where} still names it.",
        code="M456",
        cure="It is tried again; what names it has to leave first.",
    )


def _ambiguous(sheet: Sheet, stated: str, there: list[str]) -> SkipRow:
    return SkipRow(
        f"{stated or 'A new record'} is to be written to {sheet.spec.name}, where "
        f"{', '.join(there[:3])} already answers to its match.",
        code="M606",
        cure="Have the office of the bundle merge or correct these records.",
    )


def _refused(name: str, breach: str) -> SkipRow:
    return SkipRow(
        f"The value of {name} is {breach}.", code="M604", cure=f"Correct {name} at its owner."
    )


def _spelling(row: Row, names: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(row.get(name) for name in names)

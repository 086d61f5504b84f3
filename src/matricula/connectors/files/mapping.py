"""What writes do to the rows of a file: pure, on values, one outcome per write.

A sheet is the whole file in memory. A refused write leaves it as it was.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Outcome, Value, Write, asks_for_nobody
from matricula.kernel.digests import canonical
from matricula.kernel.keys import join_key

if TYPE_CHECKING:
    from matricula.connectors.files.settings import FileResource

Row = dict[str, object]
Store = Callable[[str, Value], object]
_NOT_A_KEY = re.compile(
    r"[0-9](\.[0-9]+)?[eE]\+[0-9]+|[0-9]{1,2}-[A-Z][a-z]{2}|[A-Z][a-z]{2}-[0-9]{2}"
)

# What a spreadsheet takes for a formula. A plain number is none, whatever its sign.
_FORMULA = re.compile(r"(?![+-]?[0-9]+(\.[0-9]+)?\Z)[=+\-@\t\r]")


@dataclass(slots=True)
class Sheet:
    """All rows of a file by `_id`, in order, with the columns they have.

    Attributes:
        key: The columns that `_id` is made of.
        columns: In the file's order; new ones come last.
        rows: `_id` to column to what the format holds there.
    """

    key: tuple[str, ...]
    columns: list[str]
    rows: dict[str, Row]
    _indexes: dict[tuple[str, ...], dict[tuple[str | None, ...], list[str]]] = field(
        default_factory=dict
    )

    def matching(self, match: Mapping[str, Value]) -> list[str]:
        """Find the ids of all rows that equal every field of the mapping; a blank equals none."""
        if asks_for_nobody(match):
            return []
        if set(match) == set(self.key):
            identifier = join_key(as_text(match[name]) or "" for name in self.key)
            return [identifier] if identifier in self.rows else []
        names = tuple(sorted(name for name in match if name != "_id"))
        wanted = tuple(as_text(match[name]) for name in names)
        found = self._index(names).get(wanted, []) if names else list(self.rows)
        if "_id" not in match:
            return list(found)
        stated = str(match["_id"])
        if not names:
            return [stated] if stated in self.rows else []
        return [one for one in found if one == stated]

    def put(self, identifier: str, row: Row) -> None:
        """Set a row, new or in place of the one that is there."""
        self.remove(identifier, keep_place=True)
        self.rows[identifier] = row
        self.columns.extend(name for name in row if name not in self.columns)
        for names, index in self._indexes.items():
            index.setdefault(_spelling(row, names), []).append(identifier)

    def remove(self, identifier: str, *, keep_place: bool = False) -> None:
        """Take a row away, if it is there."""
        row = self.rows.get(identifier)
        if row is None:
            return
        for names, index in self._indexes.items():
            index[_spelling(row, names)].remove(identifier)
        if not keep_place:
            del self.rows[identifier]

    def _index(self, names: tuple[str, ...]) -> dict[tuple[str | None, ...], list[str]]:
        if names not in self._indexes:
            index: dict[tuple[str | None, ...], list[str]] = {}
            for identifier, row in self.rows.items():
                index.setdefault(_spelling(row, names), []).append(identifier)
            self._indexes[names] = index
        return self._indexes[names]


def apply(
    sheet: Sheet, writes: Sequence[Write], resource: FileResource, *, store: Store
) -> list[Outcome]:
    """Apply writes to a sheet in their order.

    Args:
        sheet: Changed in place.
        writes: Verbs and fields that the resource has; the caller has made sure.
        resource: Key, patterns and marks of suspension.
        store: Turns a value into what the format holds; raises `SkipRow` naming the field
            when it cannot hold the value unharmed.

    Returns:
        One outcome per write, in order.
    """
    hand = _Hand(sheet, resource, store, Claims())
    outcomes = []
    for write in writes:
        try:
            outcomes.append(hand.do(write))
        except SkipRow as refusal:
            outcomes.append(Outcome(write.key, error=refusal))
    return outcomes


def as_text(value: object) -> str | None:
    """Write a stored or intended value as text, so that the two compare."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | datetime):
        return value.isoformat()
    return canonical(value) if isinstance(value, dict | list) else str(value)


def as_value(value: object) -> Value:
    """Turn a stored value into one that a look-up may return."""
    return value if isinstance(value, bool | int) else as_text(value)


@dataclass(frozen=True, slots=True)
class _Hand:
    sheet: Sheet
    resource: FileResource
    store: Store
    claims: Claims

    def do(self, write: Write) -> Outcome:
        if write.kind == "create":
            return self._create(write)
        return Outcome(write.key, self._do_to_a_copy(write))

    def _do_to_a_copy(self, write: Write) -> str:
        identifier = write.external_id or ""
        if write.kind == "delete":
            self.sheet.remove(identifier)
            return identifier
        row = self.sheet.rows.get(identifier)
        if row is None:
            raise SkipRow(
                f"There is no record {identifier} in {self.resource.file}.",
                code="M605",
                cure="Nothing to do by hand: the next full run sees that it is gone.",
            )
        return self._change(identifier, row, self._changes(write))

    def _changes(self, write: Write) -> Row:
        mark = self._mark(write.kind)
        if write.kind == "suspend":
            return mark
        # Only what changed: another field may have been edited here, and whether that is
        # restored, reported or adopted is the flow's to say.
        names = (write.changed & set(write.fields)) or set(write.fields)
        return {**self._stored({n: v for n, v in write.fields.items() if n in names}), **mark}

    def _mark(self, kind: str) -> Row:
        suspend = self.resource.suspend
        if suspend is None or kind not in {"suspend", "resume"}:
            return {}
        value = suspend.value if kind == "suspend" else suspend.resume_value
        return {suspend.field: self.store(suspend.field, value)}

    def _create(self, write: Write) -> Outcome:
        row = self._stored(write.fields)
        identifier = self._identify(row)
        there = self.sheet.matching(write.match) if write.match else []
        there = there or [one for one in (identifier,) if one in self.sheet.rows]
        if not there:
            suspend = self.resource.suspend
            if suspend and suspend.resume_value is not None:
                row.setdefault(suspend.field, self.store(suspend.field, suspend.resume_value))
            self.sheet.put(identifier, row)
            self.claims.made(write, identifier)
            return Outcome(write.key, identifier)
        if there != [identifier] or not self._agrees(identifier, write.match):
            raise self._ambiguous(identifier, there)
        self.claims.take_over(write, identifier)
        return Outcome(write.key, self._adopt(identifier, row, write), adopted=True)

    def _agrees(self, identifier: str, match: Mapping[str, Value]) -> bool:
        row = self.sheet.rows[identifier]
        return all(as_text(row.get(name)) == as_text(value) for name, value in match.items())

    def _adopt(self, identifier: str, row: Row, write: Write) -> str:
        # A proposed value never replaces what the record's owner has put there.
        present = self.sheet.rows[identifier]
        granted = write.changed or frozenset(row)
        changes = {n: v for n, v in row.items() if n in granted or present.get(n) is None}
        return self._change(identifier, present, changes)

    def _change(self, identifier: str, row: Row, changes: Row) -> str:
        changed = {**row, **changes}
        if not set(changes) & set(self.resource.key):
            self.sheet.put(identifier, changed)
            return identifier
        renamed = self._identify(changed)
        if renamed != identifier and renamed in self.sheet.rows:
            raise self._ambiguous(renamed, [renamed])
        if renamed != identifier:
            self.sheet.remove(identifier)
        self.sheet.put(renamed, changed)
        return renamed

    def _stored(self, fields: Mapping[str, Value]) -> Row:
        for name, pattern in self.resource.patterns.items():
            value = as_text(fields.get(name))
            if value is not None and not re.fullmatch(pattern, value):
                raise _refused(name, "does not have the form that `patterns:` asks for")
        for name, told in fields.items() if self.resource.spreadsheet_safe else ():
            if isinstance(told, str) and _FORMULA.match(told):
                raise _refused(name, "is one that a spreadsheet would take for a formula")
        return {name: self.store(name, value) for name, value in fields.items()}

    def _identify(self, row: Row) -> str:
        parts = []
        for name in self.resource.key:
            part = as_text(row.get(name)) or ""
            if not part.strip():
                raise _refused(name, "is part of the key and may not be blank")
            if _NOT_A_KEY.fullmatch(part):
                raise _refused(name, "looks like a key that a spreadsheet has damaged")
            parts.append(part)
        return join_key(parts)

    def _ambiguous(self, identifier: str, there: list[str]) -> SkipRow:
        found = ", ".join(there[:3])
        return SkipRow(
            f"The record {identifier} is to be written to {self.resource.file}, where "
            f"{found} already answers to its key or its match.",
            code="M606",
            cure="Have the file's office merge or correct these records.",
        )


def _refused(name: str, why: str) -> SkipRow:
    return SkipRow(
        f"The value of {name} {why}.", code="M604", cure=f"Correct {name} at its owner."
    )


def _spelling(row: Row, names: tuple[str, ...]) -> tuple[str | None, ...]:
    return tuple(as_text(row.get(name)) for name in names)

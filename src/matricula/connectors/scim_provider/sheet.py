"""What writes do to records: pure, on flat rows, one outcome per write, in their order.

A refused write leaves everything as it was.
"""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from matricula.connectors.kit.claims import Claims
from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import Outcome, asks_for_nobody
from matricula.connectors.kit.scim.values import Misfit, canonical, equal
from matricula.connectors.scim_provider.entries import placed
from matricula.connectors.scim_provider.kinds import ACTIVE, EXTERNAL_ID, USERS

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, Write
    from matricula.connectors.kit.scim.attributes import Attribute
    from matricula.connectors.scim_provider.kinds import Kind

    Row = Mapping[str, Value]

# A consumer follows these; the standard has them as references.
_ADDRESSES = frozenset({"profileUrl", "photos"})


@dataclass(slots=True)
class Sheet:
    """The records that a batch may touch, and what it has done to them.

    Attributes:
        kind: What they are.
        before: The rows that were there, by `id`.
        after: What the batch has made of rows; None for one that is gone.
        holders: Flat field to text to those who have it; kept true by `put`.
    """

    kind: Kind
    before: Mapping[str, Row]
    after: dict[str, Row | None] = field(default_factory=dict)
    holders: dict[str, dict[str, set[str]]] = field(default_factory=dict)

    def row(self, identifier: str) -> Row | None:
        """Give a row as it is now."""
        return self.after[identifier] if identifier in self.after else self.before.get(identifier)

    def put(self, identifier: str, row: Row | None) -> None:
        """Set or take away a row."""
        for name, text in _texts(self.kind, self.row(identifier) or {}, self.holders):
            self.holders[name].get(text, set()).discard(identifier)
        self.after[identifier] = row
        for name, text in _texts(self.kind, row or {}, self.holders):
            self.holders[name].setdefault(text, set()).add(identifier)

    def equal_to(self, wanted: Mapping[str, Value]) -> list[str]:
        """Find the records that equal every value; a blank is nobody's.

        Args:
            wanted: Of fields that are in `holders`.
        """
        if not wanted or asks_for_nobody(wanted):
            return []
        name, value = next(iter(wanted.items()))
        asked = asked_by(self.kind, name, value)
        known = self.holders[name].get(asked, set()) if asked else set()
        return sorted(one for one in known if equals(self.kind, self.row(one) or {}, wanted))


def asked_by(kind: Kind, name: str, value: Value) -> str:
    """Give the text by which records with a value are looked up; empty where there is none."""
    try:
        row = {name: canonical(kind.fields[name], value)}
    except Misfit:
        return ""
    return next((one.asked_by for one in placed(row, {name: kind.fields[name]})), "")


def equals(kind: Kind, row: Row, wanted: Mapping[str, Value]) -> bool:
    """Whether a row has every wanted value, as SCIM compares them."""
    try:
        return all(
            equal(kind.fields[name], row.get(name), canonical(kind.fields[name], value))
            for name, value in wanted.items()
        )
    except Misfit:
        return False


def names_of(kind: Kind, writes: Sequence[Write]) -> dict[str, list[Value]]:
    """List the fields by which writes look for records, with the values they look for."""
    found: dict[str, list[Value]] = {name: [] for name in (kind.unique, EXTERNAL_ID) if name}
    for write in writes:
        for name in list(write.match)[:1]:
            found.setdefault(name, []).append(write.match[name])
        for name in (kind.unique, EXTERNAL_ID):
            if name in write.fields:
                found[name].append(write.fields[name])
    return found


def apply(sheet: Sheet, writes: Sequence[Write]) -> list[Outcome]:
    """Apply writes to a sheet, whose `after` then holds what is to be stored.

    Args:
        sheet: With holders of all that `names_of` lists.
        writes: Verbs and fields that the kind has; the caller has made sure.
    """
    claims = Claims()
    outcomes = []
    for write in writes:
        try:
            outcomes.append(_done(sheet, write, claims))
        except SkipRow as refusal:
            outcomes.append(Outcome(write.key, error=refusal))
    return outcomes


def _done(sheet: Sheet, write: Write, claims: Claims) -> Outcome:
    if write.kind == "create":
        return _create(sheet, write, claims)
    identifier = write.external_id or ""
    row = sheet.row(identifier)
    if write.kind == "delete":
        if row is not None:
            sheet.put(identifier, None)
        return Outcome(write.key, identifier)
    if row is None:
        raise SkipRow(
            f"There is no {identifier} in {sheet.kind.name}.", code="M605",
            cure="Nothing to do by hand: the next full run sees that it is gone.",
        )  # fmt: skip
    # Only what changed: another field may have been edited here, and whether that is
    # restored, reported or adopted is the flow's to say.
    names = (write.changed & set(write.fields)) or set(write.fields)
    changes = {} if write.kind == "suspend" else _values(sheet.kind, write.fields, names)
    if write.kind != "update":
        changes[ACTIVE] = write.kind == "resume"
    _store(sheet, identifier, {**row, **changes})
    return Outcome(write.key, identifier)


def _create(sheet: Sheet, write: Write, claims: Claims) -> Outcome:
    row = _values(sheet.kind, write.fields, write.fields)
    there = sheet.equal_to(write.match)
    if not there and row.get(EXTERNAL_ID) is not None:
        there = sheet.equal_to({EXTERNAL_ID: row[EXTERNAL_ID]})
    if len(there) > 1:
        raise SkipRow(
            f"{len(there)} records of {sheet.kind.name} answer to what should identify one.",
            code="M606", cure="Correct their identifiers at the owner.",
        )  # fmt: skip
    if there:
        claims.take_over(write, there[0])
        present = sheet.row(there[0]) or {}
        # A proposed value never replaces what stands there.
        granted = write.changed or frozenset(row)
        changes = {n: v for n, v in row.items() if n in granted or present.get(n) is None}
        _store(sheet, there[0], {**present, **changes})
        return Outcome(write.key, there[0], adopted=True)
    identifier = str(uuid.uuid4())
    usual = {ACTIVE: True} if sheet.kind.name == USERS else {}
    _store(sheet, identifier, {**usual, **row})
    claims.made(write, identifier)
    return Outcome(write.key, identifier)


def _store(sheet: Sheet, identifier: str, row: Row) -> None:
    kept = {name: value for name, value in row.items() if value is not None}
    for name, one in sheet.kind.fields.items():
        if one.required and not kept.get(name):
            raise _refused(name, "is missing, and every record has one")
    unique = sheet.kind.unique
    if unique:
        others = set(sheet.equal_to({unique: kept[unique]})) - {identifier}
        if others:
            raise SkipRow(
                f"{unique} is another record's already; capitals make no difference.",
                code="M606", cure="Give one of the two records another value at its owner.",
            )  # fmt: skip
    sheet.put(identifier, kept)


def _values(kind: Kind, fields: Row, names: Collection[str]) -> dict[str, Value]:
    return {name: _value(kind.fields[name], fields[name]) for name in names}


def _value(one: Attribute, value: Value) -> Value:
    try:
        found = canonical(one, value)
    except Misfit as misfit:
        raise _refused(misfit.field, misfit.why) from misfit
    if "\0" in "".join(json.loads(str(found)) if one.type == "json" and found else str(found)):
        raise _refused(one.name, "holds a NUL, which no database keeps")
    if one.attribute in _ADDRESSES and found and not _leads_somewhere(str(found)):
        raise _refused(one.name, "is no address as in https://host/path")
    return found


def _leads_somewhere(address: str) -> bool:
    try:
        return bool(urlsplit(address).scheme)
    except ValueError:
        return False


def _refused(name: str, why: str) -> SkipRow:
    return SkipRow(f"{name} {why}.", code="M604", cure=f"Correct {name} at its owner.")


def _texts(kind: Kind, row: Row, names: Collection[str]) -> list[tuple[str, str]]:
    own = placed(row, {name: kind.fields[name] for name in names})
    # The value itself; its type or mark is no way to look a record up.
    return [(one.field.name, one.asked_by) for one in own if one.sub in {one.field.sub, "value"}]

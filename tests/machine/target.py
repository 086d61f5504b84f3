"""A small system in memory behind a connector of our protocol, with everything that goes wrong.

A `Place` is the system: tables of records, whoever edits them by hand, and the faults that
wait for a call. `MemoryConnector` is the way in that Matricula gets, brought by an entry point
like any other distribution's. It is honest: it says what it can do and keeps the kit's promises.
"""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pydantic import BaseModel, ConfigDict

from matricula.connectors.kit.errors import ConnectorError, GiveUp, SkipRow
from matricula.connectors.kit.protocol import (
    Capabilities,
    Context,
    FieldShape,
    Found,
    Health,
    Outcome,
    Reading,
    ResourceShape,
    Value,
    Write,
    asks_for_nobody,
)
from matricula.connectors.kit.subject import ALL_WRITES
from tests.machine.faults import Fault, away, error_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

_PAGE = 3
_ARROW = {"text": pa.string(), "integer": pa.int64()}


@dataclass(slots=True)
class Record:
    """One record; `made_for` is the key that Matricula made it for, blank if somebody else did."""

    identifier: str
    fields: dict[str, Value]
    asleep: bool = False
    made_for: str = ""


@dataclass(slots=True)
class Table:
    """One resource.

    `unique`: fields of which no two records hold one value. `of`: the field that names a record
    of another table, and that table.
    """

    shape: ResourceShape
    records: dict[str, Record] = field(default_factory=dict)
    number: int = 0
    unique: tuple[str, ...] = ()
    of: tuple[str, str] = ("", "")

    def matching(self, match: Mapping[str, Value]) -> list[Record]:
        """Give the records that equal a mapping in all its fields."""
        if not match or asks_for_nobody(match):
            return []
        return [r for r in self.records.values() if all(_says(r, n, v) for n, v in match.items())]

    def add(self, fields: Mapping[str, Value], *, made_for: str = "") -> Record:
        """Make a record under a number of its own."""
        self.number += 1
        whole = {one.name: fields.get(one.name) for one in self.shape.fields}
        made = Record(str(self.number), whole, made_for=made_for)
        self.records[made.identifier] = made
        return made


def _says(record: Record, name: str, value: Value) -> bool:
    own = record.identifier if name == "_id" else record.fields.get(name)
    return own is not None and str(own) == str(value)


@dataclass(frozen=True, slots=True)
class Told:
    """A write as it arrived: when, where, what, and whether it took effect here."""

    at: datetime
    resource: str
    write: Write
    took_effect: bool


def _nobody_looks(_resource: str, _write: Write) -> None:
    return


def _no_step(_what: str) -> None:
    return


@dataclass(slots=True)
class Place:
    """One system.

    Attributes:
        tables: Its resources.
        faults: What goes wrong, each at its call.
        is_away: Whether nobody answers at all.
        renamed: Fields that their table no longer has under that name.
        met: What did go wrong, and how often.
        heard: Every write that arrived.
        taken: What the creations of the present batch have.
        wrong: What must never happen and did, in words.
        look: Called with every write before it takes effect.
        step: Called at every moment at which a process may die.
    """

    tables: dict[str, Table]
    faults: list[Fault] = field(default_factory=list)
    is_away: bool = False
    renamed: set[tuple[str, str]] = field(default_factory=set)
    met: Counter[str] = field(default_factory=Counter)
    heard: list[Told] = field(default_factory=list)
    taken: set[str] = field(default_factory=set)
    wrong: list[str] = field(default_factory=list)
    look: Callable[[str, Write], None] = _nobody_looks
    step: Callable[[str], None] = _no_step

    def fault(self, verb: str) -> str:
        """Say what goes wrong with this call, if anything does."""
        due = (
            ["away"]
            if self.is_away
            else [one.kind for one in self.faults if one.verb == verb and one.is_due()]
        )
        self.met.update(f"{verb} {kind}" for kind in due[:1])
        return due[0] if due else ""

    def fields(self, resource: str) -> list[FieldShape]:
        """List the fields a table has today."""
        shape = self.tables[resource].shape
        return [one for one in shape.fields if (resource, one.name) not in self.renamed]

    def remove(self, resource: str, identifier: str) -> None:
        """Take a record out, and what hangs on it."""
        self.tables[resource].records.pop(identifier, None)
        for table in self.tables.values():
            name, parent = table.of
            if parent == resource:
                hanging = [r for r in table.records.values() if r.fields[name] == identifier]
                for record in hanging:
                    del table.records[record.identifier]

    def effect(self, resource: str, write: Write, at: datetime) -> Outcome:
        """Do one write, and say what became of it."""
        self.look(resource, write)
        try:
            outcome = _DO[write.kind](self, resource, write)
        except ConnectorError as error:
            outcome = Outcome(write.key, error=error)
        self.heard.append(Told(at, resource, write, outcome.error is None))
        return outcome


PLACES: dict[str, Place] = {}


class MemoryConnector:
    """Reads and writes a place in memory."""

    class Settings(BaseModel):
        """Which place."""

        model_config = ConfigDict(extra="forbid", frozen=True)
        place: str

    capabilities = Capabilities(batch_size=_PAGE)

    def __init__(self, settings: Settings, context: Context) -> None:
        self._place = PLACES[settings.place]
        self._system = context.system

    def describe(self) -> Sequence[ResourceShape]:
        """See the protocol."""
        place = self._call("describe")
        return [
            ResourceShape(name, tuple(place.fields(name)), writes=table.shape.writes)
            for name, table in place.tables.items()
        ]

    def ping(self) -> Health:
        """See the protocol."""
        if self._place.is_away:
            return Health(well=False, sentence="Nobody answers.")
        return Health(well=True, sentence="It is there.")

    @contextmanager
    def read(self, resource: str) -> Iterator[Reading]:
        """See the protocol."""
        place, kind = self._place, self._begin("read")
        self._table(resource)
        rows = self._rows(resource, kind)
        columns = {"_id": pa.string()}
        if "suspend" in place.tables[resource].shape.writes:
            columns["_suspended"] = pa.bool_()
        columns |= {one.name: _ARROW[one.type] for one in place.fields(resource)}
        schema = pa.schema([pa.field(name, kind_) for name, kind_ in columns.items()])
        declared = len(rows) + 1 if kind == "short" else len(rows)
        yield Reading(schema, _pages(rows, schema, kind), declared_rows=declared)
        place.step("call")

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """See the protocol."""
        place, table = self._call("find"), self._table(resource)
        self._must_have(resource, {name for match in matches for name in match} - {"_id"})
        names = [one.name for one in place.fields(resource)]
        return [
            [Found(r.identifier, {n: r.fields[n] for n in names}) for r in table.matching(match)]
            for match in matches
        ]

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """See the protocol."""
        place, kind = self._place, self._begin("write")
        place.taken = set()
        self._table(resource)
        self._must_have(resource, {n for w in writes for n in (*w.fields, *w.match)})
        outcomes = list(self._outcomes(resource, writes, kind, at))
        place.step("call")
        if kind in {"lost", "lost_midway"}:
            raise error_of(kind)
        if kind == "broken_after":
            raise KeyError(resource)
        return outcomes[:-1] if kind == "mute" else outcomes

    def close(self) -> None:
        """See the protocol."""

    def _begin(self, verb: str) -> str:
        """Begin a call: the process may die here, or the call fail before anything happened."""
        self._place.step("call")
        kind = self._place.fault(verb)
        if kind == "broken":
            raise RuntimeError(verb)
        if (error := away(kind)) is not None:
            raise error
        return kind

    def _call(self, verb: str) -> Place:
        self._begin(verb)
        return self._place

    def _table(self, resource: str) -> Table:
        if resource not in self._place.tables:
            raise GiveUp(f"There is no {resource}.", code="M602", cure="Correct its name.")
        return self._place.tables[resource]

    def _must_have(self, resource: str, names: set[str]) -> None:
        unknown = sorted(names - {one.name for one in self._place.fields(resource)})
        if unknown:
            raise GiveUp(
                f"{resource} has no field {', '.join(unknown)}.", code="M603", cure="Correct it."
            )

    def _rows(self, resource: str, kind: str) -> list[dict[str, Any]]:
        names = [one.name for one in self._place.fields(resource)]
        rows = [
            {"_id": r.identifier, "_suspended": r.asleep} | {n: r.fields[n] for n in names}
            for r in self._place.tables[resource].records.values()
        ]
        return [] if kind == "empty" else rows[1:] if kind == "skips" else rows

    def _outcomes(
        self, resource: str, writes: Sequence[Write], kind: str, at: datetime
    ) -> Iterator[Outcome]:
        for place, write in enumerate(writes):
            self._place.step("call")
            if kind in {"half", "lost_midway"} and place >= len(writes) / 2:
                yield Outcome(write.key, error=away("away"))
            elif place == 0 and kind in {"row_refused", "row_contended", "row_unsent"}:
                yield Outcome(write.key, error=error_of(kind))
            else:
                outcome = self._place.effect(resource, write, at)
                lost = kind == "row_lost" and place == 0 and outcome.error is None
                yield Outcome(write.key, error=error_of(kind)) if lost else outcome


def _pages(rows: list[dict[str, Any]], schema: pa.Schema, kind: str) -> Iterator[pa.RecordBatch]:
    for start in range(0, max(len(rows), 1), _PAGE):
        if kind == "page_broken":
            raise OSError(kind)
        told = [{n: row.get(n) for n in schema.names} for row in rows[start : start + _PAGE]]
        yield pa.RecordBatch.from_pylist(told, schema=schema)
        if kind in {"page_lost", "page_moved"}:
            raise error_of(kind)


def _known(place: Place, resource: str, write: Write) -> Record:
    found = place.tables[resource].records.get(write.external_id or "")
    if found is None:
        raise SkipRow(
            "the record is not there.", code="M605", cure="The next full run sees that it is gone."
        )
    return found


def _must_fit(place: Place, resource: str, fields: Mapping[str, Value], own: str) -> None:
    """Refuse what another record has already, what hangs on nothing, and what is below zero."""
    table = place.tables[resource]
    for name, value in fields.items():
        twin = [r for r in table.matching({name: value}) if r.identifier != own]
        if name in table.unique and twin:
            raise SkipRow(f"{name} is another record's.", code="M604", cure="Change one of them.")
        if name == table.of[0] and value not in place.tables[table.of[1]].records:
            raise SkipRow(f"{name} names nobody.", code="M604", cure="Make that record first.")
        if isinstance(value, int) and value < 0:
            raise SkipRow(f"{name} is below zero.", code="M604", cure="Correct it.")


def _create(place: Place, resource: str, write: Write) -> Outcome:
    table = place.tables[resource]
    found = table.matching(write.match)
    if len(found) > 1:
        raise SkipRow("several records match.", code="M606", cure="Merge them.")
    own = found[0].identifier if found else ""
    _must_fit(place, resource, write.fields, own)
    if found:
        write.must_be_free(own)
        if own in place.taken:
            raise SkipRow("it was made just now.", code="M606", cure="Tell them apart.")
        place.taken.add(own)
        found[0].fields |= write.fields
        found[0].asleep = False
        return Outcome(write.key, own, adopted=True)
    if any(r.made_for == write.key for r in table.records.values()):
        place.wrong.append(f"{resource} {write.key}: a second record was made for it")
    made = table.add(write.fields, made_for=write.key)
    place.taken.add(made.identifier)
    return Outcome(write.key, made.identifier)


def _update(place: Place, resource: str, write: Write) -> Outcome:
    record = _known(place, resource, write)
    # What did not change is left alone: somebody may be deciding about an edit there.
    names = write.changed or set(write.fields)
    told = {name: value for name, value in write.fields.items() if name in names}
    _must_fit(place, resource, told, record.identifier)
    record.fields |= told
    if write.kind == "resume":
        record.asleep = False
    return Outcome(write.key, record.identifier)


def _suspend(place: Place, resource: str, write: Write) -> Outcome:
    record = _known(place, resource, write)
    record.asleep = True
    return Outcome(write.key, record.identifier)


def _delete(place: Place, resource: str, write: Write) -> Outcome:
    place.remove(resource, write.external_id or "")
    return Outcome(write.key, write.external_id)


_DO: Mapping[str, Callable[[Place, str, Write], Outcome]] = {
    "create": _create, "update": _update, "resume": _update, "suspend": _suspend,
    "delete": _delete,
}  # fmt: skip


def table(name: str, fields: Sequence[FieldShape], **more: Any) -> Table:
    """Make an empty table that takes every verb."""
    return Table(ResourceShape(name, tuple(fields), writes=ALL_WRITES), **more)

"""What the conformance suite needs to know of a connector, and how its checks speak.

A subject is written beside a connector's tests; it must not reach into the connector.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import ReadBack, SkipRow, TryAgain
from matricula.connectors.kit.protocol import Connector, Outcome, Value, Write, WriteKind

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

AT = datetime(2026, 9, 1, 6, 0, tzinfo=UTC)
ALL_WRITES: frozenset[WriteKind] = frozenset({"create", "update", "suspend", "resume", "delete"})
Row = Mapping[str, Value]


class Unfit(AssertionError):
    """A connector that breaks the protocol; the message says which promise."""


@dataclass(frozen=True, slots=True)
class Subject:
    """One resource of one connector, ready to be tried.

    Attributes:
        name: For the names of tests: `files`, `scim-users`.
        make: Given an empty folder, a context manager whose value is a fresh connector on
            a counterpart that holds no record of the resource. It starts and ends servers.
        resource: The resource the checks write to and read from.
        row: The n-th sample row (n from 0, up to a few hundred): a complete payload for
            `create`, without `_id`, different from every other in each field of `match`.
        match: The fields of a row that recognise an existing record.
        change: A field that is not in `match`, and a value for it that no sample row has.
        text: A field, not in `match`, for free text of any length and script; empty when
            the resource has none.
        clears: A field that may be emptied; empty when there is none.
        writes: The verbs that the resource supports.
        identity: The field that the external id must equal; empty when the system
            gives identifiers of its own.
        refused: Values which, laid over a sample row, make the system refuse that row;
            empty when it accepts everything.
        absent_id: An identifier of the system's form that names no record.
        many: So many rows force the connector to page; reading must return them all.
        seed: Puts rows there by the system's own means, given the folder and the rows; for
            systems that cannot be written to.
        away: Like `make`, but the counterpart cannot be reached or is not there.
        tells: Whether the resource tells its changes (`TellsChanges`).
    """

    name: str
    make: Callable[[Path], AbstractContextManager[Connector]]
    resource: str
    row: Callable[[int], Row]
    match: tuple[str, ...]
    change: tuple[str, Value] = ("", None)
    text: str = ""
    clears: str = ""
    writes: frozenset[WriteKind] = ALL_WRITES
    identity: str = ""
    refused: Row | None = None
    absent_id: str = "no-such-record"
    many: int = 230
    seed: Callable[[Path, Sequence[Row]], None] | None = None
    away: Callable[[Path], AbstractContextManager[Connector]] | None = None
    tells: bool = False


@dataclass(frozen=True, slots=True)
class Trial:
    """A subject whose connector is running."""

    subject: Subject
    folder: Path
    connector: Connector

    def creation(self, n: int, **over: Value) -> Write:
        """Intend to create the n-th sample row, with some fields replaced."""
        fields = {**self.subject.row(n), **over}
        match = {name: fields[name] for name in self.subject.match}
        return Write(f"key-{n}", "create", None, fields, frozenset(fields), match)

    def write(self, *writes: Write) -> list[Outcome]:
        """Write in batches that the connector accepts; outcomes must pair with writes."""
        size = self.connector.capabilities.batch_size
        outcomes: list[Outcome] = []
        for start in range(0, len(writes), size):
            batch = writes[start : start + size]
            answer = self.connector.write(self.subject.resource, batch, at=AT)
            keys = [write.key for write in batch]
            expect([one.key for one in answer] == keys, "one outcome per write, in order")
            for one in answer:
                fits = one.error is None or isinstance(one.error, SkipRow | TryAgain | ReadBack)
                expect(fits, f"the outcome of a record is no {type(one.error).__name__}")
            outcomes.extend(answer)
        return outcomes

    def fill(self, count: int) -> list[str]:
        """Have the first sample rows there; return their identifiers where we wrote them."""
        if "create" in self.subject.writes:
            outcomes = self.write(*(self.creation(n) for n in range(count)))
            return [done(outcome) for outcome in outcomes]
        if self.subject.seed is None:
            message = "a subject that cannot create needs `seed`"
            raise Unfit(message)
        self.subject.seed(self.folder, [self.subject.row(n) for n in range(count)])
        return []

    def rows(self) -> dict[str, dict[str, object]]:
        """Read the whole resource, by `_id`."""
        found: dict[str, dict[str, object]] = {}
        with self.connector.read(self.subject.resource) as reading:
            for batch in reading.batches:
                expect(batch.schema.equals(reading.schema), "every batch has the stated schema")
                for row in batch.to_pylist():
                    expect(isinstance(row["_id"], str), "`_id` is text and never null")
                    expect(row["_id"] not in found, "`_id` names one record only")
                    found[row["_id"]] = row
        return found


@contextmanager
def trial(subject: Subject, folder: Path) -> Iterator[Trial]:
    """Run the subject's connector on an empty counterpart."""
    with subject.make(folder) as connector:
        yield Trial(subject, folder, connector)


def expect(fact: object, promise: str) -> None:
    """Raise `Unfit` with the promise, unless the fact holds."""
    if not fact:
        raise Unfit(promise)


def done(outcome: Outcome) -> str:
    """Return the identifier of a write that must have been done."""
    expect(outcome.error is None, f"the write of {outcome.key} is done, not: {outcome.error}")
    expect(outcome.external_id, f"the outcome of {outcome.key} has an identifier")
    return outcome.external_id or ""


def assert_holds(seen: Mapping[str, object], written: Row, *, but: frozenset[str]) -> None:
    """Compare every written field with what was read; an absent column counts as null."""
    for name, value in written.items():
        if name not in but:
            fact = same(value, seen.get(name))
            expect(fact, f"{name} reads as it was written: {value!r}, not {seen.get(name)!r}")


def same(written: Value, seen: object) -> bool:
    """Say whether what was read is what was written, across the types a system may have."""
    if written is None or seen is None:
        return written is None and seen is None
    if isinstance(written, bool) or isinstance(seen, bool):
        return str(written).lower() == str(seen).lower()
    if isinstance(seen, datetime):
        then = datetime.fromisoformat(str(written))
        return _in_utc(then) == _in_utc(seen)
    if isinstance(seen, date):
        return str(written) == seen.isoformat()
    if isinstance(seen, int | float | Decimal):
        return _same_number(str(written), str(seen))
    return str(written) == seen


def _in_utc(moment: datetime) -> datetime:
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _same_number(written: str, seen: str) -> bool:
    try:
        return Decimal(written) == Decimal(seen)
    except InvalidOperation:
        return False

"""What a connector is: six verbs over resources, and the values that pass through them.

Conventions for every table that `read` yields: one row per record; `_id` (text) is the
system's own identifier of the record and never null; `_suspended` (boolean) where the
system can suspend a record; every other column is a field of the resource under its
native name. Where one of these columns is what says so, the metadata of `_suspended` names
it (`said_by`), and a flow that grants that very column states the suspension itself.
CSV-like systems yield text and leave typing to the engine; an empty cell is null. Values in
writes are JSON values: text, integer, boolean, None; dates and instants as ISO 8601 text,
decimals and amounts of money (major units) as text.

A connector that can tell what may have changed since an earlier reading offers two more
verbs, `TellsChanges`; whoever has none is read whole every time, and nothing is lost.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, ClassVar, Literal, Protocol, runtime_checkable

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from collections.abc import Container, Iterator, Mapping, Sequence
    from contextlib import AbstractContextManager
    from datetime import datetime
    from pathlib import Path

    import pyarrow as pa
    from pydantic import BaseModel

    from matricula.connectors.kit.errors import ConnectorError
    from matricula.kernel.findings import Finding

WriteKind = Literal["create", "update", "suspend", "resume", "delete"]
NativeType = Literal["text", "integer", "decimal", "boolean", "date", "instant", "json"]
Value = str | int | bool | None


def asks_for_nobody(match: Mapping[str, Value]) -> bool:
    """Whether a mapping to look up by holds a blank, which must not find who has none either."""
    return any(value in (None, "") for value in match.values())


@dataclass(frozen=True, slots=True)
class FieldShape:
    """One field of a resource as the system describes it."""

    name: str
    type: NativeType = "text"
    writable: bool = True
    required: bool = False
    max_length: int | None = None


@dataclass(frozen=True, slots=True)
class ResourceShape:
    """One resource as the system describes it today.

    Attributes:
        name: As in the charter, after the dot: `users`.
        fields: Without `_id` and `_suspended`.
        id_field: The field that `_id` repeats, if it is one of the fields.
        writes: What can be done to its records.
        open_ended: Fields beyond those listed may be written (a files target, say).
        lacks: Rights that our account lacks, as the system's maker names them, each with the
            verbs that are not in `writes` for want of it.
    """

    name: str
    fields: tuple[FieldShape, ...]
    id_field: str = ""
    readable: bool = True
    writes: frozenset[WriteKind] = frozenset()
    open_ended: bool = False
    lacks: Mapping[str, frozenset[WriteKind]] = field(default_factory=dict, hash=False)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """How a system likes to be spoken to; the hub's delivery keeps to it.

    How many calls are under way at once within a batch, and how many there are in a second,
    is kept by the kit: `batches`, and `Access.per_second`.

    Attributes:
        batch_size: Writes in one call, at most.
        finds: Whether `find` asks the system, or nothing can be looked up.
        makes_resources: Whether writing to a resource that is not there makes it.
    """

    batch_size: int = 100
    finds: bool = True
    makes_resources: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """The answer to a ping: well, and a sentence."""

    well: bool
    sentence: str


@dataclass(slots=True)
class Reading:
    """What `read` yields; a context manager's value, valid inside its `with`.

    Attributes:
        schema: Of every batch.
        batches: The rows. A source that turns out broken raises `Untrusted` while it is read.
        declared_rows: A control total the source itself states, if it does.
        may_be_empty: Whether no record at all is normal here; elsewhere it is a fault.
        findings: Filled while reading, complete at the end: what could not be used, which its
            office is told of, and what was odd but bearable (M435), which the status shows.
        token: What `changes` must be given to tell what may differ since; empty where that
            cannot be told. It says how far the source had come before anything was read.
    """

    schema: pa.Schema
    batches: Iterator[pa.RecordBatch]
    declared_rows: int | None = None
    may_be_empty: bool = False
    findings: list[Finding] = field(default_factory=list)
    token: str = ""


@dataclass(frozen=True, slots=True)
class Changes:
    """What may differ in a resource since an earlier reading; valid inside its `with`.

    More may be here than differs, and nothing that differs may be lacking but what the
    connector's page says it cannot see.

    Attributes:
        reading: Records as they are now, with the schema of `read`, and the next token.
        named: Identifiers that were looked for one by one. One of them that `reading` lacks
            is gone; of a record that nobody looked for, nothing is said.
        tells_gone: Whether what is gone is among `named`, or only a whole reading shows it.
    """

    reading: Reading
    named: frozenset[str] = frozenset()
    tells_gone: bool = False


@dataclass(frozen=True, slots=True)
class Whole:
    """That only a reading of everything can tell what differs, and why, in a sentence."""

    why: str


@dataclass(frozen=True, slots=True)
class Write:
    """One intended change to one record.

    Attributes:
        key: The canonical key; for logs and for pairing with its outcome. Unique in a batch.
        kind: What to do. `resume` brings a suspended record back and updates it.
        external_id: The system's own identifier; None for `create`.
        fields: The complete granted state (create: with proposed `initially` values too;
            suspend and delete: the last confirmed state).
        changed: Names in `fields` that differ from what the system confirmed last.
        match: Target field to value that would find an existing copy. For `create`.
        spared: Identifiers of records that are other keys' copies, by any flow. Whoever
            edits such a copy may write this key's number into it; it is not taken over all
            the same. For `create`; may be asked from any thread.
    """

    key: str
    kind: WriteKind
    external_id: str | None
    fields: Mapping[str, Value]
    changed: frozenset[str] = frozenset()
    match: Mapping[str, Value] = field(default_factory=dict)
    spared: Container[str] = frozenset()

    def must_be_free(self, external_id: str) -> None:
        """Make sure that a record which a look-up found may be taken over.

        Raises:
            SkipRow: It is another key's copy (M606).
        """
        if external_id in self.spared:
            raise SkipRow(
                f"{external_id} answers to this key's match, and is another key's copy.",
                code="M606",
                cure="If both are one record under two numbers, run `matricula matches rekey`; if "
                "somebody edited it, correct it there. `matricula drift` shows such an edit after "
                "a full pass, but for copies that sleep.",
            )


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one write.

    Attributes:
        key: The write's key.
        external_id: The system's identifier, when `error` is None.
        error: None when done (also when there was nothing left to do). `TryAgain`,
            `ReadBack` or `SkipRow` otherwise.
        adopted: The record was there before: it was not made but taken over.
    """

    key: str
    external_id: str | None = None
    error: ConnectorError | None = None
    adopted: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """A record that a look-up found: its identifier and all its readable fields."""

    external_id: str
    fields: Mapping[str, Value]

    @classmethod
    def of_row(cls, row: Mapping[str, object]) -> Found:
        """Take a row of a reading, with its `_id`: what is no JSON value becomes text."""
        fields = {name: _as_value(value) for name, value in row.items() if name != "_id"}
        return cls(str(row["_id"]), fields)


def _as_value(found: object) -> Value:
    if isinstance(found, bool | int | str) or found is None:
        return found
    return f"{found.normalize():f}" if isinstance(found, Decimal) else str(found)


@dataclass(frozen=True, slots=True)
class Context:
    """What a connector is given besides its settings.

    Attributes:
        system: Its name in the charter.
        folder: Relative paths in settings start here (the folder that holds `charter/`).
    """

    system: str
    folder: Path


class Connector(Protocol):
    """One connected system. Made once per run, used from one thread, closed at the end.

    A class with `Settings` (a pydantic model with `extra="forbid"`; secrets are fields of
    type `matricula.connectors.kit.secrets.Secret`) and a constructor `(settings, context)`
    that opens nothing. Verbs raise only the errors of the kit.
    """

    Settings: ClassVar[type[BaseModel]]
    capabilities: Capabilities

    def describe(self) -> Sequence[ResourceShape]:
        """Describe every resource as the system has it now.

        Raises:
            TryAgain: It is away. Stop: it refuses us.
        """
        ...

    def ping(self) -> Health:
        """Ask whether it is there and lets us in. Never raises."""
        ...

    def read(self, resource: str) -> AbstractContextManager[Reading]:
        """Read a whole resource, streaming.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop, Untrusted.
        """
        ...

    def find(self, resource: str, matches: Sequence[Mapping[str, Value]]) -> list[list[Found]]:
        """Look records up: for each mapping of field to value, all records that equal it.

        A mapping may use `_id`. All fields of a mapping must agree. A blank value (null or
        an empty text) is nobody's identifier and finds nothing: see `asks_for_nobody`.
        """
        ...

    def write(self, resource: str, writes: Sequence[Write], *, at: datetime) -> list[Outcome]:
        """Do what is intended, one outcome per write, in the same order.

        At most `capabilities.batch_size` writes. Raising `TryAgain`, `GiveUp` or `Stop`
        says that nothing of the batch happened; `ReadBack` that nobody knows.

        Args:
            resource: Name of the resource.
            writes: Not two for one key.
            at: The run's instant, UTC. The connector has no clock of its own for data.
        """
        ...

    def close(self) -> None:
        """Let go of connections."""
        ...


@runtime_checkable
class TellsChanges(Protocol):
    """A connector that can be asked what may have changed since an earlier reading.

    What it says marks where to look and is never the whole truth: a pass that compares
    everything stays the net under it.
    """

    def changes(
        self, resource: str, since: str, *, also: Sequence[str] = ()
    ) -> AbstractContextManager[Changes | Whole]:
        """Read what may differ since the reading that a token came with.

        Args:
            resource: Name of the resource.
            since: A token of `read` or of an earlier answer. One that this connector cannot
                place (another database, other settings, another version) gives `Whole`.
            also: Identifiers to look for whatever the source says of them.

        Raises:
            GiveUp: There is no such resource. TryAgain, Stop, Untrusted.
        """
        ...

    def acknowledge(self, resource: str, token: str) -> None:
        """Let the source forget what it kept for us up to a token, which is safe with us.

        A later `changes` since an older token must give `Whole`, never too little.

        Raises:
            TryAgain, GiveUp, Stop: It still keeps it; harmless but for the room.
        """
        ...


@runtime_checkable
class FeedsByScript(Protocol):
    """A connector whose source tells its changes once its administrator has run a script."""

    def feed_script(self, resource: str) -> str:
        """Write the script for a resource; nothing is run.

        Raises:
            GiveUp: The resource has no such feed by its settings (M626).
        """
        ...


@runtime_checkable
class Examines(Protocol):
    """A connector that can say beforehand what its settings ask for and the system lacks."""

    def lacking(self) -> Sequence[ConnectorError | Finding]:
        """List what is lacking, as errors that are not raised; for `check --live`.

        A finding instead of an error may be a warning, about what is done without. Its place
        is the resource that it concerns, and it is told where the charter names that; empty,
        it concerns the system.

        Raises:
            TryAgain: It is away. Stop: it refuses us.
        """
        ...

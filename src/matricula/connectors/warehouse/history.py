"""Decide what a batch of writes does to the history of its records. Pure.

A record's history is a row of versions, each valid from one instant up to, not including,
another. Nothing is ever removed or rewritten: a version is closed and the next opened. A
write that says what is known already does nothing, so a batch may be sent again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from matricula.connectors.kit.errors import SkipRow

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from matricula.connectors.kit.protocol import Write
    from matricula.connectors.warehouse.mapping import Canonical

Closing = Literal["updated", "suspended", "deleted"]
Opening = Literal["created", "updated", "resumed"]


@dataclass(frozen=True, slots=True)
class Version:
    """The latest version of a record.

    Attributes:
        surrogate_key: Its own number in the table.
        key: The record's.
        values: Granted columns.
        valid_from: When it began.
        valid_to: When it ended; None while it is current.
        closed_by: What ended it; empty while it is current.
    """

    surrogate_key: int
    key: str
    values: Mapping[str, Canonical]
    valid_from: datetime
    valid_to: datetime | None = None
    closed_by: str = ""


@dataclass(frozen=True, slots=True)
class Closed:
    """A version to close: `surrogate_key`, the instant and the reason."""

    surrogate_key: int
    valid_to: datetime
    closed_by: Closing


@dataclass(frozen=True, slots=True)
class Opened:
    """A version to open, without its surrogate key, which the store gives."""

    key: str
    values: Mapping[str, Canonical]
    valid_from: datetime
    change_kind: Opening


@dataclass(slots=True)
class Changes:
    """What a batch does: versions to close, versions to open, and records set aside."""

    closed: list[Closed] = field(default_factory=list)
    opened: list[Opened] = field(default_factory=list)
    refused: dict[str, SkipRow] = field(default_factory=dict)


def decide(
    changes: Changes,
    write: Write,
    values: Mapping[str, Canonical],
    *,
    latest: Version | None,
    at: datetime,
) -> None:
    """Add what one write does.

    Args:
        changes: Of the batch so far.
        write: What is intended.
        values: The fields of the write, as the columns hold them.
        latest: The record's latest version, current or closed; None when it has none.
        at: The run's instant, UTC.
    """
    key = key_of(write)
    exists = latest is not None and latest.closed_by != "deleted"
    if write.kind == "delete":
        if exists and latest is not None:
            _close(changes, latest, at=at, by="deleted")
        return
    if write.kind != "create" and not exists:
        changes.refused[write.key] = _not_there(write)
        return
    if latest is not None and write.kind == "suspend":
        if latest.valid_to is None:
            _close(changes, latest, at=at, by="suspended")
        return
    if latest is not None and write.kind == "update" and latest.valid_to is not None:
        changes.refused[write.key] = _suspended(write)
        return
    _open(changes, key, _next_values(write, values, latest), latest=latest, at=at)


def key_of(write: Write) -> str:
    """Name the record that a write is about: its key is its identifier here."""
    return write.external_id if write.external_id is not None else write.key


def _open(
    changes: Changes,
    key: str,
    values: Mapping[str, Canonical],
    *,
    latest: Version | None,
    at: datetime,
) -> None:
    if latest is None or latest.closed_by == "deleted":
        # It may return in the very run that ended it: versions must not overlap.
        begin = at if latest is None else _not_before(latest.valid_to, at)
        changes.opened.append(Opened(key, values, begin, "created"))
    elif latest.valid_to is not None:
        changes.opened.append(Opened(key, values, _not_before(latest.valid_to, at), "resumed"))
    elif any(latest.values.get(name) != value for name, value in values.items()):
        begin = _not_before(latest.valid_from, at)
        changes.closed.append(Closed(latest.surrogate_key, begin, "updated"))
        changes.opened.append(Opened(key, values, begin, "updated"))


def _close(changes: Changes, latest: Version, *, at: datetime, by: Closing) -> None:
    ended = latest.valid_to or _not_before(latest.valid_from, at)
    changes.closed.append(Closed(latest.surrogate_key, ended, by))


def _not_before(earlier: datetime | None, at: datetime) -> datetime:
    return at if earlier is None else max(earlier, at)


def _next_values(
    write: Write, values: Mapping[str, Canonical], latest: Version | None
) -> Mapping[str, Canonical]:
    if write.kind == "create" or latest is None:
        return values
    changed = write.changed or write.fields.keys()
    return {**latest.values, **{name: values[name] for name in changed if name in values}}


def _not_there(write: Write) -> SkipRow:
    return SkipRow(
        f"{write.key}: the warehouse has no such record.",
        code="M605",
        cure="Nothing to do by hand: the next full run sees that it is gone.",
    )


def _suspended(write: Write) -> SkipRow:
    return SkipRow(
        f"{write.key}: the record is suspended and cannot be updated before it is resumed.",
        code="M605",
        cure="Nothing to do by hand: the next full run sees how it stands.",
    )

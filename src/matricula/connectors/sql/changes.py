"""What a reading leaves behind so that the next may ask for less, and what that one asks.

A token holds how far the source had come before anything was read, and a digest of all that
must be the same for it to mean anything: the database, the resource's settings, its columns.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Whole
from matricula.connectors.sql import feed, feed_script, reading, statements, watermark
from matricula.connectors.sql.feed import Place
from matricula.connectors.sql.watermark import Mark
from matricula.kernel.digests import canonical, digest

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterator, Sequence
    from datetime import datetime

    import sqlalchemy as sa

    from matricula.connectors.sql.feed_script import Outbox
    from matricula.connectors.sql.settings import Resource
    from matricula.connectors.sql.tables import Identity, Mirror

Progress: TypeAlias = "Mark | Place"

_VERSION = 1
_NO_WAY = Whole("nothing in its settings tells what changed")


@dataclass(frozen=True, slots=True)
class Told:
    """A resource that can tell its changes, as the settings and the database have it now."""

    mirror: Mirror
    resource: Resource
    schema: str

    @property
    def tells(self) -> bool:
        """Whether its settings name a way."""
        return bool(self.resource.changed_by or self.resource.feed)

    def outbox(self) -> Outbox:
        """Name the parts of its feed."""
        return feed_script.outbox_of(self.mirror.name, self.resource, self.schema)

    def form(self, engine: sa.Engine) -> str:
        """Digest what a token of it depends on."""
        url = engine.url
        place = [url.get_backend_name(), url.host, url.port, url.database, self.schema]
        told = self.resource.model_dump(mode="json")
        return digest([_VERSION, place, told, str(reading.schema_of(self.mirror))])


@dataclass(frozen=True, slots=True)
class Look:
    """What is read in place of everything.

    Attributes:
        selects: One after the other; of a record that two select, the first counts.
        named: Identifiers looked for one by one.
        token: For the next time.
    """

    selects: Sequence[statements.Selection]
    named: frozenset[str]
    token: str


def must_tell(connection: sa.Connection, told: Told) -> None:
    """Make sure that changes can be told in the way that the settings name.

    Raises:
        GiveUp: They cannot (M625, M626, M627).
    """
    if told.resource.changed_by:
        watermark.overlap_of(told.mirror, told.resource.changed_by)
    if told.resource.feed:
        must_be_watched(told)
        feed.must_be_whole(connection, told.mirror, told.outbox())


def must_be_watched(told: Told) -> None:
    """Make sure that there are tables for the triggers of a feed.

    Raises:
        GiveUp: The resource has no feed, or is a view without `watch:` (M626).
    """
    if told.resource.feed is None or (told.mirror.is_view and not told.resource.feed.watch):
        why = "is a view, which has no triggers" if told.resource.feed else "has no `feed:`"
        raise GiveUp(
            f"{told.mirror.name}: the resource {why}.",
            code="M626",
            cure="Say under `feed:` in its settings which tables to `watch:`, by which columns.",
        )


def token(connection: sa.Connection, told: Told, *, ours: Callable[[], datetime]) -> str:
    """Note how far the source has come, before anything is read; empty where it cannot tell."""
    found = _progress(connection, told, ours)
    return "" if isinstance(found, Whole) else _spelled(connection, told, found)


def look(
    connection: sa.Connection,
    told: Told,
    since: str,
    *,
    also: Sequence[str],
    ours: Callable[[], datetime],
) -> Look | Whole:
    """Say what to read in place of everything, or why everything must be.

    Args:
        connection: To the database.
        told: The resource.
        since: A token.
        also: Identifiers to look for in any case.
        ours: This machine's clock.
    """
    before = _read(connection, told, since)
    if isinstance(before, Whole):
        return before
    now = _progress(connection, told, ours)
    if isinstance(now, Whole):
        return now
    wanted = {one: told.mirror.parse_id(one) for one in also}
    selects: list[statements.Selection] = []
    if isinstance(before, Mark) and isinstance(now, Mark):
        begin = _begin(told, before, now)
        if isinstance(begin, Whole):
            return begin
        selects.append(_since(connection, told, begin))
    elif isinstance(before, Place) and isinstance(now, Place):
        found = feed.identities_since(
            connection, told.mirror, told.outbox(), before=before, now=now
        )
        if isinstance(found, Whole):
            return found
        wanted |= {told.mirror.external_id(one): one for one in found}
    selects += _among(connection, told, [one for one in wanted.values() if one is not None])
    return Look(selects, frozenset(wanted), _spelled(connection, told, now))


def acknowledge(connection: sa.Connection, told: Told, upto: str) -> None:
    """Have a feed forget what came before a token; a column keeps nothing to forget."""
    place = _read(connection, told, upto)
    if isinstance(place, Place):
        feed.forget(connection, told.outbox(), upto=place)


def batches(engine: sa.Engine, told: Told, found: Look) -> Generator[pa.RecordBatch]:
    """Read what a look selects, in the form of a whole reading."""
    seen: set[str] = set()
    for select in found.selects:
        mine: set[str] = set()
        for batch in _arranged(engine, told, select):
            fresh = _without(batch, seen)
            mine.update(_identifiers(fresh) if len(found.selects) > 1 else ())
            yield fresh
        seen |= mine


def _arranged(
    engine: sa.Engine, told: Told, select: statements.Selection
) -> Iterator[pa.RecordBatch]:
    schema = reading.schema_of(told.mirror)
    with reading.raw_batches(engine, select) as raw:
        for batch in raw:
            yield reading.arranged(told.mirror, batch, schema)


def _identifiers(batch: pa.RecordBatch) -> Iterator[str]:
    return map(str, batch.column("_id").to_pylist())


def _without(batch: pa.RecordBatch, seen: set[str]) -> pa.RecordBatch:
    if not seen:
        return batch
    again = pc.is_in(batch.column("_id"), value_set=pa.array(sorted(seen), pa.string()))
    return batch.filter(pc.invert(again))


def _progress(
    connection: sa.Connection, told: Told, ours: Callable[[], datetime]
) -> Progress | Whole:
    if told.resource.changed_by:
        watermark.overlap_of(told.mirror, told.resource.changed_by)
        column = told.resource.changed_by.column
        return watermark.mark_of(connection, told.mirror, column, ours=ours)
    if told.resource.feed:
        must_be_watched(told)
        return feed.place_of(connection, told.mirror, told.outbox())
    return _NO_WAY


def _begin(told: Told, before: Mark, now: Mark) -> watermark.Stamp | Whole:
    if told.resource.changed_by is None:
        return _NO_WAY
    overlap = watermark.overlap_of(told.mirror, told.resource.changed_by)
    return watermark.begin_at(before, now, overlap)


def _since(connection: sa.Connection, told: Told, begin: watermark.Stamp) -> statements.Selection:
    column = told.resource.changed_by.column if told.resource.changed_by else ""
    return watermark.select_since(told.mirror, column, begin, connection.dialect.name)


def _among(
    connection: sa.Connection, told: Told, wanted: Sequence[Identity]
) -> Iterator[statements.Selection]:
    dialect, mirror = connection.dialect.name, told.mirror
    for some in statements.portions(wanted, dialect):
        yield statements.select_among(
            statements.select_all(mirror, dialect), mirror, names=mirror.identity,
            wanted=some, dialect=dialect,
        )  # fmt: skip


def _spelled(connection: sa.Connection, told: Told, progress: Progress) -> str:
    return canonical({"form": told.form(connection.engine), **progress.told()})


def _read(connection: sa.Connection, told: Told, text: str) -> Progress | Whole:
    kind = Mark if told.resource.changed_by else Place
    try:
        members = json.loads(text)
        if members["form"] != told.form(connection.engine):
            return Whole("the database, the settings or the columns are not what they were")
        return kind.read(members)
    except (KeyError, TypeError, ValueError):
        return Whole("what is remembered of the earlier reading is not of this connector")

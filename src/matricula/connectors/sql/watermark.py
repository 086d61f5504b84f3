"""Tell changes by a column that moves on with every change: how far it had come, and from where.

A look begins at the last stamp seen, less an overlap, and takes in what equals it: many rows
may bear one stamp, clocks differ, and what a long transaction stamped early appears late. Where
a clock or a numbering is seen to have gone back, nothing is concluded and all is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import sqlalchemy as sa

from matricula.connectors.kit.errors import GiveUp
from matricula.connectors.kit.protocol import Whole
from matricula.connectors.sql import statements
from matricula.kernel.durations import read_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matricula.connectors.sql.mapping import Column
    from matricula.connectors.sql.settings import ChangedBy
    from matricula.connectors.sql.tables import Mirror

Stamp: TypeAlias = "datetime | int"

# In any zone the date of an instant is at most a day off.
_DAY = timedelta(days=1)
_SECOND = timedelta(seconds=1)
_SQLITE_STAMP = "%Y-%m-%d %H:%M:%f"


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a column had come when a reading began.

    Attributes:
        stamp: The highest, but no later than the database's own clock: a stamp in the future
            would hide whatever is stamped honestly after it. None where nothing bears one.
        clock: The database's; None for whole numbers, which need none.
        ours: This machine's, to see whether the other was put back meanwhile.
    """

    stamp: Stamp | None
    clock: datetime | None
    ours: datetime

    def told(self) -> dict[str, str | int | None]:
        """Spell it for a token."""
        stamp = self.stamp.isoformat() if isinstance(self.stamp, datetime) else self.stamp
        clock = self.clock.isoformat() if self.clock else None
        return {"stamp": stamp, "clock": clock, "ours": self.ours.isoformat()}

    @classmethod
    def read(cls, told: Mapping[str, Any]) -> Mark:
        """Read what `told` spelled.

        Raises:
            KeyError, TypeError, ValueError: It is nothing of the kind.
        """
        stamp, clock = told["stamp"], told["clock"]
        return cls(
            datetime.fromisoformat(stamp) if isinstance(stamp, str) else stamp,
            datetime.fromisoformat(clock) if clock else None,
            datetime.fromisoformat(told["ours"]),
        )


def begin_at(before: Mark, now: Mark, overlap: timedelta | int) -> Stamp | Whole:
    """Say from which stamp on the rows may differ, or why nobody can say.

    Args:
        before: When the earlier reading began.
        now: As the present one begins.
        overlap: Of the kind that fits the stamps.
    """
    if before.stamp is None or now.stamp is None:
        return Whole("no record bore a stamp when it was read before, or none does now")
    if before.clock and now.clock and isinstance(overlap, timedelta):
        # The first catches a clock put back a moment ago, the second one that has caught up.
        passed = now.clock - before.clock
        if passed < timedelta(0) or passed < now.ours - before.ours - max(overlap, _SECOND):
            return Whole("the database's clock was put back since it was read before")
    if _earlier(now.stamp, before.stamp):
        return Whole(
            "the highest stamp is lower than before: a record was removed, or an older state "
            "of the database restored"
        )
    return _less(before.stamp, overlap)


def _earlier(one: Stamp, other: Stamp) -> bool:
    if isinstance(one, datetime) and isinstance(other, datetime):
        return one < other
    # What was an instant once and is a number now has started anew.
    return not isinstance(one, int) or not isinstance(other, int) or one < other


def _less(stamp: Stamp, overlap: timedelta | int) -> Stamp:
    if isinstance(stamp, datetime):
        return stamp - overlap if isinstance(overlap, timedelta) else stamp
    return stamp - (overlap if isinstance(overlap, int) else 0)


def overlap_of(mirror: Mirror, told: ChangedBy) -> timedelta | int:
    """Read the overlap in the terms of the column.

    Raises:
        GiveUp: The column is no watermark, or the overlap does not fit it (M625).
    """
    column = mirror.columns[told.column]
    if column.kind == "integer":
        if isinstance(told.overlap, int):
            return told.overlap
        why = "holds whole numbers, and `overlap:` is not one: say how many numbers to go back"
        raise _unfit(mirror, column, why)
    if column.kind not in {"instant", "date"}:
        raise _unfit(mirror, column, "holds neither instants nor dates nor whole numbers")
    if isinstance(told.overlap, int):
        raise _unfit(mirror, column, "holds times, and `overlap:` is no duration such as 10m")
    # A date says nothing of the hour, and its day may be another than ours.
    return read_duration(told.overlap) + (_DAY if column.kind == "date" else timedelta(0))


def _unfit(mirror: Mirror, column: Column, why: str) -> GiveUp:
    return GiveUp(
        f"{mirror.name}.{column.name}: the column {why}.",
        code="M625",
        cure="Name a column that the database sets with every change in `changed_by:`, with an "
        "`overlap:` in its own terms, or leave it out.",
    )


def mark_of(
    connection: sa.Connection, mirror: Mirror, name: str, *, ours: Callable[[], datetime]
) -> Mark:
    """Ask how far the column has come; to be called before anything is read."""
    kind, dialect = mirror.columns[name].kind, connection.dialect.name
    found, clock = connection.execute(_highest(mirror, name, dialect)).one()
    # At once: what lies between the two clocks' readings looks like a clock put back.
    asked = ours()
    if kind == "integer":
        return Mark(None if found is None else int(found), None, asked)
    top, now = _instant(found), _instant(clock)
    if top is not None and now is not None:
        top = min(top, now)
    return Mark(top, now, asked)


def _highest(mirror: Mirror, name: str, dialect: str) -> sa.Select[Any]:
    column = mirror.table.c[name]
    if dialect == "sqlite" and mirror.columns[name].kind == "instant":
        # Texts in several spellings do not sort as instants do, but their dates nearly do.
        day = sa.select(sa.func.date(sa.func.max(column), "-1 day")).scalar_subquery()
        highest = sa.func.max(_as_instant(column))
        clock = sa.func.strftime(_SQLITE_STAMP, "now")
        return sa.select(highest, clock).where(column >= day)
    clocks = {
        "sqlite": sa.func.strftime(_SQLITE_STAMP, "now"),
        "postgresql": sa.func.now(),
    }
    return sa.select(sa.func.max(column), clocks.get(dialect, sa.func.current_timestamp()))


def _as_instant(column: sa.ColumnElement[Any]) -> sa.ColumnElement[Any]:
    return sa.func.strftime(_SQLITE_STAMP, column)


def _instant(found: object) -> datetime | None:
    """Read what drivers give for an instant, a date or SQLite's text; without a zone it is UTC."""
    if isinstance(found, str):
        found = datetime.fromisoformat(found)
    if isinstance(found, datetime):
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    if isinstance(found, date):
        return datetime(found.year, found.month, found.day, tzinfo=UTC)
    return None


def select_since(mirror: Mirror, name: str, begin: Stamp, dialect: str) -> statements.Selection:
    """Select the records stamped at or after an instant, or not at all.

    Where the database does not keep identifiers unique, records that share one with such a
    record are selected too: what is told of an identifier must be all there is.
    """
    select = statements.select_all(mirror, dialect)
    if mirror.is_unique:
        return select.where(_since(mirror, mirror.table, name, begin, dialect))
    other: sa.FromClause = mirror.table.alias("stamped")
    same = [other.c[part] == mirror.table.c[part] for part in mirror.identity]
    stamped: sa.Select[Any] = sa.select(sa.literal_column("1")).select_from(other)
    stamped = stamped.where(*same, _since(mirror, other, name, begin, dialect))
    return select.where(stamped.exists())


def _since(
    mirror: Mirror, table: sa.FromClause, name: str, begin: Stamp, dialect: str
) -> sa.ColumnElement[bool]:
    column = table.c[name]
    if dialect == "sqlite" and isinstance(begin, datetime):
        return sa.or_(_in_sqlite(column, begin, mirror.columns[name].kind), column.is_(None))
    return sa.or_(column >= _bound(mirror.columns[name], column, begin, dialect), column.is_(None))


def _in_sqlite(
    column: sa.ColumnElement[Any], begin: datetime, kind: str
) -> sa.ColumnElement[bool]:
    if kind == "date":
        return column >= sa.literal(begin.date().isoformat(), sa.Text)
    # The bare dates first, which an index serves; what is no instant is looked at too.
    day = sa.literal((begin.date() - _DAY).isoformat(), sa.Text)
    spelled = sa.literal(begin.strftime("%Y-%m-%d %H:%M:%S.%f")[:-3], sa.Text)
    fine = sa.func.coalesce(_as_instant(column) >= spelled, sa.true())
    return sa.and_(column >= day, fine)


def _bound(
    told: Column, column: sa.ColumnElement[Any], begin: Stamp, dialect: str
) -> sa.ColumnElement[Any]:
    if isinstance(begin, int):
        return sa.literal(begin, sa.BigInteger)
    if told.kind == "date":
        return sa.literal(begin.date())
    if not getattr(column.type, "timezone", False):
        begin = begin.replace(tzinfo=None)
    if dialect == "postgresql":
        # As text: drivers spell an instant each in their own way.
        return sa.cast(sa.literal(begin.isoformat(), sa.Text), column.type)
    return sa.literal(begin, column.type)

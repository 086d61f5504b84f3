"""What is served, as pages: what `matricula.api` may ask, and nothing else.

A whole listing is asked for by places, which are an index: the last page costs what the first
one does. A listing that is filtered or sorted remembers, as long as nothing changes, where a
page ended and how many there were in all.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, cast

from django.db import connection

from matricula.connectors.kit.oneroster.mapping import USERS
from matricula.connectors.kit.oneroster.objects import INSIDE, rest_tables
from matricula.connectors.kit.oneroster.tables import ACTIVE, KEY, STATUS
from matricula.connectors.oneroster_provider import conditions
from matricula.connectors.oneroster_provider.conditions import Condition
from matricula.connectors.oneroster_provider.mapping import columns_of
from matricula.connectors.oneroster_provider.models import Shelf
from matricula.connectors.oneroster_provider.statements import filled, quoted, select, table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from matricula.connectors.kit.oneroster.mapping import Row

    Values = tuple[str | None, ...]
    Mark = tuple[str, int]

_REMEMBERED = 4_096
_TURNS = 64
# So few rows are found by their own index and put in order afterwards; many are come across in
# the order of their places. SQLite, which keeps no statistics, is told which.
_FEW = 20_000


class Lot(NamedTuple):
    """A shelf as it is when a question comes: its number, how many records, which revision.

    `touched`: the instant of its last change; a database put back from a backup counts the
    same revisions again, and at other instants.
    """

    pk: int
    records: int
    revision: int
    touched: str


@dataclass(frozen=True, slots=True)
class Shelves:
    """What one system is served of: for each table its shelf. Tables nobody wrote have none."""

    held: Mapping[str, Lot]

    def of(self, table: str) -> int:
        """Give a table's shelf by number; 0, which is nobody's, where there is none."""
        return self.held[table].pk if table in self.held else 0


@dataclass(frozen=True, slots=True)
class Question:
    """A page that is asked for.

    Attributes:
        table: Of which table.
        where: What rows must fulfil; None is all of them.
        sort: The column to sort by; in order of arrival where it is empty.
        descending: Whether the largest comes first.
        limit: How many rows, at most.
        offset: How many rows come before it.
    """

    table: str
    where: Condition | None = None
    sort: str = ""
    descending: bool = False
    limit: int = 100
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in their order, as `columns` asked for them, and how many there are in all."""

    rows: Sequence[Values]
    total: int


class _Memory:
    """A few thousand answers that stay true until a revision moves; for any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._turns = [threading.Lock() for _ in range(_TURNS)]
        self._kept: OrderedDict[tuple[object, ...], object] = OrderedDict()

    def get(self, key: tuple[object, ...]) -> object | None:
        """Give what is known."""
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
            return self._kept.get(key)

    def keep(self, key: tuple[object, ...], value: object) -> None:
        """Remember; what was not asked for longest is forgotten."""
        with self._lock:
            self._kept[key] = value
            while len(self._kept) > _REMEMBERED:
                self._kept.popitem(last=False)

    def counted(self, key: tuple[object, ...], count: Callable[[], int]) -> int:
        """Give a number that is known, or count; many who ask at once count once."""
        known = self.get(key)
        if known is None:
            with self._turns[hash(key) % _TURNS]:
                known = self.get(key)
                if known is None:
                    known = count()
                    self.keep(key, known)
        return cast("int", known)


_memory = _Memory()


def shelves_of(system: str) -> Shelves:
    """Look up what a system is served of."""
    found = Shelf.objects.filter(system=system).values_list(
        "table", "pk", "records", "revision", "touched"
    )
    return Shelves({table: Lot(pk, n, moved, at) for table, pk, n, moved, at in found})


def page(shelves: Shelves, question: Question, columns: Sequence[str]) -> Page:
    """Fetch a page.

    Args:
        shelves: Of whose copy.
        question: Which page.
        columns: What to fetch of each row.
    """
    shelf = shelves.held.get(question.table)
    if shelf is None:
        return Page((), 0)
    if question.where is None and not question.sort:
        first, last = question.offset, question.offset + question.limit
        where = Condition("t.place >= %s AND t.place < %s", (first, last))
        rows = _fetched(shelf, question, columns, where=where, order="t.place")
        return Page([values[2:] for values in rows], shelf.records)
    return _filtered(shelf, question, columns)


def one(
    shelves: Shelves,
    table: str,
    identifier: str,
    columns: Sequence[str],
    *,
    also: Condition | None = None,
) -> Values | None:
    """Fetch one record, whether it is there or has left; None where nobody was served it.

    Args:
        shelves: Of whose copy.
        table: Of which table.
        identifier: Its `sourcedId`.
        columns: What to fetch of it.
        also: What it must fulfil besides.
    """
    shelf = shelves.held.get(table)
    if shelf is None:
        return None
    named = conditions.compared(table, KEY, "=", identifier)
    where = conditions.every([named, also]) if also else named
    question = Question(table, limit=1)
    rows = _fetched(shelf, question, columns, where=where, order="t.place + 0")
    return rows[0][2:] if rows else None


def inside(shelves: Shelves, table: str, owners: Iterable[str]) -> dict[str, list[Row]]:
    """Fetch what stands inside some records, by their identifiers.

    Of a user who has no role any more the last ones are given: the binding wants one, also of
    who is gone.
    """
    shelf = shelves.held.get(table)
    # Most systems are served nothing of most of these tables.
    if shelf is None or not shelf.records:
        return {}
    column = INSIDE[table][1]
    names = columns_of(table)
    found = select(table, shelf.pk, columns=names, where=column, among=owners, status="")
    alive: dict[str, list[Row]] = {}
    gone: dict[str, list[Row]] = {}
    for values in found:
        row = dict(zip(names, values, strict=True))
        whose = alive if row[STATUS] == ACTIVE else gone
        whose.setdefault(str(row[column]), []).append(row)
    for rows in (*alive.values(), *gone.values()):
        # The main role first, then always in one order.
        rows.sort(key=lambda row: (str(row.get("roleType")), str(row[KEY])))
    return {**gone, **alive} if table == "roles" else alive


def values_in(shelves: Shelves, table: str, column: str) -> list[tuple[str, str]]:
    """List a column of the active rows of a table, beside their identifiers."""
    return [(str(a), str(b)) for a, b in filled(table, shelves.of(table), columns=[KEY, column])]


def _filtered(shelf: Lot, question: Question, columns: Sequence[str]) -> Page:
    where = question.where or Condition("1 = 1")
    as_it_is = (shelf.pk, shelf.revision, shelf.touched)
    of_all = (*as_it_is, where.sql, where.values)
    asked = (*of_all, question.sort, question.descending)
    total = _memory.counted(of_all, lambda: _counted(shelf, question.table, where))
    if question.offset >= total:
        return Page((), total)
    by, rest = _sorted_by(question, plainly=total > _FEW), f" LIMIT {question.limit}"
    way, more = ("DESC", "<") if question.descending else ("ASC", ">")
    place = "t.place" if total > _FEW else "t.place + 0"
    order = f"{by} {way}, {place} {way}" if by else f"{place} {way}"
    mark = _memory.get((*asked, question.offset)) if question.offset else None
    if isinstance(mark, tuple):
        after = (
            Condition(f"({by}, t.place) {more} (%s, %s)", mark) if by
            else Condition(f"t.place {more} %s", mark[1:])
        )  # fmt: skip
        where = conditions.every([where, after])
    elif question.offset:
        rest = f" LIMIT {question.limit} OFFSET {question.offset}"
    rows = _fetched(
        shelf, question, columns, where=where, order=order + rest,
        in_order=total > _FEW and not by,
    )  # fmt: skip
    if rows:
        _memory.keep((*asked, question.offset + len(rows)), (rows[-1][0], rows[-1][1]))
    return Page([values[2:] for values in rows], total)


def _sorted_by(question: Question, *, plainly: bool = False) -> str:
    """Say by what rows are sorted, in SQL; what has no value comes first.

    Args:
        question: Names the column, or none.
        plainly: By the column itself where it always has a value, so that an index serves.
    """
    if not question.sort:
        return ""
    column = rest_tables()[question.table].column(question.sort)
    own = f"t.{quoted(question.sort)}"
    if column.kind in conditions.NUMBERS:
        return f"COALESCE(CAST({own} AS double precision), -1e300)"
    return (
        own if column.required and plainly else f"COALESCE({own}, '')"
    ) + conditions.collation()


def _counted(shelf: Lot, table: str, where: Condition) -> int:
    query = (
        f"SELECT COUNT(*) FROM {table_of(table)} t "  # noqa: S608 - quoted names of the standard
        f"WHERE t.shelf_id = %s{_placed(table)} AND {where.sql}"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [shelf.pk, *where.values])
        return int(cursor.fetchone()[0])


def _fetched(
    shelf: Lot,
    question: Question,
    columns: Sequence[str],
    *,
    where: Condition,
    order: str,
    in_order: bool = False,
) -> list[tuple[str | None, ...]]:
    wanted = ", ".join(f"t.{quoted(name)}" for name in columns)
    table, by = question.table, _sorted_by(question) or "''"
    told = in_order and connection.vendor == "sqlite"
    hint = f" INDEXED BY {quoted(f'or_place_{table.lower()}')}" if told else ""
    query = (
        f"SELECT {by}, t.place, {wanted} FROM {table_of(table)} t{hint} "  # noqa: S608 - quoted names of the standard
        f"WHERE t.shelf_id = %s{_placed(table)} AND {where.sql} "
        f"ORDER BY {order}"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [shelf.pk, *where.values])
        found: list[tuple[str | None, ...]] = cursor.fetchall()
    return found


def _placed(table: str) -> str:
    """Leave out users that have no role yet: nothing else waits for its place."""
    return " AND t.place IS NOT NULL" if table == USERS else ""

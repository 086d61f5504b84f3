"""Read a listing by offset to its end, and notice when it moved while it was read.

Every page begins with the last record of the page before. Where that is another one by now, a
record came or went in front of it, and something may have been skipped. This holds in whatever
order pages are fetched, so several are under way at once.
"""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit import batches

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

Record = dict[str, Any]


class Moved(Exception):
    """The listing is another one than it was a page ago."""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of a listing.

    Attributes:
        records: On it, in the listing's order.
        total: How many the system says there are in all; None when it does not.
    """

    records: list[Record]
    total: int | None = None


@dataclass(frozen=True, slots=True)
class Listing:
    """A listing by offset, in an order that holds still.

    Attributes:
        ask: Fetches a page: its offset, and how many records at most.
        name: Says which record one is.
        size: Records asked for at once; a system that gives fewer is followed at its pace.
        concurrency: Pages under way at once.
    """

    ask: Callable[[int, int], Page]
    name: Callable[[Record], str]
    size: int
    concurrency: int = 1

    def pages(self) -> Iterator[Page]:
        """Read page after page, each with what is new on it and the total as last declared.

        It ends where as many were listed as are declared, or with a page that brings nothing
        new. Whether those are as many as they should be is for the caller to judge.

        Raises:
            Moved: It has to be read again from the start.
        """
        seen: set[str] = set()
        last, total = "", None
        limit, alone = self.size, True
        while True:
            starts = _starts(len(seen), limit, total, alone=alone)
            # Where the end is not known, nothing much beyond it should be asked for.
            lead = self.concurrency if total is None else None
            for page in self._from(starts, limit, lead):
                fresh = self._fresh(page.records, last, seen)
                total = page.total if page.total is not None else total
                last = self.name(fresh[-1]) if fresh else last
                yield Page(fresh, total)
                if not fresh or (total is not None and len(seen) >= total):
                    return
            is_short = len(page.records) < limit
            limit = max(2, len(page.records)) if is_short else limit
            # Where nobody says how many there are, a short page is likely the last.
            alone = is_short and total is None

    def _from(self, starts: Iterator[int], limit: int, lead: int | None) -> Iterator[Page]:
        def ask(start: int) -> Page:
            return self.ask(start, limit)

        flow = batches.flowing(ask, starts, concurrency=self.concurrency, lead=lead)
        with closing(flow):
            for page in flow:
                yield page
                if len(page.records) < limit:
                    # What was asked for behind it begins elsewhere.
                    return

    def _fresh(self, records: list[Record], last: str, seen: set[str]) -> list[Record]:
        """Leave out the record that the page before ended with, and note the others."""
        if last and (not records or self.name(records[0]) != last):
            raise Moved("a page does not begin where the one before it ended")
        fresh = records[1:] if last else records
        names = {self.name(one) for one in fresh}
        if len(names) < len(fresh) or not seen.isdisjoint(names):
            raise Moved("a record is listed twice")
        seen |= names
        return fresh


def _starts(have: int, limit: int, total: int | None, *, alone: bool) -> Iterator[int]:
    """Say where the next pages begin, each with the last record of the one before it."""
    start = max(0, have - 1)
    yield start
    while not alone:
        start += max(1, limit - 1)
        # A page that would bring nothing is not asked for, once it is known how many there are.
        if total is not None and start + 1 >= total:
            return
        yield start

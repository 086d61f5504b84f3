"""Read a listing to its end, and notice when it moved while it was read.

By index, every page begins with the last record of the page before. Where that record
is another one by now, a record went or came in front of it and the listing has shifted
under us: something may have been skipped. Then it is read again from the start, and when
it never holds still, it is not believed. A total smaller than what is listed counts pages
only, and the listing is read until nothing new comes. A cursor (RFC 9865) has no such gaps;
it must only end, and name no record twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from matricula.connectors.kit.errors import GiveUp, Untrusted

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from matricula.connectors.scim.mapping import Record
    from matricula.connectors.scim.wire import Endpoint

ATTEMPTS = 4
# RFC 9865 4.
_CURSOR_IS_OVER = frozenset({"expiredCursor", "invalidCursor"})
Taken = TypeVar("Taken")


class _Moved(Exception):
    """The listing is another one than it was a page ago."""


@dataclass(frozen=True, slots=True)
class Listing:
    """How to read all records of one kind.

    Attributes:
        query: Sent with every page: filter, attributes, sort order.
        size: Records asked for at once; 0 leaves it to the server.
        cursor: Ask by cursor, not by index.
    """

    endpoint: Endpoint
    query: Mapping[str, str]
    size: int
    cursor: bool = False

    def read(self, take: Callable[[list[Record]], Taken]) -> list[Taken]:
        """Read everything, page by page.

        Args:
            take: Called with each page; what it returns is collected. Pages of an attempt
                that has to be given up are forgotten.

        Raises:
            Untrusted: The listing is cut off, or moves whenever it is read.
            BadQuery: The server refuses the question itself.
        """
        reason = ""
        for _ in range(ATTEMPTS):
            try:
                return [take(page) for page in self._pages()]
            except _Moved as moved:
                reason = str(moved)
        raise Untrusted(
            f"The listing of {self.endpoint.path} changed each of {ATTEMPTS} times: {reason}.",
            code="M440",
            cure="Read it at a quieter hour; if that does not help, the server gives no "
            "stable order, and its maker should hear of it.",
        )

    def first(self) -> list[Record]:
        """Read the first page only.

        Raises:
            BadQuery, Untrusted: As `read`.
        """
        return _records(self._ask(self._count()))

    def _pages(self) -> Iterator[list[Record]]:
        seen: set[str] = set()
        for page in self._by_cursor() if self.cursor else self._by_index():
            ids = [_id(one) for one in page]
            if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
                raise _Moved("a record is listed twice")
            seen.update(ids)
            yield page

    def _by_index(self) -> Iterator[list[Record]]:
        tally = _Tally(self.size, is_whole="filter" not in self.query)
        while True:
            # A server that gives one record a page leaves no room for one seen before.
            overlap = 1 if tally.last else 0
            start = tally.have + 1 - overlap
            body = self._ask({"startIndex": start, **self._count(overlap)})
            page, total = _records(body), _total(body)
            if tally.is_said_again(page, total):
                return
            if overlap and (not page or _id(page[0]) != tally.last):
                raise _Moved(tally.reason(page))
            fresh = page[overlap:]
            if fresh:
                yield fresh
            tally.add(page, fresh, total)
            if tally.is_over(fresh, total):
                return
            if not fresh and not overlap:
                raise _cut(self.endpoint.path, tally.have, total)

    def _by_cursor(self) -> Iterator[list[Record]]:
        cursor, known = "", {""}
        while True:
            try:
                body = self._ask({"cursor": cursor, **self._count()})
            except BadQuery as refusal:
                if cursor and refusal.scim_type in _CURSOR_IS_OVER:
                    raise _Moved("the server no longer knows where we were") from refusal
                raise
            page = _records(body)
            if page:
                yield page
            cursor = str(body.get("nextCursor") or "")
            if not cursor:
                return
            if cursor in known:
                raise _Moved("a cursor leads back to a page that was read")
            known.add(cursor)

    def _count(self, more: int = 0) -> dict[str, int]:
        return {"count": self.size + more} if self.size else {}

    def _ask(self, position: Mapping[str, str | int]) -> Record:
        answer = self.endpoint.list({**self.query, **position})
        if not answer.good:
            raise BadQuery(self.endpoint.path, answer.status, answer.record)
        return answer.record


class BadQuery(GiveUp):
    """The server refuses a question, by its status and its SCIM error type."""

    def __init__(self, path: str, status: int, said: Record) -> None:
        self.status = status
        self.scim_type = str(said.get("scimType") or "")
        super().__init__(
            f"A listing of {path} is answered with {status} {self.scim_type}".rstrip() + ".",
            code="M615",
            cure="Look at the server's log; it refuses a question that SCIM provides for.",
        )


class _Tally:
    """What has been listed by index so far, and what the server's total is worth.

    Some servers declare as many records as they send (WSO2 Identity Server up to 5.11), some
    as many as are left. A total that is smaller than what was listed, or another on each
    page, ends nothing.
    """

    def __init__(self, size: int, *, is_whole: bool) -> None:
        self._size = size
        self._is_whole = is_whole
        self._first: list[str] = []
        self._declared: int | None = None
        self.have = 0
        self.last = ""

    def add(self, page: list[Record], fresh: list[Record], total: int) -> None:
        """Count a page in."""
        self.have += len(fresh)
        self.last = _id(fresh[-1]) if fresh and len(page) > 1 else ""
        if self._declared is None:
            self._first = [_id(one) for one in page]
            self._declared = total
        elif total != self._declared or self.have > total:
            self._declared = -1

    def is_over(self, fresh: list[Record], total: int) -> bool:
        """Say whether nothing can follow."""
        if not fresh:
            return self.have >= total
        return self.have == total == self._declared and not self._may_mean_the_page()

    def is_said_again(self, page: list[Record], total: int) -> bool:
        """Say whether a server without pages has given all there is once more.

        As many as were asked for may be as many as it ever gives, and others be missing.
        """
        said = self._first
        again = len(said) > 1 and [_id(one) for one in page] == said
        return again and self.have == total == len(said) != self._size

    def reason(self, page: list[Record]) -> str:
        """Say what is wrong with a page that does not follow the one before."""
        if page and [_id(one) for one in page][: len(self._first)] == self._first:
            return "asked for the next page, the server gives the first one again"
        return "a page does not begin where the one before it ended"

    def _may_mean_the_page(self) -> bool:
        # A first page that says it is all there is is followed by a look behind it; an answer
        # to a filter only where it is as long as was asked for.
        return self.have == len(self._first) and (
            self._is_whole or 0 < self._size <= len(self._first)
        )


def _records(body: Record) -> list[Record]:
    page = body.get("Resources") or []
    if not isinstance(page, list) or not all(isinstance(one, dict) for one in page):
        raise _strange("`Resources` is no list of records")
    return page


def _total(body: Record) -> int:
    total = body.get("totalResults")
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise _strange("`totalResults` is missing")
    return total


def _id(record: Record) -> str:
    found = record.get("id")
    if not isinstance(found, str | int) or found == "":
        raise _strange("a record has no `id`")
    return str(found)


def _strange(what: str) -> Untrusted:
    return Untrusted(
        f"A page of a listing is not of the form that SCIM gives it: {what}.",
        code="M441",
        cure="Look at the server's version and log; nothing of this listing was taken.",
    )


def _cut(path: str, have: int, total: int) -> Untrusted:
    return Untrusted(
        f"{path} declares {total} records and stops after {have}.",
        code="M430",
        cure="Look at the server's log for a limit or a fault; nothing was taken.",
    )

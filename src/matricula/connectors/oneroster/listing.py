"""Read a listing to its end, and notice when it moved, was cut, or is always the same page.

Each page begins with the last record of the page before. Where that is another one by now, a
record came or went in front of it, and something may have been skipped: it is read again from
the start. A provider that gives fewer records than it was asked for is followed at its pace.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from matricula.connectors.kit.errors import Untrusted

if TYPE_CHECKING:
    from matricula.connectors.oneroster.mapping import Record
    from matricula.connectors.oneroster.wire import Page, Wire

ATTEMPTS = 3


class _Moved(Exception):
    """The listing is another one than it was a page ago."""


@dataclass(slots=True)
class Listing:
    """A listing that is read whole.

    Attributes:
        wire: To the provider.
        resource: Which.
        size: Records asked for at once.
        oddities: Filled while reading: what the provider does that the standard does not
            provide for.
    """

    wire: Wire
    resource: str
    size: int
    oddities: list[str] = field(default_factory=list)

    def read(self) -> list[Record]:
        """Read everything.

        Raises:
            Untrusted: It is cut off (M430), or moves whenever it is read (M440).
            GiveUp, Stop, TryAgain: From the wire.
        """
        reason = ""
        for _ in range(ATTEMPTS):
            self.oddities.clear()
            try:
                return self._once()
            except _Moved as moved:
                reason = str(moved)
        raise Untrusted(
            f"The listing of {self.resource} changed each of {ATTEMPTS} times: {reason}.",
            code="M440",
            cure="Read it at a quieter hour; if that does not help, the provider ignores "
            "`offset` or gives no stable order, and its maker should hear of it.",
        )

    def _once(self) -> list[Record]:
        found: list[Record] = []
        seen: set[str] = set()
        total: int | None = None
        while True:
            overlap = 1 if found else 0
            page = self._page(len(found) - overlap)
            if overlap and (not page.records or _id(page.records[0]) != _id(found[-1])):
                raise _Moved("a page does not begin where the one before it ended")
            fresh = page.records[overlap:]
            ids = [_id(one) for one in fresh]
            if len(set(ids)) < len(ids) or not seen.isdisjoint(ids):
                raise _Moved("a record is listed twice")
            seen.update(ids)
            found += fresh
            total = page.total if page.total is not None else total
            # Without a total only a page with nothing new is the last: one may be short.
            if not fresh or (total is not None and len(found) >= total):
                return self._judged(found, total)

    def _page(self, offset: int) -> Page:
        return self.wire.page(self.resource, {"limit": self.size, "offset": offset})

    def _judged(self, found: list[Record], total: int | None) -> list[Record]:
        if total is None:
            self.oddities.append("the provider states no X-Total-Count, so nothing shows a cut")
        elif len(found) < total:
            raise Untrusted(
                f"{self.resource}: the provider declares {total} records and stops after "
                f"{len(found)}.", code="M430",
                cure="Look at the provider's log for a limit or a fault; nothing was taken.",
            )  # fmt: skip
        elif len(found) > total:
            self.oddities.append(f"the provider declares {total} records and lists {len(found)}")
        return found


def _id(record: Record) -> str:
    return str(record["sourcedId"])

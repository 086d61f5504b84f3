"""Read a listing to its end, and notice when it moved, was cut, or is always the same page.

What moved is read again from the start; what is cut is not believed.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from matricula.connectors.kit import listing
from matricula.connectors.kit.errors import Untrusted

if TYPE_CHECKING:
    from collections.abc import Callable

    from matricula.connectors.oneroster.mapping import Record
    from matricula.connectors.oneroster.wire import Wire

ATTEMPTS = 3
Taken = TypeVar("Taken")


@dataclass(slots=True)
class Listing:
    """A listing that is read whole.

    Attributes:
        wire: To the provider.
        resource: Which.
        size: Records asked for at once.
        concurrency: Pages under way at once.
        oddities: Filled while reading: what the provider does that the standard does not
            provide for.
    """

    wire: Wire
    resource: str
    size: int
    concurrency: int = 1
    oddities: list[str] = field(default_factory=list)

    def read(self, take: Callable[[list[Record]], Taken]) -> list[Taken]:
        """Read everything, page by page.

        Args:
            take: Called with each page; what it returns is collected. Pages of an attempt
                that has to be given up are forgotten.

        Raises:
            Untrusted: It is cut off (M430), or moves whenever it is read (M440).
            GiveUp, Stop, TryAgain: From the wire.
        """
        reason = ""
        for _ in range(ATTEMPTS):
            self.oddities.clear()
            try:
                return self._once(take)
            except listing.Moved as moved:
                reason = str(moved)
        raise Untrusted(
            f"The listing of {self.resource} changed each of {ATTEMPTS} times: {reason}.",
            code="M440",
            cure="Read it at a quieter hour; if that does not help, the provider ignores "
            "`offset` or gives no stable order, and its maker should hear of it.",
        )

    def _once(self, take: Callable[[list[Record]], Taken]) -> list[Taken]:
        found: list[Taken] = []
        count, total = 0, None
        every = listing.Listing(self._page, _id, self.size, self.concurrency)
        for page in every.pages():
            found.append(take(page.records))
            count, total = count + len(page.records), page.total
        self._judge(count, total)
        return found

    def _page(self, offset: int, limit: int) -> listing.Page:
        return self.wire.page(self.resource, {"limit": limit, "offset": offset})

    def _judge(self, count: int, total: int | None) -> None:
        if total is None:
            self.oddities.append("the provider states no X-Total-Count, so nothing shows a cut")
        elif count < total:
            raise Untrusted(
                f"{self.resource}: the provider declares {total} records and stops after "
                f"{count}.", code="M430",
                cure="Look at the provider's log for a limit or a fault; nothing was taken.",
            )  # fmt: skip
        elif count > total:
            self.oddities.append(f"the provider declares {total} records and lists {count}")


def _id(record: Record) -> str:
    return str(record["sourcedId"])

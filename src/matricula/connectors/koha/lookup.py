"""Find patrons, and believe no answer that was not checked here.

Koha's plain filters find whatever contains a value, and its comparisons know neither case nor
accents: what it is asked narrows the answer, what is compared here decides.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.kit.refuse import Misfit
from matricula.connectors.koha import mapping
from matricula.connectors.koha.fields import CARD
from matricula.connectors.koha.wire import ATTRIBUTES, BALANCE, COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import date

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.koha.fields import Field
    from matricula.connectors.koha.mapping import Patron
    from matricula.connectors.koha.settings import KohaSettings
    from matricula.connectors.koha.wire import Answer, Wire

# So many card numbers make an address that every server takes.
CARDS_AT_ONCE = 40
ID = "patron_id"
# Numbers above one, up to another where there is an end.
_Range = tuple[int, "int | None"]


class Lookup:
    """Look-ups among the patrons of one Koha. Safe to use from several threads."""

    def __init__(self, wire: Wire, settings: KohaSettings) -> None:
        self._wire = wire
        self._categories = settings.categories
        self._size, self._concurrency = settings.page_size, settings.concurrency
        balance = [BALANCE] if settings.clearance_by == "listing" else []
        self._counted = [COUNTS, *balance, ATTRIBUTES]

    def pages(self, *, with_counts: bool = False) -> Iterator[tuple[list[Patron], date | None]]:
        """Read all patrons of the charter's categories, page by page, with the system's day.

        Every page is asked for by the last number of the page before, so that nobody is
        skipped when somebody before them is deleted meanwhile. Once it is known how many there
        are, ranges of numbers are read side by side, and whoever is added meanwhile at the end.

        Raises:
            Untrusted: The listing does not keep to the order that was asked for (M441).
        """
        read = partial(self._read, self._counted if with_counts else [ATTRIBUTES])
        for page in self._side_by_side(read) if self._concurrency > 1 else _chain(read, (0, None)):
            if page.records:
                yield page.records, page.day

    def _side_by_side(self, read: Callable[[_Range], Answer]) -> Iterator[Answer]:
        both: list[Callable[[], Answer]] = [partial(read, (0, None)), self._highest]
        first, highest = batches.each(lambda ask: ask(), both, concurrency=2)
        yield first
        if not first.records or first.total == len(first.records):
            return
        last = top = _number(first.records[-1])
        ranges: list[_Range] = []
        if first.total is not None and highest.records:
            top = max(last, _number(highest.records[0]))
            more = max(1, first.total - len(first.records))
            ranges += _ranges(last, top, max(1, (top - last) * self._size // more))
        ranges.append((top, None))
        for pages in batches.flowing(
            lambda numbers: list(_chain(read, numbers)), ranges, concurrency=self._concurrency
        ):
            yield from pages

    def _read(self, embed: Sequence[str], numbers: _Range) -> Answer:
        last, top = numbers
        within = {">": last} if top is None else {">": last, "<=": top}
        query = {**self._ours(), "me.patron_id": within}
        answer = self._wire.patrons(query, embed=embed, size=self._size)
        found = [_number(one) for one in answer.records]
        if found != sorted(set(found)) or any(n <= last or n > (top or n) for n in found):
            raise _strange("it does not keep to the order that was asked for")
        return answer

    def _highest(self) -> Answer:
        return self._wire.patrons(self._ours(), size=1, falling=True)

    def by_id(self, patron_id: str, wanted: Mapping[Field, Value]) -> list[Patron]:
        """Fetch the patron of a number, if it is of the charter's categories and as wanted."""
        answer = self._wire.patron(patron_id)
        found = answer.record
        if not answer.good or str(found.get(ID)) != patron_id or not self.is_ours(found):
            return []
        exact = _exact(wanted)
        return [found] if exact is not None and mapping.holds(found, exact) else []

    def by_fields(
        self, wanted: Mapping[Field, Value], *, everywhere: bool = False
    ) -> list[Patron]:
        """Find all patrons that equal every wanted value; a blank is nobody's.

        Args:
            wanted: Field to value.
            everywhere: Patrons of other categories too, as a creation must know of them.

        Raises:
            TryAgain: A listing that had to be read was not in order.
        """
        exact = _exact(wanted)
        if exact is None:
            return []
        try:
            found = [one for one in self._candidates(exact) if mapping.holds(one, exact)]
        except Untrusted as error:
            raise TryAgain(error.message, code=error.code, cure=error.cure) from error
        return [one for one in found if everywhere or self.is_ours(one)]

    def by_cards(self, cards: Sequence[str], *, everywhere: bool = False) -> dict[str, Patron]:
        """Find patrons by card numbers, many at once, with the attributes of each.

        Args:
            cards: Card numbers that Koha can hold.
            everywhere: Patrons of other categories too.
        """
        found: dict[str, Patron] = {}
        for some, answer in self._together(list(cards), "me.cardnumber", [ATTRIBUTES]):
            for one in answer.records:
                card = str(one.get(CARD))
                if card in some and (everywhere or self.is_ours(one)):
                    found[card] = one
        return found

    def by_ids(self, patron_ids: Sequence[str]) -> dict[str, Patron]:
        """Fetch patrons by number, many at once, whatever their category."""
        numbers = [int(one) for one in patron_ids]
        every = self._together(numbers, "me.patron_id", [ATTRIBUTES])
        return {
            str(one[ID]): one
            for some, answer in every
            for one in answer.records
            if one.get(ID) in some
        }

    def with_counts(self, patron_ids: Sequence[str]) -> tuple[list[Patron], date | None]:
        """Fetch patrons with how much they have on loan and overdue, and the system's day."""
        found: list[Patron] = []
        day = None
        numbers = [int(one) for one in patron_ids]
        for some, answer in self._together(numbers, "me.patron_id", self._counted):
            found += [one for one in answer.records if one.get(ID) in some]
            day = answer.day
        return found, day

    def _together(
        self, values: Sequence[str | int], column: str, embed: Sequence[str]
    ) -> Iterator[tuple[Sequence[str | int], Answer]]:
        """Ask for the patrons who have one of some values, so many in a call."""
        parts = [values[n : n + CARDS_AT_ONCE] for n in range(0, len(values), CARDS_AT_ONCE)]

        def ask(some: Sequence[str | int]) -> Answer:
            return self._wire.patrons({column: list(some)}, embed=embed)

        answers = batches.each(ask, parts, concurrency=self._concurrency)
        return zip(parts, answers, strict=True)

    def is_ours(self, patron: Patron) -> bool:
        """Say whether a patron is of a category that the charter speaks of."""
        return not self._categories or patron.get("category_id") in self._categories

    def _ours(self) -> dict[str, Any]:
        return {"me.category_id": self._categories} if self._categories else {}

    def _candidates(self, wanted: Mapping[Field, Value]) -> list[Patron]:
        field = _most_telling(wanted)
        if field is None:
            return [one for page, _ in self.pages() for one in page]
        if not field.attribute:
            query = {f"me.{field.name}": wanted[field]}
            return self._wire.patrons(query, embed=[ATTRIBUTES]).records
        query = {
            f"{ATTRIBUTES}.code": field.attribute,
            f"{ATTRIBUTES}.attribute": wanted[field],
        }
        hits = self._wire.patrons(query, embed=[ATTRIBUTES]).records
        # Asked so, Koha shows of each patron only the attribute that was asked for.
        whole = [self._wire.patron(str(one.get(ID))) for one in hits]
        return [one.record for one in whole if one.good]


def _exact(wanted: Mapping[Field, Value]) -> dict[Field, Value] | None:
    """Write wanted values as Koha stores them; None where no patron can hold one of them."""
    if any(value in (None, "") for value in wanted.values()):
        return None
    try:
        return {f: mapping.canonical(f, v) if f.asked else v for f, v in wanted.items()}
    except Misfit:
        return None


def _most_telling(wanted: Mapping[Field, Value]) -> Field | None:
    """Choose the field to ask for: an identifier before what many may share."""
    usable = [field for field in wanted if field.asked]
    return min(usable, key=lambda one: (not one.identifies, one.name), default=None)


def _chain(read: Callable[[_Range], Answer], numbers: _Range) -> Iterator[Answer]:
    """Read whoever has a number in a range, until Koha says that a page had all that is left."""
    last, top = numbers
    while True:
        page = read((last, top))
        yield page
        if not page.records or page.total == len(page.records):
            return
        last = _number(page.records[-1])


def _ranges(last: int, top: int, width: int) -> Iterator[_Range]:
    """Divide the numbers above one, up to another, into ranges that are about a page each."""
    for start in range(last, top, width):
        yield start, min(top, start + width)


def _number(patron: Patron) -> int:
    found = patron.get(ID)
    if isinstance(found, bool) or not isinstance(found, int):
        raise _strange("a patron has no number")
    return found


def _strange(what: str) -> Untrusted:
    return Untrusted(
        f"A listing of patrons is not as Koha's interface has it: {what}.",
        code="M441",
        cure="Look at Koha's version and log; nothing of this listing was taken.",
    )

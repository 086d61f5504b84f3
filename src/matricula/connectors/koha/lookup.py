"""Find patrons, and believe no answer that was not checked here.

Koha's plain filters find whatever contains a value, and its comparisons know neither case nor
accents: what it is asked narrows the answer, what is compared here decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matricula.connectors.kit.errors import TryAgain, Untrusted
from matricula.connectors.kit.refuse import Misfit
from matricula.connectors.koha import mapping
from matricula.connectors.koha.fields import CARD
from matricula.connectors.koha.wire import ATTRIBUTES, COUNTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from matricula.connectors.kit.protocol import Value
    from matricula.connectors.koha.fields import Field
    from matricula.connectors.koha.mapping import Patron
    from matricula.connectors.koha.settings import KohaSettings
    from matricula.connectors.koha.wire import Wire

# So many card numbers make an address that every server takes.
CARDS_AT_ONCE = 40
ID = "patron_id"


class Lookup:
    """Look-ups among the patrons of one Koha. Safe to use from several threads."""

    def __init__(self, wire: Wire, settings: KohaSettings) -> None:
        self._wire = wire
        self._categories = settings.categories
        self._size = settings.page_size

    def pages(self, *, with_counts: bool = False) -> Iterator[tuple[list[Patron], date | None]]:
        """Read all patrons of the charter's categories, page by page, with the system's day.

        Every page is asked for by the last number of the page before, so that nobody is
        skipped when somebody before them is deleted meanwhile.

        Raises:
            Untrusted: The listing does not keep to the order that was asked for (M441).
        """
        embed = [COUNTS, ATTRIBUTES] if with_counts else [ATTRIBUTES]
        last = 0
        while True:
            query = {**self._ours(), "me.patron_id": {">": last}}
            answer = self._wire.patrons(query, embed=embed, size=self._size)
            page = answer.records
            if not page:
                return
            numbers = [_number(one) for one in page]
            if numbers != sorted(set(numbers)) or numbers[0] <= last:
                raise _strange("it does not keep to the order that was asked for")
            yield page, answer.day
            last = numbers[-1]

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
        for start in range(0, len(cards), CARDS_AT_ONCE):
            some = list(cards[start : start + CARDS_AT_ONCE])
            for one in self._wire.patrons({"me.cardnumber": some}, embed=[ATTRIBUTES]).records:
                card = str(one.get(CARD))
                if card in some and (everywhere or self.is_ours(one)):
                    found[card] = one
        return found

    def with_counts(self, patron_ids: Sequence[str]) -> tuple[list[Patron], date | None]:
        """Fetch patrons with how much they have on loan and overdue, and the system's day."""
        found: list[Patron] = []
        day = None
        for start in range(0, len(patron_ids), CARDS_AT_ONCE):
            some = [int(one) for one in patron_ids[start : start + CARDS_AT_ONCE]]
            listed = self._wire.patrons({"me.patron_id": some}, embed=[COUNTS, ATTRIBUTES])
            found += [one for one in listed.records if one.get(ID) in some]
            day = listed.day
        return found, day

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

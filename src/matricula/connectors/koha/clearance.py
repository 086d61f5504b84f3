"""What a patron still has from the library, patron by patron: loans, holds and what is owed.

Loans and overdue loans are counted by Koha in its listing; holds and the account are asked for
each patron. What is owed is then the sum of open charges. Where the charter has the listing say
it all, it is the balance, which nets a credit of one kind against a fine of another.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.protocol import FieldShape, ResourceShape
from matricula.connectors.koha import mapping
from matricula.connectors.koha.fields import ARROW, CARD, Field
from matricula.connectors.koha.lookup import ID
from matricula.connectors.koha.mapping import Misfit
from matricula.connectors.koha.wire import BALANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from matricula.connectors.kit.protocol import NativeType, Value
    from matricula.connectors.koha.lookup import Lookup
    from matricula.connectors.koha.mapping import Patron
    from matricula.connectors.koha.settings import KohaSettings
    from matricula.connectors.koha.wire import Wire

NAME = "clearance"
OPEN, BLOCKED = "open", "blocked"
_OWN: Sequence[tuple[str, NativeType]] = (
    ("loans", "integer"),
    ("overdue", "integer"),
    ("holds", "integer"),
    ("owed", "decimal"),
    ("access", "text"),
)
_CENTS = Decimal("0.0001")


class Clearance:
    """The resource `clearance` of one Koha.

    Args:
        wire: The system.
        lookup: Its patrons.
        fields: A patron's fields; of them the card number and the attributes stand here too,
            so that a row is recognised.
        settings: How clearance is read, and how many patrons are asked about at once.
    """

    def __init__(
        self, wire: Wire, lookup: Lookup, fields: Mapping[str, Field], settings: KohaSettings
    ) -> None:
        self._wire, self._lookup, self._concurrency = wire, lookup, settings.concurrency
        self._asks_each = settings.clearance_by == "patron"
        self._known = {n: f for n, f in fields.items() if n == CARD or f.attribute}

    @property
    def names(self) -> list[str]:
        """The fields of a row."""
        return [*self._known, *(name for name, _ in _OWN)]

    @property
    def recognised_by(self) -> Mapping[str, Field]:
        """The fields that a patron is found by."""
        return self._known

    @property
    def schema(self) -> pa.Schema:
        """How rows are read."""
        known = [pa.field(name, ARROW[field.type]) for name, field in self._known.items()]
        own = [pa.field(name, ARROW[kind]) for name, kind in _OWN]
        return pa.schema([pa.field("_id", pa.string()), *known, *own])

    def shape(self, *, readable: bool) -> ResourceShape:
        """Describe it."""
        known = [FieldShape(f.name, f.type, writable=False) for f in self._known.values()]
        own = [FieldShape(name, kind, writable=False) for name, kind in _OWN]
        return ResourceShape(NAME, (*known, *own), readable=readable)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the clearance of all patrons, page by page."""
        for page, day in self._lookup.pages(with_counts=True):
            yield pa.RecordBatch.from_pylist(self.rows(page, day), schema=self.schema)

    def rows(self, patrons: Sequence[Patron], day: date | None) -> list[dict[str, object]]:
        """Ask for the clearance of some patrons, listed with their counts.

        Patrons who are deleted meanwhile have no row.
        """
        found: Sequence[dict[str, object] | None]
        if self._asks_each:
            found = batches.each(self._about, patrons, concurrency=self._concurrency)
        else:
            found = [_as_listed(patron) for patron in patrons]
        return [
            {**self._recognised(patron), **row, "access": _access(patron, day)}
            for patron, row in zip(patrons, found, strict=True)
            if row is not None
        ]

    def _recognised(self, patron: Patron) -> dict[str, Value]:
        row: dict[str, Value] = {"_id": str(patron[ID])}
        for name, field in self._known.items():
            try:
                row[name] = mapping.read_field(patron, field)
            except Misfit:
                row[name] = None
        return row

    def _about(self, patron: Patron) -> dict[str, object] | None:
        patron_id = str(patron[ID])
        account, holds = self._wire.account(patron_id), self._wire.holds(patron_id)
        if not account.good or not holds.good:
            return None
        debits = account.record.get("outstanding_debits")
        total = debits.get("total") if isinstance(debits, dict) else None
        owed = _amount(total, "an account is shown without the total of its open charges")
        if owed < 0:
            raise _strange("open charges come to less than nothing")
        return {**_lent(patron), "holds": len(holds.records), "owed": owed}


def _as_listed(patron: Patron) -> dict[str, object]:
    balance = _amount(patron.get(BALANCE), "a patron is listed without a balance")
    return {**_lent(patron), "holds": None, "owed": max(balance, Decimal(0))}


def _lent(patron: Patron) -> dict[str, object]:
    return {
        "loans": _count(patron, "checkouts_count"),
        "overdue": _count(patron, "overdues_count"),
    }


def _access(patron: Patron, day: date | None) -> str | None:
    """Say whether a patron may borrow as far as Koha shows it: not expired, restricted or lost."""
    if patron.get("restricted") or patron.get("patron_card_lost"):
        return BLOCKED
    if day is None:
        return None
    return BLOCKED if mapping.is_past(patron, day) else OPEN


def _count(patron: Patron, name: str) -> int:
    found = patron.get(name)
    # Nothing said is not nothing lent.
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise _strange(f"a patron is listed without {name}")
    return found


def _amount(told: object, without: str) -> Decimal:
    try:
        # Written anew as text first: 0.1 in the answer is ten cents, and no binary fraction.
        amount = Decimal(str(told)).quantize(_CENTS)
    except InvalidOperation:
        raise _strange(without) from None
    if not amount.is_finite():
        raise _strange(without)
    return amount


def _strange(what: str) -> Untrusted:
    return Untrusted(
        f"What Koha says of a patron is not as its interface has it: {what}.",
        code="M441",
        cure="Look at Koha's version (23.05 or later) and log; nothing of it was taken.",
    )

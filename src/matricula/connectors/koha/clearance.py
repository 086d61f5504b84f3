"""What a patron still has from the library, patron by patron: loans, holds and what is owed.

Loans and overdue loans are counted by Koha in its listing; holds and the account are asked for
each patron. What is owed is then the sum of open charges. Where the charter has the listing say
it all, it is the balance, which nets a credit of one kind against a fine of another.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.connectors.kit import batches
from matricula.connectors.kit.clearance import BLOCKED, OPEN, Judge, schema_of, shape_of
from matricula.connectors.kit.refuse import Misfit
from matricula.connectors.koha import mapping
from matricula.connectors.koha.fields import CARD, Field
from matricula.connectors.koha.lookup import ID
from matricula.connectors.koha.wire import BALANCE

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date

    from matricula.connectors.kit.protocol import ResourceShape, Value
    from matricula.connectors.koha.lookup import Lookup
    from matricula.connectors.koha.mapping import Patron
    from matricula.connectors.koha.settings import KohaSettings
    from matricula.connectors.koha.wire import Wire

_JUDGE = Judge("Koha", "patron", "Koha's version (23.05 or later) and log")


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
    def recognised_by(self) -> Mapping[str, Field]:
        """The fields that a patron is found by."""
        return self._known

    @property
    def schema(self) -> pa.Schema:
        """How rows are read."""
        return schema_of(self._known.values())

    def shape(self, *, readable: bool) -> ResourceShape:
        """Describe it."""
        return shape_of(self._known.values(), readable=readable)

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
        owed = _owed(account.record)
        return {**_lent(patron), "holds": len(holds.records), "owed": owed}


def _owed(account: Patron) -> Decimal:
    debits = account.get("outstanding_debits")
    total = debits.get("total") if isinstance(debits, dict) else None
    lacking = "an account is shown without the total of its open charges"
    owed = _JUDGE.amount(total, lacking=lacking)
    if owed < 0:
        raise _JUDGE.strange(lacking)
    return owed


def _as_listed(patron: Patron) -> dict[str, object]:
    lacking = "a patron is listed without a balance"
    balance = _JUDGE.amount(patron.get(BALANCE), lacking=lacking)
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
    return _JUDGE.count(patron, name, lacking=f"a patron is listed without {name}")

"""What a user still has from the library, user by user.

`open-transactions` counts what is open; what is owed and what is overdue is asked for where it
counts any.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors.folio import mapping
from matricula.connectors.folio.fields import ACTIVE, ARROW, FIELDS
from matricula.connectors.kit import batches
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.protocol import FieldShape, ResourceShape

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.folio.lookup import Lookup
    from matricula.connectors.folio.mapping import User
    from matricula.connectors.folio.wire import Answer, Wire
    from matricula.connectors.kit.protocol import NativeType

NAME = "clearance"
RECOGNISED = {name: field for name, field in FIELDS.items() if field.identifies}
_OWN: Sequence[tuple[str, NativeType]] = (
    ("loans", "integer"),
    ("overdue", "integer"),
    ("holds", "integer"),
    ("owed", "decimal"),
    ("access", "text"),
)
_CENTS = Decimal("0.0001")
_PAGE = 200
SCHEMA = pa.schema(
    [
        pa.field("_id", pa.string()),
        *(pa.field(name, pa.string()) for name in RECOGNISED),
        *(pa.field(name, ARROW[kind]) for name, kind in _OWN),
    ]
)


class Clearance:
    """The resource `clearance` of one tenant."""

    def __init__(self, wire: Wire, lookup: Lookup, *, concurrency: int) -> None:
        self._wire, self._lookup, self._concurrency = wire, lookup, concurrency

    def shape(self) -> ResourceShape:
        """Describe it."""
        known = [FieldShape(name, writable=False) for name in RECOGNISED]
        own = [FieldShape(name, kind, writable=False) for name, kind in _OWN]
        return ResourceShape(NAME, (*known, *own))

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the clearance of all users that are ours."""
        users = [one for page in self._lookup.everybody(list) for one in page]
        for start in range(0, len(users), _PAGE):
            rows = self.rows(users[start : start + _PAGE])
            yield pa.RecordBatch.from_pylist(rows, schema=SCHEMA)

    def rows(self, users: Sequence[User]) -> list[dict[str, Any]]:
        """Ask for the clearance of some users; who is deleted meanwhile has no row."""
        found = batches.each(self._row, users, concurrency=self._concurrency)
        return [row for row in found if row is not None]

    def _row(self, user: User) -> dict[str, Any] | None:
        user_id = str(user["id"])
        answer = self._wire.open_of(user_id)
        if not answer.good:
            return None
        loans, fees = _count(answer.record, "loans"), _count(answer.record, "feesFines")
        blocks = _count(answer.record, "blocks")
        may_borrow = bool(mapping.read_field(user, FIELDS[ACTIVE], {})) and not blocks
        return {
            "_id": user_id,
            **{name: mapping.read_field(user, field, {}) for name, field in RECOGNISED.items()},
            "loans": loans,
            "overdue": self._overdue(user_id, answer) if loans else 0,
            "holds": _count(answer.record, "requests"),
            "owed": self._owed(user_id) if fees else Decimal(0),
            "access": "open" if may_borrow else "blocked",
        }

    def _overdue(self, user_id: str, answer: Answer) -> int | None:
        if answer.at is None:
            return None
        return sum(_due(loan) < answer.at for loan in self._wire.loans(user_id))

    def _owed(self, user_id: str) -> Decimal:
        return sum((_remaining(one) for one in self._wire.accounts(user_id)), Decimal(0))


def _count(record: Mapping[str, Any], name: str) -> int:
    found = record.get(name)
    # Nothing said is not nothing lent.
    if isinstance(found, bool) or not isinstance(found, int) or found < 0:
        raise _strange(f"open transactions come without {name}")
    return found


def _due(loan: Mapping[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(loan.get("dueDate")))
    except ValueError:
        raise _strange("a loan has no day on which it is due") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _remaining(account: Mapping[str, Any]) -> Decimal:
    try:
        return Decimal(str(account.get("remaining"))).quantize(_CENTS)
    except InvalidOperation:
        raise _strange("a fee is shown without what remains of it") from None


def _strange(what: str) -> Untrusted:
    return Untrusted(
        f"What FOLIO says of a user is not as its interface has it: {what}.",
        code="M441",
        cure="Look at the tenant's modules and log; nothing of it was taken.",
    )

"""What a user still has from the library, user by user.

`open-transactions` counts what is open; what is owed and what is overdue is asked for where it
counts any.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors.folio import mapping
from matricula.connectors.folio.fields import ACTIVE, FIELDS
from matricula.connectors.kit import batches
from matricula.connectors.kit.clearance import BLOCKED, OPEN, Judge, schema_of, shape_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.folio.lookup import Lookup
    from matricula.connectors.folio.mapping import User
    from matricula.connectors.folio.wire import Answer, Wire
    from matricula.connectors.kit.protocol import ResourceShape

RECOGNISED = {name: field for name, field in FIELDS.items() if field.identifies}
_JUDGE = Judge("FOLIO", "user", "the tenant's modules and log")
_PAGE = 200
SCHEMA = schema_of(RECOGNISED.values())


class Clearance:
    """The resource `clearance` of one tenant."""

    def __init__(self, wire: Wire, lookup: Lookup, *, concurrency: int) -> None:
        self._wire, self._lookup, self._concurrency = wire, lookup, concurrency

    def shape(self) -> ResourceShape:
        """Describe it."""
        return shape_of(RECOGNISED.values())

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
            "access": OPEN if may_borrow else BLOCKED,
        }

    def _overdue(self, user_id: str, answer: Answer) -> int | None:
        if answer.at is None:
            return None
        return sum(_due(loan) < answer.at for loan in self._wire.loans(user_id))

    def _owed(self, user_id: str) -> Decimal:
        return sum((_remaining(one) for one in self._wire.accounts(user_id)), Decimal(0))


def _count(record: Mapping[str, Any], name: str) -> int:
    return _JUDGE.count(record, name, lacking=f"open transactions come without {name}")


def _due(loan: Mapping[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(loan.get("dueDate")))
    except ValueError:
        raise _JUDGE.strange("a loan has no day on which it is due") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _remaining(account: Mapping[str, Any]) -> Decimal:
    lacking = "a fee is shown without what remains of it"
    return _JUDGE.amount(account.get("remaining"), lacking=lacking)

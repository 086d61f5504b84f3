"""What a user still has from the library, user by user: loans, holds and what is owed.

Fees that are disputed or were handed to the bursary are asked for too: by default Alma shows
those alone that are active.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from matricula.connectors.alma import mapping
from matricula.connectors.alma.fields import ACTIVE, ID, Field
from matricula.connectors.kit import batches
from matricula.connectors.kit.clearance import (
    BLOCKED,
    OPEN,
    Judge,
    schema_of,
    shape_of,
)
from matricula.connectors.kit.refuse import Misfit

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from matricula.connectors.alma.lookup import Lookup
    from matricula.connectors.alma.mapping import User
    from matricula.connectors.alma.wire import Answer, Wire
    from matricula.connectors.kit.protocol import ResourceShape, Value

_PAGE = 100
_OPEN_FEES = ("ACTIVE", "INDISPUTE", "EXPORTED")
_JUDGE = Judge("Alma", "user", "the key's permissions and at Alma")


class Clearance:
    """The resource `clearance` of one Alma.

    Args:
        wire: The system.
        lookup: Its users.
        fields: A user's fields; of them those that identify stand here too.
        concurrency: Users asked about at once.
    """

    def __init__(
        self, wire: Wire, lookup: Lookup, fields: Mapping[str, Field], *, concurrency: int
    ) -> None:
        self._wire, self._lookup, self._concurrency = wire, lookup, concurrency
        self.recognised_by = {n: f for n, f in fields.items() if f.identifies}

    @property
    def schema(self) -> pa.Schema:
        """How rows are read."""
        return schema_of(self.recognised_by.values())

    def shape(self) -> ResourceShape:
        """Describe it."""
        return shape_of(self.recognised_by.values(), id_field=ID)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Read the clearance of all users that are ours."""
        for page in self._lookup.pages():
            yield pa.RecordBatch.from_pylist(self.rows(page), schema=self.schema)

    def rows(self, users: Sequence[User]) -> list[dict[str, Any]]:
        """Ask for the clearance of some users; who is deleted meanwhile has no row."""
        found = batches.each(self._row, users, concurrency=self._concurrency)
        return [row for row in found if row is not None]

    def open_of(self, user: User, at: datetime | None) -> str:
        """Say what a user has open, in words without values; empty for nothing."""
        row = self._row(user, at)
        if row is None:
            return ""
        said = {
            "something on loan": row["loans"],
            "something requested": row["holds"],
            "something to pay": row["owed"],
        }
        return ", ".join(words for words, count in said.items() if count)

    def _row(self, user: User, at: datetime | None = None) -> dict[str, Any] | None:
        user_id = str(user[ID])
        loans = self._loans(user_id)
        holds = self._asked(user_id, "requests", {"request_type": "HOLD", "limit": 1})
        fees = [self._asked(user_id, "fees", {"status": status}) for status in _OPEN_FEES]
        if loans is None or holds is None or None in fees:
            return None
        moment = at or holds.at
        return {
            **self._recognised(user),
            "loans": len(loans),
            "overdue": None if moment is None else sum(_due(one) < moment for one in loans),
            "holds": _count(holds.record),
            "owed": sum((_sum(one.record) for one in fees if one is not None), Decimal(0)),
            "access": _access(user, moment),
        }

    def _recognised(self, user: User) -> dict[str, Value]:
        row: dict[str, Value] = {"_id": str(user[ID])}
        for name, field in self.recognised_by.items():
            try:
                row[name] = mapping.read_field(user, field)
            except Misfit:
                row[name] = None
        return row

    def _loans(self, user_id: str) -> list[dict[str, Any]] | None:
        found: list[dict[str, Any]] = []
        while True:
            query: dict[str, str | int] = {
                "loan_status": "Active",
                "limit": _PAGE,
                "offset": len(found),
            }
            answer = self._asked(user_id, "loans", query)
            if answer is None:
                return None
            page = answer.record.get("item_loan") or []
            found += page
            total = _count(answer.record)
            if len(found) >= total:
                return found
            if not page:
                raise _JUDGE.strange(f"{total} loans are declared and {len(found)} were listed")

    def _asked(self, user_id: str, part: str, query: Mapping[str, str | int]) -> Answer | None:
        answer = self._wire.part(user_id, part, query)
        if answer.names_nobody:
            return None
        if not answer.good:
            raise _JUDGE.strange(f"{part} are answered with {answer.code or answer.status}")
        return answer


def _access(user: User, at: datetime | None) -> str | None:
    """Say whether a user may borrow as far as the record shows it."""
    blocks = [one for one in user.get("user_block") or [] if one.get("block_status") == ACTIVE]
    status = (user.get("status") or {}).get("value")
    if blocks or status != ACTIVE:
        return BLOCKED
    until = str(user.get("expiry_date") or "")[:10]
    if not until:
        return OPEN
    if at is None:
        return None
    return BLOCKED if date.fromisoformat(until) < at.date() else OPEN


def _due(loan: Mapping[str, Any]) -> datetime:
    try:
        found = datetime.fromisoformat(str(loan.get("due_date")))
    except ValueError:
        raise _JUDGE.strange("a loan has no day on which it is due") from None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _count(record: Mapping[str, Any]) -> int:
    return _JUDGE.count(record, "total_record_count", lacking="a listing has no total")


def _sum(record: Mapping[str, Any]) -> Decimal:
    return _JUDGE.amount(record.get("total_sum"), lacking="fees are shown without their sum")

"""What a person still has from a library: the one row that every library system is read as.

Besides the fields that recognise a person it has `loans`, `overdue` and `holds` (counts), `owed`
(major units), and `access`, `open` or `blocked`.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.protocol import FieldShape, ResourceShape

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from matricula.connectors.kit.protocol import NativeType

NAME = "clearance"
OPEN, BLOCKED = "open", "blocked"
_CENTS = Decimal("0.0001")
_OWN: Sequence[tuple[str, NativeType, pa.DataType]] = (
    ("loans", "integer", pa.int64()),
    ("overdue", "integer", pa.int64()),
    ("holds", "integer", pa.int64()),
    ("owed", "decimal", pa.decimal128(14, 4)),
    ("access", "text", pa.string()),
)


class Recognising(Protocol):
    """A field by which a person is recognised; all are text."""

    @property
    def name(self) -> str:
        """Its name."""
        ...


def schema_of(recognised_by: Iterable[Recognising]) -> pa.Schema:
    """Say how rows are read."""
    known = [pa.field(one.name, pa.string()) for one in recognised_by]
    own = [pa.field(name, kind) for name, _, kind in _OWN]
    return pa.schema([pa.field("_id", pa.string()), *known, *own])


def shape_of(
    recognised_by: Iterable[Recognising], *, id_field: str = "", readable: bool = True
) -> ResourceShape:
    """Describe the resource, of which nothing is written."""
    known = [FieldShape(one.name, writable=False) for one in recognised_by]
    own = [FieldShape(name, native, writable=False) for name, native, _ in _OWN]
    return ResourceShape(NAME, (*known, *own), id_field, readable=readable)


class Judge:
    """Reads what one system says of a person's loans and debts, and believes nothing strange.

    Args:
        system: What it is called.
        what: What a person is there: a `user`, a `patron`.
        look: What to look at when it says something strange.
    """

    def __init__(self, system: str, what: str, look: str) -> None:
        self._system, self._what, self._look = system, what, look

    def strange(self, what: str) -> Untrusted:
        """Say that an answer is not as the interface has it (M441)."""
        return Untrusted(
            f"What {self._system} says of a {self._what} is not as its interface has it: {what}.",
            code="M441",
            cure=f"Look at {self._look}; nothing of it was taken.",
        )

    def count(self, record: Mapping[str, object], name: str, *, lacking: str) -> int:
        """Read a count: nothing said is not nothing lent.

        Raises:
            Untrusted: There is none; `lacking` says what that means (M441).
        """
        found = record.get(name)
        if isinstance(found, bool) or not isinstance(found, int) or found < 0:
            raise self.strange(lacking)
        return found

    def amount(self, told: object, *, lacking: str) -> Decimal:
        """Read an amount of money; less than nothing is a credit.

        Raises:
            Untrusted: It is none (M441).
        """
        try:
            # Written anew as text first: 0.1 in an answer is ten cents, and no binary fraction.
            owed = Decimal(str(told)).quantize(_CENTS)
        except InvalidOperation:
            raise self.strange(lacking) from None
        if not owed.is_finite():
            raise self.strange(lacking)
        return owed

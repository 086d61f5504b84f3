"""The kit's values and the warehouse's column types, one to the other. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from matricula.connectors.kit.protocol import NativeType, Value

Canonical = str | int | bool | Decimal | date | datetime | None

INSTANT = pa.timestamp("us", tz="UTC")
SURROGATE, KEY, VALID_FROM, VALID_TO = "surrogate_key", "key", "valid_from", "valid_to"
IS_CURRENT, CHANGE, CLOSED_BY, RUN_AT = "is_current", "change_kind", "closed_by", "run_at"
# What every table has besides the granted columns, in this order.
BEFORE = (SURROGATE, KEY)
AFTER = (VALID_FROM, VALID_TO, IS_CURRENT, CHANGE, CLOSED_BY, RUN_AT)
REFERENCE_ENDING = "_sk"
_DEFAULT_DECIMAL = (28, 9)
_INTEGER_LIMIT = 1 << 63
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_TRUTH: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}


class DoesNotFit(Exception):
    """A value that a column cannot hold unchanged; the text says why without the value."""


@dataclass(frozen=True, slots=True)
class ColumnType:
    """The type of a granted column. `precision` and `scale` are a decimal's."""

    name: NativeType
    precision: int = 0
    scale: int = 0

    def arrow(self) -> pa.DataType:
        """Name the type in Arrow."""
        if self.name == "decimal":
            return pa.decimal128(self.precision, self.scale)
        return _ARROW[self.name]

    def sql(self) -> sa.types.TypeEngine[Any]:
        """Name the type in SQL."""
        if self.name == "decimal":
            return sa.Numeric(self.precision, self.scale)
        return _SQL[self.name]


_ARROW: Mapping[NativeType, pa.DataType] = {
    "text": pa.string(),
    "integer": pa.int64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": INSTANT,
}
_SQL: Mapping[NativeType, sa.types.TypeEngine[Any]] = {
    "text": sa.Text(),
    "integer": sa.BigInteger(),
    "boolean": sa.Boolean(),
    "date": sa.Date(),
    "instant": sa.TIMESTAMP(timezone=True),
}
TEXT, INTEGER, BOOLEAN, MOMENT = (
    ColumnType("text"),
    ColumnType("integer"),
    ColumnType("boolean"),
    ColumnType("instant"),
)
FIXED: Mapping[str, ColumnType] = {
    SURROGATE: INTEGER,
    KEY: TEXT,
    VALID_FROM: MOMENT,
    VALID_TO: MOMENT,
    IS_CURRENT: BOOLEAN,
    CHANGE: TEXT,
    CLOSED_BY: TEXT,
    RUN_AT: MOMENT,
}


def type_named(text: str) -> ColumnType:
    """Read a type as the charter writes it, such as `decimal(12,2)`."""
    if text.startswith("decimal"):
        sizes = [int(part) for part in re.findall(r"[0-9]+", text)] or list(_DEFAULT_DECIMAL)
        return ColumnType("decimal", *sizes)
    return ColumnType(text)  # type: ignore[arg-type]  # the settings allow no other words


def type_found(data_type: str, precision: int | None, scale: int | None) -> ColumnType:
    """Read a type as a database's own catalogue writes it."""
    word = data_type.lower().partition("(")[0]
    if word in {"decimal", "numeric"}:
        return ColumnType("decimal", precision or _DEFAULT_DECIMAL[0], scale or 0)
    return ColumnType(_FOUND.get(word, "text"))


_FOUND: Mapping[str, NativeType] = {
    "bigint": "integer",
    "integer": "integer",
    "boolean": "boolean",
    "date": "date",
    "timestamp with time zone": "instant",
}


def canonical(type_: ColumnType, value: Value) -> Canonical:
    """Make of a kit value the one Python value that the column would hold.

    Raises:
        DoesNotFit: The column cannot hold it unchanged.
    """
    if value is None:
        return None
    try:
        return _CANONICAL[type_.name](type_, value)
    except (ValueError, InvalidOperation) as error:
        message = f"the value is no {type_.name}"
        raise DoesNotFit(message) from error


def as_value(value: object) -> Value:
    """Make a kit value of one that Arrow gives back."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.isoformat() if isinstance(value, date) else str(value)


def _text(_type: ColumnType, value: str | int) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    text = str(value)
    if not text.isascii():
        text.encode()
    if "\x00" in text:
        message = "it has a NUL sign, which a database cannot keep"
        raise DoesNotFit(message)
    return text


def _integer(_type: ColumnType, value: str | int) -> int:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        message = "it is no whole number"
        raise DoesNotFit(message)
    number = int(value)
    if not -_INTEGER_LIMIT <= number < _INTEGER_LIMIT:
        message = "the number does not fit in 64 bits"
        raise DoesNotFit(message)
    return number


def _decimal(type_: ColumnType, value: str | int) -> Decimal:
    number = Decimal(value)
    if not number.is_finite():
        message = "it is no number"
        raise DoesNotFit(message)
    _, digits, exponent = number.normalize().as_tuple()
    if -int(exponent) > type_.scale:
        message = f"it has {-int(exponent)} decimals and the column holds {type_.scale}"
        raise DoesNotFit(message)
    if number and len(digits) + int(exponent) > type_.precision - type_.scale:
        message = f"it has more digits than decimal({type_.precision},{type_.scale}) holds"
        raise DoesNotFit(message)
    return number


def _boolean(_type: ColumnType, value: str | int) -> bool:
    if str(value).lower() not in _TRUTH:
        message = "it is neither true nor false"
        raise DoesNotFit(message)
    return _TRUTH[str(value).lower()]


def _date(_type: ColumnType, value: str | int) -> date:
    return date.fromisoformat(str(value))


def _instant(_type: ColumnType, value: str | int) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


_CANONICAL: Mapping[str, Callable[[ColumnType, str | int], Canonical]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
}

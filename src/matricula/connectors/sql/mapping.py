"""A database's column types and the kit's values, one to the other, with nothing lost.

Pure: no connection, no clock. A value that a column could not hold unchanged is refused
here by name, because databases differ in what they cut, round or pad without a word.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, Literal
from uuid import UUID

import pyarrow as pa
import sqlalchemy as sa

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matricula.connectors.kit.protocol import NativeType, Value

Kind = Literal[
    "text", "integer", "decimal", "float", "boolean", "date", "instant", "time", "json", "uuid",
    "opaque",
]  # fmt: skip
Canonical = str | int | bool | float | Decimal | date | datetime | None

INSTANT = pa.timestamp("us", tz="UTC")
# SQLite keeps a decimal as a binary float: fifteen digits are all it gives back unharmed.
SQLITE_DIGITS = 15
_ARROW_DIGITS = 38

# The first that fits decides, so a type stands before those it descends from.
_KINDS: tuple[tuple[type[sa.types.TypeEngine[Any]], Kind], ...] = (
    (sa.Boolean, "boolean"),
    (sa.Enum, "text"),
    (sa.Uuid, "uuid"),
    (sa.JSON, "json"),
    (sa.String, "text"),
    (sa.Integer, "integer"),
    (sa.Float, "float"),
    (sa.Numeric, "decimal"),
    (sa.DateTime, "instant"),
    (sa.Date, "date"),
    (sa.Time, "time"),
)
_NATIVE: Mapping[Kind, NativeType] = {
    "integer": "integer",
    "decimal": "decimal",
    "float": "decimal",
    "boolean": "boolean",
    "date": "date",
    "instant": "instant",
    "json": "json",
}
_ARROW: Mapping[Kind, pa.DataType] = {
    "integer": pa.int64(),
    "float": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "instant": INSTANT,
}
Spelling = Callable[[Any], object]
_SPELLED: Mapping[Kind, Spelling] = {
    "decimal": lambda value: format(value, "f"),
    "date": date.isoformat,
    "instant": datetime.isoformat,
}
_SPELLED_FOR_SQLITE: Mapping[Kind, Spelling] = {
    "boolean": int,
    # As SQLAlchemy writes it: no zone, always with microseconds.
    "instant": lambda value: value.replace(tzinfo=None).isoformat(" ", "microseconds"),
}
_SPELLED_FOR_DRIVER: Mapping[Kind, Spelling] = {
    "uuid": UUID,
    "json": json.loads,
    "time": time.fromisoformat,
}
_TRUTH: Mapping[str, bool] = {"true": True, "1": True, "false": False, "0": False}
_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")


class DoesNotFit(Exception):
    """A value that a column cannot hold unchanged; the text says why without the value."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column as reflected.

    Attributes:
        name: In the database.
        kind: How its values are carried.
        arrow: The type it is read as.
        max_length: Most characters, for text.
        bits: Width of a whole number.
        precision: Digits of a decimal, None where the database states none.
        scale: Digits after the point, likewise.
        words: The words an enumeration allows.
        padded: The database pads it with blanks (CHAR).
        nullable: It may be empty.
        writable: It may be written to.
        required: A new record must state it.
    """

    name: str
    kind: Kind
    arrow: pa.DataType
    max_length: int | None = None
    bits: int = 64
    precision: int | None = None
    scale: int | None = None
    words: tuple[str, ...] = ()
    padded: bool = False
    nullable: bool = True
    writable: bool = True
    required: bool = False

    @property
    def native(self) -> NativeType:
        """Name the column's type in the kit's words."""
        return _NATIVE.get(self.kind, "text")


def column_of(column: sa.Column[Any], *, dialect: str, writable: bool) -> Column:
    """Say how a reflected column is read and written.

    Args:
        column: As reflected.
        dialect: SQLAlchemy's name of the database.
        writable: False for a view's column.
    """
    type_ = column.type
    kind = _kind(type_, dialect)
    made_there = column.computed is not None or column.identity is not None
    # SQLite numbers an INTEGER PRIMARY KEY itself and every SERIAL has a default.
    filled = column.server_default is not None or made_there
    filled = filled or (dialect == "sqlite" and _numbers_itself(column))
    precision, scale = _decimal_shape(type_) if kind == "decimal" else (None, None)
    return Column(
        name=column.name,
        kind=kind,
        arrow=_arrow(kind, precision, scale),
        max_length=getattr(type_, "length", None) if kind == "text" else None,
        bits=_bits(type_, dialect),
        precision=_digits(kind, precision, dialect),
        scale=scale,
        words=tuple(getattr(type_, "enums", None) or ()),
        padded=isinstance(type_, sa.CHAR) and dialect != "sqlite",
        nullable=bool(column.nullable),
        writable=writable and not made_there and kind != "opaque",
        required=not column.nullable and not filled,
    )


def canonical(column: Column, value: Value) -> Canonical:
    """Make of a kit value the one Python value that the column would hold.

    Raises:
        DoesNotFit: The column cannot hold it unchanged.
    """
    if value is None:
        if not column.nullable:
            message = "it must not be empty"
            raise DoesNotFit(message)
        return None
    try:
        return _CANONICAL[column.kind](column, value)
    except (ValueError, InvalidOperation) as error:
        message = f"the value is no {column.kind}"
        raise DoesNotFit(message) from error


def for_json(column: Column) -> Spelling | None:
    """Say how the column's values are put into a JSON document for PostgreSQL; None: as is."""
    return _SPELLED.get(column.kind)


def for_sqlite(column: Column) -> Spelling | None:
    """Say how SQLite holds the column's values; affinity does the rest. None: as they are."""
    return _SPELLED_FOR_SQLITE.get(column.kind) or _SPELLED.get(column.kind)


def for_driver(column: Column) -> Spelling | None:
    """Say what SQLAlchemy's column type binds instead of a canonical value. None: that value."""
    return _SPELLED_FOR_DRIVER.get(column.kind)


def as_text(value: object) -> str:
    """Spell one part of a key, the same however the value was read."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)


def as_value(value: object) -> Value:
    """Make a kit value of one that Arrow gives back."""
    if value is None or isinstance(value, bool | int | str):
        return value
    return as_text(value)


def _kind(type_: sa.types.TypeEngine[Any], dialect: str) -> Kind:
    for known, kind in _KINDS:
        if isinstance(type_, known):
            return kind
    # A SQLite column may have been declared without any type; it then holds what it is given.
    untyped = isinstance(type_, sa.types.NullType) and dialect == "sqlite"
    return "text" if untyped else "opaque"


def _arrow(kind: Kind, precision: int | None, scale: int | None) -> pa.DataType:
    if kind == "decimal" and precision is not None and scale is not None:
        return pa.decimal128(precision, scale)
    # A decimal of no stated scale is read as text: no digit is lost that way.
    return _ARROW.get(kind, pa.string())


def _decimal_shape(type_: sa.types.TypeEngine[Any]) -> tuple[int | None, int | None]:
    precision, scale = getattr(type_, "precision", None), getattr(type_, "scale", None)
    if precision is None or not 0 < precision <= _ARROW_DIGITS:
        return None, None
    return precision, scale or 0


def _digits(kind: Kind, precision: int | None, dialect: str) -> int | None:
    if kind == "decimal" and dialect == "sqlite":
        return min(precision or SQLITE_DIGITS, SQLITE_DIGITS)
    return precision


def _bits(type_: sa.types.TypeEngine[Any], dialect: str) -> int:
    if dialect == "sqlite" or isinstance(type_, sa.BigInteger):
        return 64
    return 16 if isinstance(type_, sa.SmallInteger) else 32


def _numbers_itself(column: sa.Column[Any]) -> bool:
    table = column.table
    alone = column.primary_key and len(table.primary_key.columns) == 1
    return alone and table.autoincrement_column is column


def _text(column: Column, value: str | int) -> str:
    text = value if isinstance(value, str) else as_text(value)
    if not text.isascii():
        text.encode()
    if "\x00" in text:
        message = "it has a NUL sign, which the database cannot keep"
        raise DoesNotFit(message)
    if column.max_length is not None and len(text) > column.max_length:
        message = f"it has {len(text)} characters and the column holds {column.max_length}"
        raise DoesNotFit(message)
    if column.words and text not in column.words:
        message = f"it is not one of {', '.join(column.words)}"
        raise DoesNotFit(message)
    if column.padded and text.endswith(" "):
        message = "it ends in a blank, which the column does not keep"
        raise DoesNotFit(message)
    return text


def _integer(column: Column, value: str | int) -> int:
    if isinstance(value, str) and not _WHOLE.fullmatch(value):
        message = "it is no whole number"
        raise DoesNotFit(message)
    number, limit = int(value), 1 << (column.bits - 1)
    if not -limit <= number < limit:
        message = f"the number does not fit in {column.bits} bits"
        raise DoesNotFit(message)
    return number


def _decimal(column: Column, value: str | int) -> Decimal:
    number = Decimal(value)
    if not number.is_finite():
        message = "it is no number"
        raise DoesNotFit(message)
    _, digits, exponent = number.normalize().as_tuple()
    after = max(0, -int(exponent))
    before = len(digits) + int(exponent)
    if column.scale is not None and after > column.scale:
        message = f"it has {after} decimals and the column holds {column.scale}"
        raise DoesNotFit(message)
    room = column.precision
    if room is not None and before + (column.scale or after) > room:
        message = f"it has more than the {room} digits that the column holds"
        raise DoesNotFit(message)
    return number


def _float(_column: Column, value: str | int) -> float:
    return float(value)


def _boolean(_column: Column, value: str | int) -> bool:
    if str(value).lower() not in _TRUTH:
        message = "it is neither true nor false"
        raise DoesNotFit(message)
    return _TRUTH[str(value).lower()]


def _date(_column: Column, value: str | int) -> date:
    return date.fromisoformat(str(value))


def _instant(_column: Column, value: str | int) -> datetime:
    moment = datetime.fromisoformat(str(value))
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _time(_column: Column, value: str | int) -> str:
    return time.fromisoformat(str(value)).isoformat()


def _json(_column: Column, value: str | int) -> str:
    json.loads(str(value))
    return str(value)


def _uuid(_column: Column, value: str | int) -> str:
    return str(UUID(str(value)))


def _opaque(_column: Column, _value: str | int) -> Canonical:
    message = "the column has a type that cannot be written"
    raise DoesNotFit(message)


_CANONICAL: Mapping[Kind, Callable[[Column, str | int], Canonical]] = {
    "text": _text,
    "integer": _integer,
    "decimal": _decimal,
    "float": _float,
    "boolean": _boolean,
    "date": _date,
    "instant": _instant,
    "time": _time,
    "json": _json,
    "uuid": _uuid,
    "opaque": _opaque,
}

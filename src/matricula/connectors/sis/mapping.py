"""Tables of the register as resources: their fields, their rows as Arrow, and back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute as pc
from django.db import models

from matricula.connectors.kit.errors import SkipRow
from matricula.connectors.kit.protocol import FieldShape, NativeType, ResourceShape
from matricula.kernel.keys import join_key, split_key
from matricula.sis.record.queries import identity_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.connectors.kit.protocol import Value, WriteKind

_WRITES: frozenset[WriteKind] = frozenset({"create", "update", "delete"})
_DECIMAL = pa.decimal128(14, 4)
# Stands for what is not there; no text that a command takes holds it.
ABSENT = "\x1f"
_KINDS: Sequence[tuple[type[models.Field[Any, Any]], NativeType, pa.DataType]] = (
    (models.BooleanField, "boolean", pa.bool_()),
    (models.DecimalField, "decimal", _DECIMAL),
    (models.IntegerField, "integer", pa.int64()),
    (models.DateField, "date", pa.date32()),
    (models.TextField, "text", pa.string()),
)


@dataclass(frozen=True, slots=True)
class Table:
    """A resource and the table behind it.

    Attributes:
        name: Of the resource.
        model: Its rows.
        is_ours: Whether the register says what stands in it; then nobody writes to it.
    """

    name: str
    model: type[models.Model]
    is_ours: bool

    @property
    def fields(self) -> list[models.Field[Any, Any]]:
        """Its columns, without the number that tells rows of several keys apart."""
        return [f for f in self.model._meta.concrete_fields if f.name != "id"]  # noqa: SLF001 - Django's own name for it

    @property
    def identity(self) -> tuple[str, ...]:
        """The columns that tell its rows apart."""
        return identity_of(self.model)

    @property
    def schema(self) -> pa.Schema:
        """How its rows are read: `_id`, then its columns."""
        columns = [pa.field("_id", pa.string())]
        return pa.schema([*columns, *[pa.field(f.name, _kind(f)[1]) for f in self.fields]])

    def shape(self) -> ResourceShape:
        """Describe it."""
        return ResourceShape(
            self.name,
            tuple(self._field(field) for field in self.fields),
            id_field=self.identity[0] if len(self.identity) == 1 else "",
            writes=frozenset() if self.is_ours else _WRITES,
        )

    def _field(self, field: models.Field[Any, Any]) -> FieldShape:
        return FieldShape(
            field.name, _kind(field)[0], writable=not self.is_ours,
            required=field.name in self.identity,
        )  # fmt: skip

    def id_of(self, row: Mapping[str, Any]) -> str:
        """Write a row's identifier."""
        return join_key(str(row[name]) for name in self.identity)

    def parts_of(self, external_id: str) -> tuple[str, ...] | None:
        """Read an identifier; None where it is none of ours."""
        try:
            return split_key(external_id, len(self.identity))
        except ValueError:
            return None

    def row_of(self, fields: Mapping[str, Value]) -> dict[str, Any]:
        """Turn a payload into a row.

        Raises:
            SkipRow: A field is not there (M982), or a value does not fit it (M983).
        """
        for name in self.identity:
            if fields.get(name) in (None, ""):
                raise SkipRow(
                    f"{self.name}.{name} is empty; it says which row is meant.", code="M983",
                    cure="Grant it, and see that its owner says it.",
                )  # fmt: skip
        return {name: self.value_of(name, value) for name, value in fields.items()}

    def value_of(self, name: str, value: Value) -> object:
        """Turn one value of a payload into the column's.

        Raises:
            SkipRow: There is no such field (M982), or the value does not fit it (M983).
        """
        field = next((field for field in self.fields if field.name == name), None)
        if field is None:
            known = ", ".join(field.name for field in self.fields)
            raise SkipRow(
                f"{self.name} has no field {name}.", code="M982", cure=f"Grant one of {known}."
            )
        kind = _kind(field)[0]
        try:
            return None if value is None else _taken(field, kind, value)
        except (ValueError, InvalidOperation):
            raise SkipRow(
                f"{self.name}.{name} takes {kind}, and was given something else.",
                code="M983", cure="Correct it at its owner, or the flow's expression.",
            ) from None  # fmt: skip

    def batch(self, rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
        """Turn rows of the database, in the order of `fields`, into what is read."""
        columns = [list(column) for column in zip(*rows, strict=True)]
        names = [field.name for field in self.fields]
        places = [names.index(name) for name in self.identity]
        if len(places) == 1:
            ids = columns[places[0]]
        else:
            ids = [join_key(parts) for parts in zip(*[columns[p] for p in places], strict=True)]
        arrays: list[pa.Array[Any]] = [pa.array(ids, pa.string())]
        for field, column in zip(self.fields, columns, strict=True):
            arrays.append(pa.array(column, _kind(field)[1]))
        return pa.record_batch(arrays, schema=self.schema)

    def arranged(self, batch: pa.RecordBatch) -> pa.RecordBatch:
        """Turn a batch of the columns, in the order of `fields`, into what is read."""
        columns = {f.name: batch.column(n) for n, f in enumerate(self.fields)}
        ids = columns[self.identity[0]].cast(pa.string())
        if len(self.identity) > 1:
            parts = zip(*[columns[name].to_pylist() for name in self.identity], strict=True)
            ids = pa.array([join_key(map(str, some)) for some in parts], pa.string())
        arrays = [_as(columns[field.name], _kind(field)[1]) for field in self.fields]
        return pa.record_batch([ids, *arrays], schema=self.schema)


def _as(column: pa.Array[Any], kind: pa.DataType) -> pa.Array[Any]:
    """Turn a column of text into its type; SQLite writes a truth value as a digit."""
    text: pa.Array[Any] = column if pa.types.is_string(column.type) else column.cast(pa.string())
    absent = pc.equal(text, pa.scalar(ABSENT))
    if pc.any(absent).as_py():
        text = pc.if_else(absent, pa.scalar(None, pa.string()), text)
    if pa.types.is_string(kind):
        return text
    if pa.types.is_boolean(kind):
        said = pc.is_in(text, pa.array(["1", "true", "t"]))
        known: pa.Array[Any] = pc.if_else(text.is_valid(), said, pa.scalar(None, pa.bool_()))
        return known
    return text.cast(kind)


def _kind(field: models.Field[Any, Any]) -> tuple[NativeType, pa.DataType]:
    return next((native, arrow) for of, native, arrow in _KINDS if isinstance(field, of))


def _taken(field: models.Field[Any, Any], kind: NativeType, value: Value) -> object:
    """Turn a value into the column's; ValueError, InvalidOperation: it does not fit."""
    if kind == "boolean":
        words = {"true": True, "false": False, "1": True, "0": False}
        if str(value).lower() not in words:
            raise ValueError
        return words[str(value).lower()]
    if kind == "decimal":
        return _amount(field, Decimal(str(value)).quantize(Decimal("0.0001")))
    if kind == "integer":
        return _small(int(str(value)))
    if kind == "date":
        return date.fromisoformat(str(value))
    if "\0" in str(value):
        raise ValueError
    # Half a sign, which no database takes, is no text; the error is a ValueError.
    str(value).encode()
    return str(value)


def _amount(field: models.Field[Any, Any], found: Decimal) -> Decimal:
    # SQLite would keep a longer one, and nothing that reads the table would go on.
    places = int(getattr(field, "max_digits", 0)) - int(getattr(field, "decimal_places", 0))
    if not found.is_finite() or abs(found) >= 10**places:
        raise ValueError
    return found


def _small(found: int) -> int:
    # What PostgreSQL's `integer` holds.
    if not -(2**31) <= found < 2**31:
        raise ValueError
    return found


def as_value(found: object) -> Value:
    """Write what a row holds as a value of the protocol."""
    if isinstance(found, (bool, int)) or found is None:
        return found
    if isinstance(found, Decimal):
        return f"{found.normalize():f}"
    return found.isoformat() if isinstance(found, date) else str(found)

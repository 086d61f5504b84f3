"""Read formats that carry their own types: Parquet and JSON Lines."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, BinaryIO, Self

import pyarrow as pa
import pyarrow.parquet as pq

from matricula.connectors.files.csv_text import BATCH_ROWS
from matricula.connectors.kit.errors import Untrusted
from matricula.kernel.digests import canonical

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

_EXPORT_AGAIN = "Have the export made again; nothing was taken from this one."
_LARGEST_INTEGER = 2**63


class ParquetFile:
    """One Parquet file; types are its own, nested values become JSON text."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._name = name
        try:
            self._file = pq.ParquetFile(file)
        except (pa.ArrowException, OSError) as error:
            raise self._broken() from error

    def schema(self) -> pa.Schema:
        """Say what `batches` yields."""
        fields = [pa.field(one.name, _readable_type(one.type)) for one in self.stored_schema]
        return pa.schema(fields)

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the rows.

        Raises:
            Untrusted: The file is damaged further on (M429).
        """
        schema = self.schema()
        try:
            for batch in self._file.iter_batches(batch_size=BATCH_ROWS):
                columns = [
                    _readable(column, field.type)
                    for column, field in zip(batch.columns, schema, strict=True)
                ]
                yield pa.RecordBatch.from_arrays(columns, schema=schema)
        except (pa.ArrowException, OSError) as error:
            raise self._broken() from error

    def raw_rows(self) -> Iterator[dict[str, object]]:
        """Yield the rows with their own types, nested ones too."""
        for batch in self._file.iter_batches(batch_size=BATCH_ROWS):
            yield from batch.to_pylist()

    @property
    def stored_schema(self) -> pa.Schema:
        """The file's own schema."""
        return self._file.schema_arrow

    def _broken(self) -> Untrusted:
        return Untrusted(
            f"{self._name} is no whole Parquet file.", code="M429", cure=_EXPORT_AGAIN
        )


def _readable_type(stored: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(stored):
        return _readable_type(stored.value_type)
    if pa.types.is_nested(stored) or pa.types.is_large_string(stored):
        return pa.string()
    return stored


def _readable(column: pa.Array[Any], wanted: pa.DataType) -> pa.Array[Any]:
    if pa.types.is_nested(column.type):
        return pa.array(
            [None if value is None else canonical(value) for value in column.to_pylist()], wanted
        )
    return column if column.type.equals(wanted) else column.cast(wanted)


class JsonLinesFile:
    """One JSON Lines file: an object on each line.

    A column is integer or boolean when all its values are; a number with a fraction is its
    own text; objects and lists are JSON text; a column of several kinds is text.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._name = path.name

    def schema(self) -> pa.Schema:
        """Read the whole file once for its columns and their types.

        Raises:
            Untrusted: A line is no object (M429), or the last one is cut off (M423).
        """
        kinds: dict[str, set[str]] = {}
        for row in self.raw_rows():
            for name, value in row.items():
                kinds.setdefault(name, set()).add(_kind(value))
        return pa.schema([(name, _column_type(found)) for name, found in kinds.items()])

    def batches(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        """Yield the rows in the given schema."""
        gathered: list[dict[str, object]] = []
        for row in self.raw_rows():
            gathered.append(row)
            if len(gathered) == BATCH_ROWS:
                yield _to_batch(gathered, schema)
                gathered = []
        if gathered:
            yield _to_batch(gathered, schema)

    def raw_rows(self) -> Iterator[dict[str, object]]:
        """Yield one object per line; a number with a fraction as a `Fraction`."""
        with self._path.open(encoding="utf-8-sig", newline="\n") as file:
            yield from self._objects(file)

    def _objects(self, lines: Iterable[str]) -> Iterator[dict[str, object]]:
        for number, line in enumerate(lines, start=1):
            if not line.strip():
                continue
            try:
                row = json.loads(
                    line, parse_float=Fraction, object_pairs_hook=_object, parse_constant=_constant
                )
            except (ValueError, RecursionError) as error:
                raise self._malformed(number, line) from error
            if not isinstance(row, dict):
                raise self._malformed(number, line)
            yield row

    def _malformed(self, number: int, line: str) -> Untrusted:
        if not line.endswith("\n"):
            message = f"{self._name} is cut off in line {number}."
            return Untrusted(message, code="M423", cure=_EXPORT_AGAIN)
        message = f"{self._name}: line {number} is no JSON object with names that differ."
        return Untrusted(message, code="M429", cure=_EXPORT_AGAIN)


class Fraction(float):
    """A JSON number with a fraction or exponent that keeps the text it was written as."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Read the number; its digits stay in `text`."""
        made = super().__new__(cls, text)
        made.text = text
        return made

    def __repr__(self) -> str:
        return self.text


def _constant(name: str) -> object:
    message = f"{name} is no JSON"
    raise ValueError(message)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    row = dict(pairs)
    if len(row) != len(pairs):
        message = "a name stands twice in one object"
        raise ValueError(message)
    return row


def _kind(value: object) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) and -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return "integer"
    return "text"


def _column_type(kinds: set[str]) -> pa.DataType:
    found = kinds - {"null"}
    if found == {"boolean"}:
        return pa.bool_()
    return pa.int64() if found == {"integer"} else pa.string()


def _to_batch(rows: list[dict[str, object]], schema: pa.Schema) -> pa.RecordBatch:
    columns = []
    for field in schema:
        values = [row.get(field.name) for row in rows]
        if pa.types.is_string(field.type):
            columns.append(pa.array([_text(value) for value in values], pa.string()))
        else:
            columns.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    return spelled(value, compact=True)


def spelled(value: object, *, compact: bool = False) -> str:
    """Write a JSON value, every number with the digits it was read with.

    Args:
        value: As `raw_rows` has it.
        compact: Without white space and with names in order, so that equals look equal.
    """
    comma, colon = (",", ":") if compact else (", ", ": ")
    if isinstance(value, Fraction):
        return value.text
    if isinstance(value, dict):
        pairs = sorted(value.items()) if compact else value.items()
        parts = (
            f"{_quoted(name)}{colon}{spelled(inner, compact=compact)}" for name, inner in pairs
        )
        return f"{{{comma.join(parts)}}}"
    if isinstance(value, list):
        return f"[{comma.join(spelled(inner, compact=compact) for inner in value)}]"
    return _quoted(value)


def _quoted(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)

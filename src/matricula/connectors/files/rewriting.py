"""Load a whole file, and write it anew beside itself, read back before it takes its place.

Columns nobody told us about stay, as do the file's order of columns, its line ends and
its byte order mark. What we could not read back we do not put there.
"""

from __future__ import annotations

import csv
import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any, TextIO

import pyarrow as pa
import pyarrow.parquet as pq

from matricula.connectors.files.csv_text import LONGEST_VALUE
from matricula.connectors.files.mapping import Sheet, as_text
from matricula.connectors.files.reading import control_path, opened_reading, source
from matricula.connectors.files.typed import spelled
from matricula.connectors.kit.errors import SkipRow, Untrusted
from matricula.connectors.kit.places import replacement

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matricula.connectors.files.mapping import Row, Store
    from matricula.connectors.files.settings import FileResource
    from matricula.connectors.kit.protocol import Value


@dataclass(frozen=True, slots=True)
class Form:
    """How a file is written, apart from what is in it.

    Attributes:
        newline: Its line end.
        marked: It begins with a byte order mark.
        schema: Of a Parquet file.
    """

    newline: str = "\n"
    marked: bool = False
    schema: pa.Schema | None = None


def load(path: Path, resource: FileResource, *, place: str) -> tuple[Sheet, Form]:
    """Load a file that may be missing only where its settings say so.

    Raises:
        Untrusted: It cannot be relied on, so nothing may be built on it.
    """
    if resource.missing_ok and not path.exists():
        return Sheet(resource.key, list(resource.columns), {}), Form()
    # A target may be emptied by rightful deletions; only a source may not.
    lenient = resource.model_copy(update={"may_be_empty": True})
    ids: list[str] = []
    rows: list[Row] = []
    with opened_reading(path, lenient, place=place) as reading:
        columns = [name for name in reading.schema.names if name not in {"_id", "_suspended"}]
        for batch in reading.batches:
            ids.extend(str(one) for one in batch.column("_id").to_pylist())
            if resource.kind == "csv":
                rows.extend(batch.select(columns).to_pylist())
    with source(path, lenient) as opened:
        if resource.kind != "csv":
            rows.extend(opened.raw_rows())
        inspection = opened.inspection
        form = Form(schema=opened.stored)
    if inspection is not None:
        form = Form(inspection.newline, inspection.marked)
    return Sheet(resource.key, columns, dict(zip(ids, rows, strict=True))), form


def save(sheet: Sheet, form: Form, path: Path, resource: FileResource) -> None:
    """Replace the file by the sheet in one step, durable when this returns.

    Raises:
        Untrusted: What was written does not read back as the sheet; the file is as before.
    """
    with replacement(path) as temporary:
        try:
            _write(sheet, form, temporary, resource)
        except (ValueError, pa.ArrowException) as error:
            raise _unwritable(resource) from error
        _read_back(sheet, temporary, resource)
        digest = hashlib.sha256()
        with temporary.open("rb") as file:
            while chunk := file.read(1 << 20):
                digest.update(chunk)
    if resource.control and resource.control.file:
        # Between the two renames the totals disagree and a reader holds off, as it should.
        with replacement(control_path(path, resource)) as temporary:
            total = f"rows={len(sheet.rows)}\nsha256={digest.hexdigest()}\n"
            temporary.write_text(total, encoding="utf-8")


def store_for(resource: FileResource, form: Form) -> Store:
    """Give the function that turns a value into what this file can hold unharmed."""
    if resource.kind == "csv":
        return lambda name, value: _as_cell(name, value, resource)
    if resource.kind == "jsonl":
        return _as_json
    types = {one.name: one.type for one in form.schema} if form.schema is not None else {}
    return lambda name, value: _as_typed(name, value, types.get(name))


def _as_cell(name: str, value: Value, resource: FileResource) -> str | None:
    text = as_text(value)
    if text is None:
        return None
    if "\0" in text:
        raise _harmed(name, "holds a NUL character, which no CSV file carries")
    if text == resource.null:
        raise _harmed(name, f"is {text!r}, which this file reads as no value at all")
    if len(text) > LONGEST_VALUE:
        raise _harmed(name, f"is longer than {LONGEST_VALUE} characters")
    _must_encode(name, text, resource.encoding)
    if resource.encoding in {"cp1252", "latin-1"} and _reads_as_utf8(text, resource.encoding):
        raise _harmed(
            name, f"would make the file look like UTF-8, which {resource.encoding} is not"
        )
    return text


def _reads_as_utf8(text: str, encoding: str) -> bool:
    if text.isascii():
        return False
    try:
        text.encode(encoding).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _as_json(name: str, value: Value) -> Value:
    if isinstance(value, str):
        _must_encode(name, value, "utf-8")
    return value


def _as_typed(name: str, value: Value, wanted: pa.DataType | None) -> object:
    _as_json(name, value)
    if wanted is None or value is None:
        return value
    try:
        native = _native(value, wanted)
        pa.scalar(native, wanted)
    except (ValueError, InvalidOperation, pa.ArrowException) as error:
        raise _harmed(name, f"is no value of the column's type {wanted}") from error
    return native


def _native(value: Value, wanted: pa.DataType) -> object:
    text = as_text(value) or ""
    readers: tuple[tuple[bool, Callable[[str], object]], ...] = (
        (pa.types.is_string(wanted) or pa.types.is_large_string(wanted), str),
        (pa.types.is_boolean(wanted), _boolean),
        (pa.types.is_integer(wanted), int),
        (pa.types.is_decimal(wanted), Decimal),
        (pa.types.is_floating(wanted), _exact_float),
        (pa.types.is_date(wanted), date.fromisoformat),
        (pa.types.is_timestamp(wanted), datetime.fromisoformat),
    )
    for fits, read in readers:
        if fits:
            return read(text)
    raise ValueError(text)


def _boolean(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(text)
    return text == "true"


def _exact_float(text: str) -> float:
    number = float(text)
    if Decimal(repr(number)) != Decimal(text):
        raise ValueError(text)
    return number


def _must_encode(name: str, text: str, encoding: str) -> None:
    try:
        text.encode(encoding)
    except UnicodeEncodeError as error:
        raise _harmed(name, f"holds a character that {encoding} does not have") from error


def _harmed(name: str, why: str) -> SkipRow:
    return SkipRow(
        f"The value of {name} {why}.", code="M604", cure=f"Correct {name} at its owner."
    )


def _write(sheet: Sheet, form: Form, path: Path, resource: FileResource) -> None:
    if resource.kind == "csv":
        _write_csv(sheet, form, path, resource)
    elif resource.kind == "jsonl":
        _write_json_lines(sheet, path)
    else:
        _write_parquet(sheet, form, path)


def _unwritable(resource: FileResource) -> Untrusted:
    return Untrusted(
        f"What is to be written for {resource.file} does not read back.",
        code="M429",
        cure="Report this; the file is as it was before.",
    )


def _write_csv(sheet: Sheet, form: Form, path: Path, resource: FileResource) -> None:
    encoding: str = resource.encoding
    if encoding == "utf-8" and form.marked:
        encoding = "utf-8-sig"
    with path.open("x", encoding=encoding, newline="") as file:
        minimal = _writer(file, form, resource, quoting=csv.QUOTE_MINIMAL)
        quoted = _writer(file, form, resource, quoting=csv.QUOTE_ALL)
        columns = sheet.columns
        minimal.writerow(columns)
        for row in sheet.rows.values():
            cells = [resource.null if (c := row.get(n)) is None else str(c) for n in columns]
            # The minimal writer leaves a line end bare that is not the file's own.
            together = "".join(cells)
            bare = "\n" in together or "\r" in together
            (quoted if bare else minimal).writerow(cells)


def _writer(file: TextIO, form: Form, resource: FileResource, *, quoting: int) -> Any:  # noqa: ANN401 - the csv module's writer has no public type
    return csv.writer(
        file,
        delimiter=resource.delimiter,
        quotechar=resource.quote,
        lineterminator=form.newline,
        quoting=quoting,  # type: ignore[arg-type]  # the stub wants a literal; both callers give one
    )


def _write_json_lines(sheet: Sheet, path: Path) -> None:
    with path.open("x", encoding="utf-8", newline="\n") as file:
        for row in sheet.rows.values():
            file.write(f"{spelled(row)}\n")


def _write_parquet(sheet: Sheet, form: Form, path: Path) -> None:
    rows = list(sheet.rows.values())
    known = form.schema if form.schema is not None else pa.schema([])
    fields = list(known)
    columns = [pa.array([row.get(one.name) for row in rows], one.type) for one in known]
    for name in sheet.columns:
        if name not in known.names:
            values = [row.get(name) for row in rows]
            kind = _type_of(values)
            # A column of several kinds can only be text.
            plain = [as_text(value) for value in values] if pa.types.is_string(kind) else values
            fields.append(pa.field(name, kind))
            columns.append(pa.array(plain, kind))
    schema = pa.schema(fields).with_metadata(known.metadata)
    pq.write_table(pa.Table.from_arrays(columns, schema=schema), path, compression="zstd")


def _type_of(values: list[object]) -> pa.DataType:
    kinds = {type(value) for value in values if value is not None}
    if kinds == {bool}:
        return pa.bool_()
    return pa.int64() if kinds == {int} else pa.string()


def _read_back(sheet: Sheet, path: Path, resource: FileResource) -> None:
    lenient = resource.model_copy(update={"may_be_empty": True, "control": None})
    seen = 0
    with opened_reading(path, lenient, place=path.name) as reading:
        for batch in reading.batches:
            ids = batch.column("_id").to_pylist()
            if not all(one in sheet.rows for one in ids):
                break
            seen += len(ids)
    if seen != len(sheet.rows):
        raise _unwritable(resource)

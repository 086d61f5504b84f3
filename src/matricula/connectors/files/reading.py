"""Read one file as a resource: its format's rows, identified, scrutinised and counted.

Nothing here repairs: a file is either the agreed one, whole, or `Untrusted` with the reason.
"""

from __future__ import annotations

import hashlib
import re
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute

from matricula.connectors.files.csv_text import CsvFile, judge_header
from matricula.connectors.files.inspection import (
    Inspection,
    inspect,
    missing,
    must_be_unchanged,
)
from matricula.connectors.files.scrutiny import Scrutiny
from matricula.connectors.files.typed import JsonLinesFile, ParquetFile
from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.places import stamp_of_open
from matricula.connectors.kit.protocol import Reading
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matricula.connectors.files.settings import FileResource, Suspension

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute
_EXPORT_AGAIN = "Have the export made again; nothing was taken from this one."
_CONTROL_LIMIT = 4096


@dataclass(frozen=True, slots=True)
class Source:
    """A file opened in its format.

    Attributes:
        schema: Of the batches: the file's own columns.
        batches: Starts one reading of the rows.
        raw_rows: Starts one reading of the rows as the format itself holds them.
        digest: SHA-256 of the file's bytes, hexadecimal; asked for when a control has one.
        trailer: The trailer row, once `batches` is read to the end.
        inspection: Of a text file.
        stored: The schema that a Parquet file itself has.
    """

    schema: pa.Schema
    batches: Callable[[], Iterator[pa.RecordBatch]]
    raw_rows: Callable[[], Iterator[dict[str, object]]]
    digest: Callable[[], str]
    trailer: Callable[[], str | None] = lambda: None
    inspection: Inspection | None = None
    stored: pa.Schema | None = None


@contextmanager
def source(path: Path, resource: FileResource) -> Iterator[Source]:
    """Open a file in its format and judge its header.

    Raises:
        Untrusted: Here or while batches are read.
    """
    if not path.exists():
        raise missing(path.name)
    with path.open("rb") as file:
        if resource.kind == "csv":
            opened = _csv(path, resource)
        elif resource.kind == "jsonl":
            opened = _json_lines(path, resource)
        else:
            if not stamp_of_open(file).size:
                raise Untrusted(f"{path.name} is empty.", code="M421", cure=_EXPORT_AGAIN)
            parquet = ParquetFile(file, path.name)
            opened = Source(
                parquet.schema(),
                parquet.batches,
                parquet.raw_rows,
                lambda: _digest(path),
                stored=parquet.stored_schema,
            )
        # A JSON Lines file without a line has no names to judge.
        if opened.schema.names or resource.kind != "jsonl":
            judge_header(opened.schema.names, resource, path.name)
        yield _distinct(opened, resource.columns) if resource.distinct else opened


def _distinct(opened: Source, names: tuple[str, ...]) -> Source:
    """Keep to some columns, and to one of the rows that agree in all of them."""
    schema = pa.schema([opened.schema.field(name) for name in names])

    def batches() -> Iterator[pa.RecordBatch]:
        seen: set[tuple[object, ...]] = set()
        for batch in opened.batches():
            kept = batch.select(list(names))
            rows = list(zip(*(column.to_pylist() for column in kept.columns), strict=True))
            fresh = [place for place, row in enumerate(rows) if row not in seen]
            fresh = list({rows[place]: place for place in reversed(fresh)}.values())
            seen.update(rows)
            yield kept.take(pa.array(sorted(fresh), pa.int64()))

    return replace(opened, schema=schema, batches=batches)


@contextmanager
def opened_reading(path: Path, resource: FileResource, *, place: str) -> Iterator[Reading]:
    """Open a file as the kit's `Reading`.

    Args:
        path: The file; where it may be missing, it may.
        resource: What the charter says about it.
        place: `system.resource`, for findings.
    """
    if resource.missing_ok and not path.exists():
        yield Reading(_shown_schema(_declared_schema(resource), resource), iter(()))
        return
    with path.open("rb") if path.exists() else _raise(missing(path.name)) as file:
        stamp = stamp_of_open(file)
        with source(path, resource) as opened:
            reading = Reading(
                _shown_schema(opened.schema, resource), iter(()),
                may_be_empty=resource.may_be_empty,
            )  # fmt: skip
            control = _declared(path, resource)
            reading.declared_rows = control.rows
            reading.findings.extend(_unexpected(opened.schema, resource, place))
            scrutiny = Scrutiny(resource, place=place, name=path.name)

            def judge_end() -> None:
                must_be_unchanged(file, stamp, name=path.name)
                _judge_total(control, opened, scrutiny.rows, name=path.name, resource=resource)
                scrutiny.must_identify_all()
                reading.findings.extend(scrutiny.findings())

            reading.batches = _scrutinised(
                opened, reading.schema, scrutiny, suspend=resource.suspend, judge_end=judge_end
            )
            yield reading


def describe_columns(path: Path | None, resource: FileResource) -> pa.Schema:
    """Say which columns a file has today, or should have where it cannot be told."""
    if path is None:
        return _declared_schema(resource)
    try:
        with source(path, resource) as opened:
            return opened.schema
    except Untrusted:
        return _declared_schema(resource)


@contextmanager
def _raise(error: Untrusted) -> Iterator[Any]:
    raise error
    yield


def _scrutinised(
    opened: Source,
    schema: pa.Schema,
    scrutiny: Scrutiny,
    *,
    suspend: Suspension | None,
    judge_end: Callable[[], None],
) -> Iterator[pa.RecordBatch]:
    for batch in opened.batches():
        if not batch.num_rows:
            continue
        ids = scrutiny.identify(batch)
        scrutiny.look(batch)
        front = [ids]
        if suspend:
            marked = pc.equal(batch.column(suspend.field).cast(pa.string()), suspend.value)
            front.append(pc.fill_null(marked, fill_value=False))
        yield pa.RecordBatch.from_arrays([*front, *batch.columns], schema=schema)
    judge_end()


@dataclass(frozen=True, slots=True)
class _Control:
    rows: int | None = None
    digest: str = ""


def _declared(path: Path, resource: FileResource) -> _Control:
    if resource.control is None or not resource.control.file:
        return _Control()
    sidecar = control_path(path, resource)
    try:
        text = sidecar.read_bytes()[:_CONTROL_LIMIT].decode("utf-8-sig")
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise Untrusted(
            f"The control file {sidecar.name} is not there or is no text.",
            code="M430",
            cure="Have it delivered beside the file; nothing was taken from this one.",
        ) from error
    rows = re.search(r"^rows\s*=\s*(\d+)\s*$", text, re.MULTILINE)
    digest = re.search(r"^sha256\s*=\s*([0-9a-fA-F]{64})\s*$", text, re.MULTILINE)
    if not rows and not digest:
        raise Untrusted(
            f"The control file {sidecar.name} states neither rows= nor sha256=.",
            code="M430",
            cure="Have it made as agreed; nothing was taken from this one.",
        )
    return _Control(int(rows[1]) if rows else None, digest[1].lower() if digest else "")


def control_path(path: Path, resource: FileResource) -> Path:
    """Name the control file beside a file; without folders, so that it stays beside it."""
    stated = resource.control.file if resource.control else ""
    return path.with_name(stated.replace("{file}", path.name).rpartition("/")[2])


def _judge_total(
    control: _Control, opened: Source, rows: int, *, name: str, resource: FileResource
) -> None:
    declared = control.rows
    if resource.control and (trailer := opened.trailer()) is not None:
        found = re.fullmatch(resource.control.trailer, trailer)
        declared = int(found["rows"]) if found else None
    if declared is not None and declared != rows:
        raise Untrusted(
            f"The control total of {name} is {declared} records, and it holds {rows}.",
            code="M430",
            cure=_EXPORT_AGAIN,
        )
    if control.digest and control.digest != opened.digest():
        raise Untrusted(
            f"{name} does not have the SHA-256 that its control file states.",
            code="M430",
            cure="Have it transferred again; nothing was taken from this one.",
        )
    if not rows and not resource.may_be_empty:
        raise Untrusted(
            f"{name} has a header and no record.",
            code="M422",
            cure="Have the export made again, or write `may_be_empty: true` where none is normal.",
        )


def _csv(path: Path, resource: FileResource) -> Source:
    inspection = inspect(path, resource)
    file = CsvFile(path, resource, inspection)
    columns = file.columns()
    return Source(
        schema=pa.schema([(name, pa.string()) for name in columns]),
        batches=lambda: file.batches(columns),
        raw_rows=lambda: (row for batch in file.batches(columns) for row in batch.to_pylist()),
        digest=lambda: inspection.digest,
        trailer=lambda: file.trailer,
        inspection=inspection,
    )


def _json_lines(path: Path, resource: FileResource) -> Source:
    if resource.may_be_empty and not path.stat().st_size:
        # Deleting its last record leaves a JSON Lines file without a byte.
        empty = _declared_schema(resource)
        return Source(empty, lambda: iter(()), lambda: iter(()), lambda: _digest(path))
    inspection = inspect(path, resource)
    file = JsonLinesFile(path)
    schema = file.schema()
    return Source(
        schema=schema,
        batches=lambda: file.batches(schema),
        raw_rows=file.raw_rows,
        digest=lambda: inspection.digest,
        inspection=inspection,
    )


def _declared_schema(resource: FileResource) -> pa.Schema:
    names = dict.fromkeys((*resource.columns, *resource.required_columns))
    return pa.schema([(name, pa.string()) for name in names])


def _shown_schema(own: pa.Schema, resource: FileResource) -> pa.Schema:
    front: list[pa.Field[Any]] = [pa.field("_id", pa.string())]
    if resource.suspend:
        said_by = {"said_by": resource.suspend.field}
        front.append(pa.field("_suspended", pa.bool_(), metadata=said_by))
    return pa.schema([*front, *own])


def _unexpected(schema: pa.Schema, resource: FileResource, place: str) -> list[Finding]:
    agreed = {*resource.columns, *resource.required_columns}
    fresh = [name for name in schema.names if resource.columns and name not in agreed]
    return [
        Finding(
            f"{place}.{name}",
            "M435",
            f"The file has a column {name} that was not agreed.",
            "Add it to `columns:` if it is meant to be there; it is read like the others.",
            "warning",
        )
        for name in fresh
    ]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()

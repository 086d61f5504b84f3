"""Read a CSV file, all text, as RFC 4180 has it and not one row otherwise.

Two ways with one result: Arrow's parser where the file has no quote in it (then lines and
delimiters are all there is), the standard library's strict one for everything else.

Source: RFC 4180; its rule 2 leaves the final line end open, `final_newline` closes it.
"""

from __future__ import annotations

import csv
import difflib
import re
from typing import TYPE_CHECKING, TextIO

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from matricula.connectors.kit.errors import Untrusted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from matricula.connectors.files.inspection import Inspection
    from matricula.connectors.files.settings import FileResource

BATCH_ROWS = 20_000
BLOCK_BYTES = 8 << 20
# A value longer than this is no value: a quote was opened and never closed.
LONGEST_VALUE = 16 << 20
RESERVED = frozenset({"_id", "_suspended"})
_DELIMITERS = {",": "comma", ";": "semicolon", "\t": "tab", "|": "pipe"}
_EXPORT_AGAIN = "Have the export made again; nothing was taken from this one."


class CsvFile:
    """One CSV file that passed inspection.

    Args:
        path: The file.
        resource: What the charter says about it.
        inspection: Of the same file.
    """

    def __init__(self, path: Path, resource: FileResource, inspection: Inspection) -> None:
        self._path = path
        self._resource = resource
        self._inspection = inspection
        self._name = path.name
        self._header_line = 0
        self.trailer: str | None = None
        csv.field_size_limit(LONGEST_VALUE)

    def columns(self) -> list[str]:
        """Read the header and judge it.

        Raises:
            Untrusted: Wrong delimiter (M425), unusable (M427), column missing (M426), or
                malformed (M429).
        """
        with self._text() as file:
            nothing: tuple[int, list[str]] = (0, [])
            self._header_line, header = next(_rows(file, self._resource, self._name), nothing)
        self._judge_delimiter(header)
        judge_header(header, self._resource, self._name)
        return header

    def batches(self, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
        """Read the rows below the header, a null for every empty cell.

        Raises:
            Untrusted: Cut off (M423), ragged (M428) or malformed (M429), with the line.
        """
        schema = pa.schema([(name, pa.string()) for name in columns])
        given = 0
        if self._is_plain():
            try:
                for batch in self._plainly(schema):
                    given += batch.num_rows
                    yield batch
            except pa.ArrowInvalid:
                # The strict way finds the reason with its line, or reads on.
                pass
            else:
                self._must_end_whole()
                return
        yield from self._strictly(schema, skip=given)

    def _is_plain(self) -> bool:
        resource = self._resource
        return (
            resource.encoding == "utf-8"
            and resource.delimiter.isascii()
            and not self._inspection.quotes
            and self._inspection.newline in {"\n", "\r\n"}
            and self._header_line == 1
            and not (resource.control and resource.control.trailer)
        )

    def _plainly(self, schema: pa.Schema) -> Iterator[pa.RecordBatch]:
        reader = pacsv.open_csv(
            self._path,
            read_options=pacsv.ReadOptions(
                use_threads=False, block_size=BLOCK_BYTES, column_names=schema.names, skip_rows=1
            ),
            parse_options=pacsv.ParseOptions(delimiter=self._resource.delimiter, quote_char=False),
            convert_options=pacsv.ConvertOptions(
                column_types=schema, null_values=[self._resource.null], strings_can_be_null=True
            ),
        )
        with reader:
            for batch in reader:
                for start in range(0, batch.num_rows, BATCH_ROWS):
                    yield batch.slice(start, BATCH_ROWS)

    def _strictly(self, schema: pa.Schema, *, skip: int) -> Iterator[pa.RecordBatch]:
        width = len(schema)
        gathered: list[list[str]] = []
        with self._text() as file:
            for count, (line, row) in enumerate(self._without_trailer(file)):
                if len(row) != width:
                    raise self._ragged(line, len(row), width, file)
                if count >= skip:
                    gathered.append(row)
                if len(gathered) == BATCH_ROWS:
                    yield self._batch(gathered, schema)
                    gathered = []
        self._must_end_whole()
        if gathered:
            yield self._batch(gathered, schema)

    def _without_trailer(self, file: TextIO) -> Iterator[tuple[int, list[str]]]:
        rows = _rows(file, self._resource, self._name)
        next(rows, None)
        control = self._resource.control
        if control is None or not control.trailer:
            yield from rows
            return
        held: tuple[int, list[str]] | None = None
        for row in rows:
            if held is not None:
                yield held
            held = row
        text = self._resource.delimiter.join(held[1]) if held else ""
        if not re.fullmatch(control.trailer, text):
            raise Untrusted(
                f"{self._name} does not end with the agreed trailer row: it is cut off.",
                code="M423",
                cure=_EXPORT_AGAIN,
            )
        self.trailer = text

    def _batch(self, rows: list[list[str]], schema: pa.Schema) -> pa.RecordBatch:
        null, nothing = pa.scalar(self._resource.null), pa.scalar(None, pa.string())
        columns = []
        for cells in zip(*rows, strict=True):
            column = pa.array(cells, pa.string())
            columns.append(pc.if_else(pc.equal(column, null), nothing, column))
        return pa.RecordBatch.from_arrays(columns, schema=schema)

    def _ragged(self, line: int, found: int, width: int, file: TextIO) -> Untrusted:
        is_last = not file.read(1)
        if is_last and found < width and not self._inspection.ends_whole:
            return Untrusted(
                f"{self._name} is cut off in line {line}: {found} of {width} values are there.",
                code="M423",
                cure=_EXPORT_AGAIN,
            )
        return Untrusted(
            f"{self._name}: line {line} has {found} values, the header has {width} columns.",
            code="M428",
            cure="Correct that row at the source; values that hold the delimiter are quoted.",
        )

    def _must_end_whole(self) -> None:
        # A control total proves more than a line end does.
        optional = self._resource.final_newline == "optional" or self._resource.control
        if not self._inspection.ends_whole and not optional:
            raise Untrusted(
                f"{self._name} does not end with a line end, so its last record may be cut off.",
                code="M423",
                cure="Have the export made again; if it never writes a final line end, say "
                "`final_newline: optional`.",
            )

    def _judge_delimiter(self, header: list[str]) -> None:
        key_there = set(self._resource.key) <= set(header)
        if key_there:
            return
        together = "".join(header)
        for sign, called in _DELIMITERS.items():
            if sign != self._resource.delimiter and sign in together:
                raise Untrusted(
                    f"{self._name}: the header comes apart at a {called}, not at "
                    f"{self._resource.delimiter!r}.",
                    code="M425",
                    cure=f"Write `delimiter: {sign!r}` or have the export made as agreed.",
                )

    def _text(self) -> TextIO:
        encoding = "utf-8-sig" if self._resource.encoding == "utf-8" else self._resource.encoding
        return self._path.open(encoding=encoding, newline="")


def judge_header(header: Sequence[str], resource: FileResource, name: str) -> None:
    """Refuse a header that cannot be relied on; for every format.

    Raises:
        Untrusted: Unusable (M427) or a column is missing (M426).
    """
    twice = sorted({one for one in header if header.count(one) > 1})
    blank = [str(n + 1) for n, one in enumerate(header) if not one.strip()]
    reserved = sorted(RESERVED & set(header))
    for wrong, why in (
        (twice, "stand in it more than once"),
        (reserved, "are reserved for Matricula"),
    ):
        if wrong:
            raise Untrusted(
                f"The header of {name} cannot be used: {', '.join(wrong)} {why}.",
                code="M427",
                cure="Have the export give every column one name of its own.",
            )
    if blank:
        raise Untrusted(
            f"The header of {name} cannot be used: column {', '.join(blank)} has no name.",
            code="M427",
            cure="Have the export give every column one name of its own.",
        )
    for wanted in resource.required_columns:
        if wanted not in header:
            raise _column_missing(wanted, header, resource, name)


def _column_missing(
    wanted: str, header: Sequence[str], resource: FileResource, name: str
) -> Untrusted:
    what = "key column" if wanted in resource.key else "column"
    by_fold = {re.sub(r"[\W_]", "", one).casefold(): one for one in header}
    near = difflib.get_close_matches(re.sub(r"[\W_]", "", wanted).casefold(), by_fold, 1, 0.5)
    hint = f"; the nearest is {by_fold[near[0]]}" if near else ""
    return Untrusted(
        f"{name} has no {what} {wanted}{hint}.",
        code="M426",
        cure=f"Have the export call it {wanted} again, or change the charter.",
    )


def _rows(file: TextIO, resource: FileResource, name: str) -> Iterator[tuple[int, list[str]]]:
    """Yield line number (of the row's last line) and cells; blank lines are no rows."""
    reader = csv.reader(file, delimiter=resource.delimiter, quotechar=resource.quote, strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        cut = "unexpected end" in str(error) or "limit" in str(error)
        message = f"{name}: a quote is opened and never closed, by line {reader.line_num}."
        if not cut:
            message = f"{name}: line {reader.line_num} is malformed: {error}."
        raise Untrusted(message, code="M423" if cut else "M429", cure=_EXPORT_AGAIN) from error

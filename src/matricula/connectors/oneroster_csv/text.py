"""CSV text to Arrow and back, as RFC 4180 has it and the standard narrows it.

Two ways of reading with one result: Arrow's parser where no quote occurs (then lines and
commas are all there is), the standard library's strict one otherwise. Writing puts every
row together with Arrow too: the same table always gives the same bytes.
"""

from __future__ import annotations

import csv
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.compute
import pyarrow.csv as pacsv

from matricula.connectors.kit.errors import Untrusted
from matricula.kernel.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

# The published stubs of `pyarrow.compute` lag behind it and refuse right calls.
pc: Any = pyarrow.compute
# Columns of Arrow; the stubs cannot tell what its functions give.
Cells = Any
GATHERED_ROWS = 50_000
WRITTEN_ROWS = 65_536
# A value longer than this is no value: a quote was opened and never closed.
LONGEST_VALUE = 16 << 20
NEWLINE = "\r\n"
_LINE_END = re.compile("[\r\n]")
_MARKS = {b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
_UTF8_MARK = b"\xef\xbb\xbf"
_AGAIN = "Have the export made again; nothing was taken from this file."


@dataclass(frozen=True, slots=True)
class Parsed:
    """A CSV file as a table of text.

    Attributes:
        header: The names as they stand in the file.
        table: All columns text, null where a cell is empty; named by position.
        findings: What about the text as such breaks the standard.
    """

    header: tuple[str, ...]
    table: pa.Table
    findings: tuple[Finding, ...]


def parse(content: bytes, place: str) -> Parsed:
    """Read a CSV file.

    Args:
        content: The bytes of the file.
        place: Its name, for findings.

    Raises:
        Untrusted: Empty (M421), no text (M424), cut off (M423), malformed (M429), or values
            that may stand under the wrong name (M428).
    """
    findings: list[Finding] = []
    text = _decoded(content, place, findings)
    if not text.strip():
        raise Untrusted(f"{place} is empty.", code="M421", cure=_AGAIN)
    # Blank lines above the header are left to the strict way.
    if '"' not in text and text[0] not in "\r\n":
        header = tuple(_LINE_END.split(text, 1)[0].split(","))
        table = _plainly(text, len(header))
        if table is not None:
            return Parsed(header, table, tuple(findings))
    header, table = _strictly(text, place, findings)
    return Parsed(header, table, tuple(findings))


def render(header: Sequence[str], table: pa.Table) -> bytes:
    """Write a table of text as CSV: a line for each row, quotes only where needed.

    Args:
        header: The columns to write, in order.
        table: Has these columns.
    """
    out = io.BytesIO()
    out.write((",".join(header) + NEWLINE).encode())
    for batch in table.select(list(header)).to_batches(max_chunksize=WRITTEN_ROWS):
        if batch.num_rows:
            out.write(_lines([_quoted(column) for column in batch.columns]))
    return out.getvalue()


def as_table(columns: Mapping[str, Sequence[str | None]]) -> pa.Table:
    """Put columns of text together, an empty text counting as none."""
    return pa.table(
        {
            name: pa.array([one or None for one in values], pa.string())
            for name, values in columns.items()
        }
    )


def _decoded(content: bytes, place: str, findings: list[Finding]) -> str:
    body = content.removeprefix(_UTF8_MARK)
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        encoding = _MARKS.get(content[:2], "cp1252")
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Untrusted(
            f"{place} is no text in UTF-8.", code="M424", cure="Have it exported in UTF-8."
        ) from error
    findings.append(
        Finding(
            place,
            "M424",
            f"{place} is not in UTF-8; it was read as {encoding}.",
            "Have it exported in UTF-8, the only encoding of the standard.",
        )
    )
    return text


def _plainly(text: str, width: int) -> pa.Table | None:
    names = _numbered(width)
    try:
        table = pacsv.read_csv(
            io.BytesIO(text.encode()),
            read_options=pacsv.ReadOptions(column_names=names, skip_rows=1, block_size=8 << 20),
            parse_options=pacsv.ParseOptions(quote_char=False),
            convert_options=pacsv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid:
        # The strict way finds the reason and its line, or reads on.
        return None
    return table


def _strictly(text: str, place: str, findings: list[Finding]) -> tuple[tuple[str, ...], pa.Table]:
    csv.field_size_limit(LONGEST_VALUE)
    rows = _rows(text, place)
    line, first = next(rows)
    header = tuple(first)
    width = len(header)
    schema = pa.schema([(name, pa.string()) for name in _numbered(width)])
    batches: list[pa.RecordBatch] = []
    gathered: list[list[str]] = []
    uneven: list[int] = []
    short_line = 0
    for line, row in rows:
        if len(row) != width:
            short_line = line if len(row) < width else short_line
            uneven.append(line)
            _fit(row, width, line, place=place)
        gathered.append(row)
        if len(gathered) == GATHERED_ROWS:
            batches.append(_batch(gathered, schema))
            gathered = []
    # Of a row that ends early at the end of the text nobody can say that it is whole.
    if short_line == line and not text.endswith(("\n", "\r")):
        raise _cut(place, line)
    if gathered:
        batches.append(_batch(gathered, schema))
    if uneven:
        findings.append(_ragged(place, uneven))
    return header, pa.Table.from_batches(batches, schema)


def _rows(text: str, place: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        for row in reader:
            if row:
                yield reader.line_num, row
    except csv.Error as error:
        if "unexpected end" in str(error) or "limit" in str(error):
            raise _cut(place, reader.line_num) from error
        raise Untrusted(
            f"{place}: line {reader.line_num} is malformed: {error}.", code="M429", cure=_AGAIN
        ) from error


def _fit(row: list[str], width: int, line: int, *, place: str) -> None:
    if any(row[width:]):
        raise Untrusted(
            f"{place}: line {line} has {len(row)} values, the header has {width} columns.",
            code="M428",
            cure="Correct that row at the source; values that hold a comma must be quoted.",
        )
    del row[width:]
    row.extend([""] * (width - len(row)))


def _ragged(place: str, lines: list[int]) -> Finding:
    shown = ", ".join(str(line) for line in lines[:3])
    return Finding(
        place,
        "M428",
        f"{place}: {len(lines)} rows have fewer or more cells than the header (line {shown}).",
        "Have the export write every cell of a row, also the empty ones.",
    )


def _cut(place: str, line: int) -> Untrusted:
    return Untrusted(f"{place} is cut off in line {line}.", code="M423", cure=_AGAIN)


def _batch(rows: list[list[str]], schema: pa.Schema) -> pa.RecordBatch:
    nothing = pa.scalar(None, pa.string())
    columns = []
    for cells in zip(*rows, strict=True):
        column = pa.array(cells, pa.string())
        columns.append(pc.if_else(pc.equal(column, ""), nothing, column))
    return pa.RecordBatch.from_arrays(columns, schema=schema)


def _numbered(width: int) -> list[str]:
    return [str(number) for number in range(width)]


def _quoted(column: Cells) -> Cells:
    needs = pc.match_substring_regex(column, '[",]')
    if not pc.any(needs).as_py():
        return column
    doubled = pc.replace_substring(column, '"', '""')
    quoted = pc.binary_join_element_wise('"', doubled, '"', "")
    return pc.if_else(needs, quoted, column)


def _lines(columns: list[Cells]) -> bytes:
    joined = columns[0]
    if len(columns) > 1:
        joined = pc.binary_join_element_wise(
            *columns, ",", null_handling="replace", null_replacement=""
        )
    ended = pc.binary_join_element_wise(joined, "", NEWLINE)
    # The values of a text column lie one after the other: together they are the lines.
    _, ends, text = ended.buffers()
    stops = memoryview(ends).cast("i")
    start, stop = stops[ended.offset], stops[ended.offset + len(ended)]
    return memoryview(text)[start:stop].tobytes()

"""What an edge hands to the register, and how rows of a file know where they stand."""

from __future__ import annotations

import csv
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from matricula.engine.workbench import Bench, open_workbench, register
from matricula.kernel.errors import Refused

if TYPE_CHECKING:
    import _csv
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path

    from matricula.engine.workbench import Workbench
    from matricula.kernel.findings import Finding

PLACE = "place"
_MANY = 50_000
_AGAIN = "Have the file made again; nothing was taken."


@dataclass(frozen=True, slots=True)
class Given:
    """A bundle as it was handed over.

    Attributes:
        source: The system whose numbers they are.
        pieces: Names of tables, with rows of each.
        findings: What was found while reading, before the register saw it.
    """

    source: str
    pieces: Iterable[tuple[str, pa.Table]]
    findings: tuple[Finding, ...] = ()


def rows_of(path: Path) -> Iterator[pa.Table]:
    """Read a CSV file, all text, in parts; `place` says on which line each row begins.

    Raises:
        Refused: There is none, or it is no UTF-8 text, or no table (M991).
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            yield from _parts(csv.reader(file, strict=True), path.name)
    except OSError as error:
        why = (error.strerror or type(error).__name__).lower()
        raise _unreadable(path.name, f"cannot be read: {why}") from error
    except UnicodeDecodeError as error:
        raise _unreadable(path.name, "is no UTF-8 text") from error


def _parts(lines: _csv.Reader, name: str) -> Iterator[pa.Table]:
    try:
        header = next(lines, None)
        if not header:
            raise _unreadable(name, "is empty")
        held: list[list[str]] = []
        places: list[str] = []
        begins = lines.line_num + 1
        for row in lines:
            if row:
                _must_fit(row, header, name, begins)
                held.append(row)
                places.append(f"{name}:{begins}")
            begins = lines.line_num + 1
            if len(held) == _MANY:
                yield _table(header, held, places)
                held, places = [], []
        yield _table(header, held, places)
    except csv.Error as error:
        raise _unreadable(name, f"is malformed in line {lines.line_num}: {error}") from error


def _must_fit(row: list[str], header: list[str], name: str, line: int) -> None:
    if len(row) != len(header):
        what = f"has {len(row)} values in line {line}, and {len(header)} columns"
        raise _unreadable(name, what)


def _table(header: list[str], rows: list[list[str]], places: list[str]) -> pa.Table:
    cells = zip(*rows, strict=True) if rows else ([] for _ in header)
    arrays = [pa.array(column, pa.string()) for column in cells]
    return pa.table([*arrays, pa.array(places, pa.string())], names=[*header, PLACE])


def _unreadable(name: str, what: str) -> Refused:
    return Refused("M991", f"{name} {what}.", cure=_AGAIN, place=name)


@contextmanager
def table_desk(tables: Mapping[str, pa.Table]) -> Iterator[Workbench]:
    """Open a calculator in which tables stand under their names."""
    with open_workbench(Bench(threads=2)) as bench:
        for name, rows in tables.items():
            register(bench, name, rows)
        yield bench


def asked(bench: Workbench, queries: Mapping[str, str]) -> Iterator[tuple[str, pa.Table]]:
    """Give for each table of a bundle the rows that its query finds."""
    for name, query in queries.items():
        yield name.partition(" ")[0], bench.sql(query).to_arrow_reader().read_all()

"""A run's own DuckDB connection, sealed: it computes and can do nothing else.

A small pass has a database of its own in an instance that the process keeps, for opening one
would take longer than its work; none sees another's tables by any name it uses. No file, no
network, no extension, no Python variable is within reach, and the configuration is locked, so
a hostile value in a feed has nowhere to go. What it works on is registered as Arrow; where it
spills is fixed when it is opened.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

import duckdb
import pyarrow as pa
import pyarrow.dataset as ds
from sqlglot import exp

from matricula.engine import sql

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    Arrow = pa.Table | pa.RecordBatchReader | ds.Dataset

# Rows that are held at once where a table passes by.
_GROUP = 65_536
_KEPT: list[duckdb.DuckDBPyConnection] = []
_numbers = count()


@dataclass(frozen=True, slots=True)
class Bench:
    """How much of the machine a workbench may take.

    Attributes:
        folder: Where it spills what does not fit in memory; nowhere when None.
        memory_mb: Memory before it spills; DuckDB's own choice when None.
        threads: Worker threads; DuckDB's own choice when None.
        small: Whether so little is to be done that opening would take the longest: it is done
            in an instance the process keeps, by one thread and in memory alone, whatever
            the others say.
    """

    folder: Path | None = None
    memory_mb: int | None = None
    threads: int | None = None
    small: bool = False


class Workbench:
    """A run's own connection, and how many rows were left in its tables.

    Small passes are made of many small steps, and asking how much the last one left would
    cost as much as the step. A table that would hold nothing need not be made at all: it is
    noted, and whoever would read it asks `size` first.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self.connection = connection
        self.execute = connection.execute
        self.sql = connection.sql
        self.unregister = connection.unregister
        self.sizes: dict[str, int] = {}


@contextmanager
def open_workbench(bench: Bench | None = None) -> Iterator[Workbench]:
    """Open a sealed connection for one run and close it after."""
    size = bench or Bench()
    if size.small:
        with _own_database(_kept()) as connection:
            yield Workbench(connection)
        return
    # In memory even with a folder: a file would be written with care nobody needs for
    # tables that live for one pass. What does not fit is spilled.
    connection = duckdb.connect(":memory:")
    try:
        _limit(connection, size)
        _seal(connection)
        yield Workbench(connection)
    finally:
        connection.close()


def _kept() -> duckdb.DuckDBPyConnection:
    """Give the instance in which this process does what is small."""
    if not _KEPT:
        connection = duckdb.connect(":memory:")
        _limit(connection, Bench(threads=1))
        _seal(connection)
        _KEPT.append(connection)
    return _KEPT[0]


# An instance does not survive a fork: a child that held its parent's could not even end.
os.register_at_fork(before=_KEPT.clear)


@contextmanager
def _own_database(instance: duckdb.DuckDBPyConnection) -> Iterator[duckdb.DuckDBPyConnection]:
    """Give a connection to a database of its own, gone with all that is in it."""
    name = f"pass_{next(_numbers)}"
    connection = instance.cursor()
    try:
        connection.execute(f"ATTACH ':memory:' AS {name}")
        connection.execute(f"USE {name}")
        yield connection
        connection.close()
        with instance.cursor() as other:
            other.execute(f"DETACH {name}")
    except BaseException:
        # Whatever befell it, the next one begins anew.
        _KEPT.clear()
        raise
    finally:
        connection.close()


# GLOBAL: every connection of a kept instance must have it, not the first alone.
def _limit(connection: duckdb.DuckDBPyConnection, size: Bench) -> None:
    # Without a folder it must not spill at all: DuckDB would choose the working directory.
    spill = str(size.folder / "spill") if size.folder else ""
    connection.execute("SET GLOBAL temp_directory = ?", [spill])
    if size.memory_mb:
        connection.execute("SET GLOBAL memory_limit = ?", [f"{size.memory_mb}MiB"])
    if size.threads:
        connection.execute("SET GLOBAL threads = ?", [size.threads])
    # Where Python was given its program on the command line, DuckDB takes it for a person's.
    connection.execute("SET enable_progress_bar = false")
    connection.execute("SET GLOBAL TimeZone = 'UTC'")
    connection.execute("SET GLOBAL preserve_insertion_order = false")
    # Nobody tells DuckDB how long an Arrow stream is, so it takes the longest for the
    # shortest and keeps it in memory. Every join here has its shorter side on the right.
    connection.execute("SET GLOBAL disabled_optimizers = 'build_side_probe_side'")
    # What a step is done with goes back to the machine, not into a pool.
    connection.execute("SET GLOBAL allocator_background_threads = true")
    connection.execute("SET GLOBAL allocator_flush_threshold = '16MiB'")
    connection.execute("SET GLOBAL allocator_bulk_deallocation_flush_threshold = '16MiB'")


def _seal(connection: duckdb.DuckDBPyConnection) -> None:
    for name in (
        "enable_external_access",
        "autoinstall_known_extensions",
        "autoload_known_extensions",
        "python_enable_replacements",
    ):
        connection.execute(f"SET GLOBAL {name} = false")
    connection.execute("SET GLOBAL lock_configuration = true")


def _written(statement: exp.Expr) -> str:
    # Writing a tree down may change it. It is done with, and a copy would take longer.
    return statement.sql(dialect="duckdb", copy=False)


def run(bench: Workbench, statement: exp.Expr) -> int:
    """Execute a syntax tree to its end; nothing else may be made of it.

    Returns:
        How many rows it left in a table, added to one or took out of it.
    """
    told = bench.execute(_written(statement)).fetchall()
    made = int(told[0][0]) if told else 0
    if isinstance(statement, exp.Create) and statement.kind == "TABLE":
        bench.sizes[statement.this.name] = made
    elif isinstance(statement, exp.Insert):
        bench.sizes[statement.this.name] += made
    elif isinstance(statement, exp.Delete):
        bench.sizes[statement.this.name] -= made
    elif isinstance(statement, exp.Drop):
        bench.sizes.pop(statement.args["tables"][0].name, None)
    return made


def add(bench: Workbench, table: str, query: exp.Query) -> None:
    """Add rows to a table; the first of them make it."""
    if size(bench, table):
        run(bench, exp.insert(query, sql.table(table), copy=False))
    else:
        run(bench, sql.create("TABLE", table, query))


def without(bench: Workbench, query: exp.Select, key: exp.Expr, table: str) -> exp.Select:
    """Leave out of a query the keys that a table holds, where it holds any."""
    return query.where(sql.absent(key, sql.keys_in(table))) if size(bench, table) else query


def leave_out(bench: Workbench, *tables: str) -> None:
    """Note tables that hold nothing, without making them; only `size` may be asked of them."""
    for table in tables:
        bench.sizes[table] = 0


def size(bench: Workbench, table: str) -> int:
    """Say how many rows were left in a table."""
    return bench.sizes[table]


def rows(bench: Workbench, statement: exp.Expr) -> list[tuple[object, ...]]:
    """Execute a query that yields few rows."""
    return bench.execute(_written(statement)).fetchall()


def number(bench: Workbench, statement: exp.Expr) -> int:
    """Execute a query that yields one whole number."""
    found = rows(bench, statement)[0][0]
    return int(str(found)) if found is not None else 0


def arrow(bench: Workbench, query: exp.Query) -> pa.Table:
    """Execute a query into an Arrow table."""
    # Through a reader, batch by batch: the whole result would stand in memory twice.
    found: pa.Table = bench.sql(_written(query)).to_arrow_reader().read_all()
    return found


def batches(bench: Workbench, query: exp.Query) -> pa.RecordBatchReader:
    """Execute a query and hand its rows on as they come, in groups as large as a file's."""
    found: pa.RecordBatchReader = bench.sql(_written(query)).to_arrow_reader(_GROUP)
    return found


def give_back() -> None:
    """Give the memory that a step's reading is done with back to the machine."""
    pa.system_memory_pool().release_unused()


class _Frugal(ds.FileSystemDataset):
    """Files read part by part, each when it is asked for.

    Left to itself Arrow reads on while nobody asks, up to a gigabyte, and into a pool of its
    own, which does not give back what it once had.
    """

    def scanner(  # type: ignore[override]  # what DuckDB asks for, no more
        self,
        columns: list[str] | None = None,
        filter: ds.Expression | None = None,  # noqa: A002 - Arrow's word
    ) -> _Pulled:
        """Say what to read; nothing is read yet."""
        return _Pulled(self, columns, filter)


@dataclass(frozen=True, slots=True)
class _Pulled:
    """A scan of files whose next rows are read when they are asked for."""

    files: ds.FileSystemDataset
    columns: list[str] | None
    where: ds.Expression | None

    def to_reader(self) -> pa.RecordBatchReader:
        """Read."""
        every = self.files.schema
        schema = every if self.columns is None else pa.schema(map(every.field, self.columns))
        return pa.RecordBatchReader.from_batches(schema, self._batches())

    def _batches(self) -> Iterator[pa.RecordBatch]:
        for file in self.files.get_fragments():
            for part in _parts(file):
                read = part.to_table(
                    schema=self.files.schema,
                    columns=self.columns,
                    filter=self.where,
                    batch_size=_GROUP,
                    memory_pool=pa.system_memory_pool(),
                )
                yield from read.to_batches()


def register(bench: Workbench, name: str, rows: Arrow) -> None:
    """Put Arrow data within reach of a workbench, under a name; nothing is copied."""
    bench.sizes.pop(name, None)
    if isinstance(rows, pa.Table):
        bench.sizes[name] = rows.num_rows
    if type(rows) is ds.FileSystemDataset:
        rows = _frugal(rows)
    bench.connection.register(name, rows)


def _frugal(files: ds.FileSystemDataset) -> ds.FileSystemDataset:
    fragments = list(files.get_fragments())
    schema, form = files.schema, files.format
    repeated = _repeated(fragments[0], schema) if fragments else []
    if repeated:
        form = ds.ParquetFileFormat(dictionary_columns=repeated)
        fragments = [
            form.make_fragment(f.path, f.filesystem, f.partition_expression) for f in fragments
        ]
    for column in repeated:
        place = schema.get_field_index(column)
        schema = schema.set(place, pa.field(column, pa.dictionary(pa.int32(), pa.string())))
    return _Frugal(fragments, schema, form, files.filesystem)


def _repeated(file: ds.Fragment, schema: pa.Schema) -> list[str]:
    """Name the columns whose texts a file keeps once each: that is how they are handed on."""
    if not isinstance(file, ds.ParquetFileFragment):
        return []
    try:
        groups = file.metadata
    except (OSError, pa.ArrowInvalid):
        # A damaged file is told of where it is read.
        return []
    parts = range(groups.num_columns if groups.num_row_groups else 0)
    return [
        part.path_in_schema
        for part in (groups.row_group(0).column(place) for place in parts)
        if part.has_dictionary_page
        # Written out one by one they would take four bytes each, and these are not.
        and part.total_uncompressed_size < 4 * part.num_values
        and _is_text(schema, part.path_in_schema)
    ]


def _parts(file: ds.Fragment) -> list[ds.Fragment]:
    return file.split_by_row_group() if isinstance(file, ds.ParquetFileFragment) else [file]


def _is_text(schema: pa.Schema, column: str) -> bool:
    place = schema.get_field_index(column)
    return place >= 0 and bool(pa.types.is_string(schema.field(place).type))

"""Land what a connector reads in one Parquet file, whole or not at all.

Landing counts and writes; whether the rows make sense is for the engine to say. A
reading that turns out broken leaves no file behind, neither new nor half.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq

from matricula.connectors.kit.errors import Untrusted
from matricula.connectors.kit.places import replacement

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from matricula.connectors.kit.protocol import Reading

ROW_GROUP_ROWS = 100_000
# Rows with very long values would otherwise gather to gigabytes before a group is full.
ROW_GROUP_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Landed:
    """A reading that is safely on disk.

    Attributes:
        rows: How many rows the file holds.
        path: The file.
        digest: SHA-256 of the file's bytes, hexadecimal.
    """

    rows: int
    path: Path
    digest: str


def land(reading: Reading, path: Path) -> Landed:
    """Write a reading to a Parquet file (zstd), streaming, in one step as seen from outside.

    The file appears under its name when it is complete and on the disk; until then, and
    after any error, whatever stood there before still stands.

    Args:
        reading: Inside its `with`.
        path: The file to make; its folder is made too.

    Raises:
        Untrusted: From the source, or because fewer or more rows came than the source
            itself declares (M430).
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with replacement(path) as temporary:
        rows = _write(reading, temporary)
        if reading.declared_rows is not None and rows != reading.declared_rows:
            raise Untrusted(
                f"The source declares {reading.declared_rows} rows and {rows} arrived.",
                code="M430",
                cure="Have the export made again; nothing was taken from this one.",
            )
        with temporary.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Landed(rows, path, digest)


def _write(reading: Reading, path: Path) -> int:
    rows = 0
    with pq.ParquetWriter(path, reading.schema, compression="zstd") as writer:
        for table in _groups(reading):
            writer.write_table(table, row_group_size=ROW_GROUP_ROWS)
            rows += table.num_rows
    return rows


def _groups(reading: Reading) -> Iterator[pa.Table]:
    gathered: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in reading.batches:
        gathered.append(batch)
        rows += batch.num_rows
        size += batch.nbytes
        if rows >= ROW_GROUP_ROWS or size >= ROW_GROUP_BYTES:
            yield pa.Table.from_batches(gathered, schema=reading.schema)
            gathered, rows, size = [], 0, 0
    if rows:
        yield pa.Table.from_batches(gathered, schema=reading.schema)

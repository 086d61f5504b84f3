"""Read a table of the register as Arrow at full speed, apart from Django's connection.

On PostgreSQL by a connection of the driver's own. SQLite is read by a process of its own, for
two SQLite libraries in one process drop each other's locks (decision 0013): this module is
that process too, and writes what it reads to its standard output.
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, cast
from urllib.parse import quote, urlencode

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from io import IOBase


@contextmanager
def reading(settings: Mapping[str, object], query: str) -> Iterator[pa.RecordBatchReader]:
    """Run a query on Django's database, without Django.

    Args:
        settings: Django's of the database.
        query: Of our own words alone.

    Raises:
        OSError, pa.ArrowException: It cannot be read.
    """
    if str(settings["ENGINE"]).endswith("postgresql"):
        with _on_postgresql(settings, query) as batches:
            yield batches
        return
    command = [sys.executable, "-m", __name__, str(settings["NAME"]), query]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=quiet) as process:  # noqa: S603 - our own words
        # Both are there: a pipe was asked for.
        assert process.stdout is not None  # noqa: S101
        with pa.ipc.open_stream(
            pa.PythonFile(cast("IOBase", process.stdout), mode="r")
        ) as batches:
            yield batches
    if process.returncode:
        # What came before looks whole: a stream ends properly whatever ended it.
        message = f"the reading ended with status {process.returncode}"
        raise OSError(message)


@contextmanager
def _on_postgresql(settings: Mapping[str, object], query: str) -> Iterator[pa.RecordBatchReader]:
    from adbc_driver_postgresql import dbapi

    try:
        with dbapi.connect(_address(settings)) as connection, connection.cursor() as cursor:
            cursor.execute(query)
            yield cursor.fetch_record_batch()
    except dbapi.Error as error:
        # Its name alone: a driver's words may hold values.
        message = f"the driver says {type(error).__name__}"
        raise OSError(message) from error


def _address(settings: Mapping[str, object]) -> str:
    told = {name: str(settings.get(name) or "") for name in ("USER", "PASSWORD", "HOST", "PORT")}
    options = settings.get("OPTIONS")
    asked = dict(options) if isinstance(options, dict) else {}
    parts = {
        "user": told["USER"], "password": told["PASSWORD"], "host": told["HOST"],
        "port": told["PORT"],
    }  # fmt: skip
    asked |= {name: value for name, value in parts.items() if value}
    known = {name: value for name, value in asked.items() if isinstance(value, (str, int))}
    return f"postgresql:///{quote(str(settings['NAME']))}?{urlencode(known)}"


def main(path: str, query: str) -> None:
    """Read a SQLite database, which is not written to, and write Arrow's stream format."""
    from adbc_driver_sqlite import dbapi

    place = f"file:{quote(str(Path(path).absolute()))}?mode=ro"
    with dbapi.connect(place) as connection, connection.cursor() as cursor:
        cursor.execute(query)
        batches = cursor.fetch_record_batch()
        told = pa.PythonFile(cast("IOBase", sys.stdout.buffer), mode="w")
        with pa.ipc.new_stream(told, batches.schema) as stream:
            for batch in batches:
                stream.write_batch(batch)


if __name__ == "__main__":
    main(*sys.argv[1:])

"""What the hub knows of the copies, taken in for one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import arrow, run

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa


class Confirmed(Protocol):
    """What the hub knows of the copies, as Arrow, all of one moment."""

    def state(self, flow: str, keys: pa.Table | None) -> pa.Table | pa.RecordBatchReader:
        """Give the links of a flow, of all keys or of those in `keys` (column `key`).

        Returns:
            `key`, `external_id`, `state` (active, suspended, refused, unknown), `digest`
            (MD5 of the confirmed text), `refused` (MD5 of the text the target refused last)
            and `retry` (whether a refused one is due again).
        """
        ...

    def confirmed(self, flow: str, keys: pa.Table | None) -> pa.Table | pa.RecordBatchReader:
        """Give `key` and `confirmed`, the canonical JSON that the target acknowledged."""
        ...


def load_links(
    connection: duckdb.DuckDBPyConnection, name: str, links: pa.Table | pa.RecordBatchReader
) -> None:
    """Take the links of a flow in, as a table of that name."""
    connection.register("arriving", links)
    run(connection, sql.create("TABLE", name, exp.select(exp.Star()).from_(sql.table("arriving"))))
    connection.unregister("arriving")


def fetch_keys(connection: duckdb.DuckDBPyConnection, query: exp.Query) -> pa.Table:
    """Fetch a query's keys as an Arrow table with the column `key`."""
    return arrow(connection, query)

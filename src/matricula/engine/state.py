"""What the hub knows of the copies, taken in for one run."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import pyarrow as pa
from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import arrow, register, run

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.engine.workbench import Arrow, Workbench


class Confirmed(Protocol):
    """What the hub knows of the copies, as Arrow, all of one moment."""

    def state(self, flow: str, keys: pa.Table | None) -> Arrow:
        """Give the links of a flow, of all keys or of those in `keys` (column `key`).

        Returns:
            `key`, `external_id`, `state` (active, suspended, refused, unknown), `digest`
            (MD5 of the confirmed text), `refused` (MD5 of the text the target refused last)
            and `retry` (whether a refused one is due again; null where an office accepted it).
        """
        ...

    def confirmed(self, flow: str, keys: pa.Table | None) -> Arrow:
        """Give `key` and `confirmed`, the canonical JSON that the target acknowledged."""
        ...

    def still_there(self, flow: str, copies: pa.Table) -> pa.Table:
        """Find out which copies are there although their target's listing left them out.

        Args:
            flow: Whose.
            copies: `key` and `external_id` of copies that are to leave.

        Returns:
            The `key` of those that are there, or of which nobody can tell.
        """
        ...


def load_links(bench: Workbench, name: str, links: Arrow) -> None:
    """Take links in under a name. What can be read again is not copied."""
    if not isinstance(links, pa.RecordBatchReader):
        register(bench, name, links)
        return
    register(bench, "arriving", links)
    run(bench, sql.create("TABLE", name, exp.select(exp.Star()).from_(sql.table("arriving"))))
    bench.unregister("arriving")


@contextmanager
def taken_in(bench: Workbench, name: str, links: Arrow) -> Iterator[None]:
    """Take links in for a while; they are large, and the next flow needs the memory."""
    load_links(bench, name, links)
    yield
    if isinstance(links, pa.RecordBatchReader):
        run(bench, exp.Drop(tables=[sql.table(name)], kind="TABLE"))
    else:
        bench.unregister(name)


def fetch_keys(bench: Workbench, query: exp.Query) -> pa.Table:
    """Fetch a query's keys as an Arrow table with the column `key`."""
    return arrow(bench, query)

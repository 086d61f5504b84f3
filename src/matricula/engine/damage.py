"""Judge a snapshot by its predecessor: what a spreadsheet, a renumbering or a bad export did.

Everything here looks only at the text of identifiers, old and new. Smaller losses are not
damage but a plan, and the guard counts them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.read import Fault
from matricula.engine.workbench import number, rows, run

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb
    import pyarrow as pa
    import pyarrow.dataset as ds

_DATE_LIKE = (
    r"([0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}.*)"
    r"|([0-9]{1,2}[- ][A-Za-z]{3}([- ][0-9]{2,4})?)|([A-Za-z]{3}[- ][0-9]{1,4})"
)


def faults(
    connection: duckdb.DuckDBPyConnection,
    resource: str,
    spelling: Sequence[str],
    previous: ds.Dataset | pa.Table,
) -> tuple[Fault, ...]:
    """Compare the identifiers of a snapshot with those of the last trusted one.

    Args:
        connection: After `read.load` of the resource (reads `land_<resource>`).
        resource: As `system.resource`.
        spelling: The native fields that spell the key.
        previous: The last trusted snapshot of the same resource.

    Returns:
        Nothing, or why it must not be trusted.
    """
    if not set(spelling) <= set(previous.schema.names):
        return ()
    connection.register("earlier", previous)
    try:
        lost, fresh = _split(connection, resource, spelling)
        if not lost:
            return ()
        known = _known(connection, spelling)
        found = [
            _zeros(connection, resource),
            _dates(connection, resource),
            _renumbered(resource, known=known, lost=lost, fresh=fresh),
        ]
        return tuple(fault for fault in found if fault)
    finally:
        connection.unregister("earlier")


def _split(
    connection: duckdb.DuckDBPyConnection, resource: str, spelling: Sequence[str]
) -> tuple[int, int]:
    """Leave `lost_id` and `fresh_id` (column `id`), one row per part of a key, and count them."""
    sides = (
        ("lost_id", "earlier", f"land_{resource}"),
        ("fresh_id", f"land_{resource}", "earlier"),
    )
    counts = []
    for called, here, there in sides:
        query: exp.Query | None = None
        for part in spelling:
            value = sql.cast(sql.column(part), "VARCHAR")
            mine = exp.select(sql.named(value, "id")).from_(sql.table(here))
            theirs = exp.select(sql.named(value, "id")).from_(sql.table(there))
            only = exp.except_(mine, theirs)
            query = only if query is None else exp.union(query, only, distinct=True)
        if query is not None:
            wrapped = exp.select(exp.Star()).from_(query.subquery("ids"))
            run(connection, sql.create("TABLE", called, wrapped))
        counts.append(
            number(connection, exp.select(exp.Count(this=exp.Star())).from_(sql.table(called)))
        )
    return counts[0], counts[1]


def _known(connection: duckdb.DuckDBPyConnection, spelling: Sequence[str]) -> int:
    parts = [
        exp.select(sql.named(sql.cast(sql.column(part), "VARCHAR"), "id")).from_(
            sql.table("earlier")
        )
        for part in spelling
    ]
    query: exp.Query = parts[0].distinct()
    for part in parts[1:]:
        query = exp.union(query, part, distinct=True)
    return number(connection, exp.select(exp.Count(this=exp.Star())).from_(query.subquery("ids")))


def _zeros(connection: duckdb.DuckDBPyConnection, resource: str) -> Fault | None:
    old, new = sql.column("id", "l"), sql.column("id", "f")
    bare = sql.call("ltrim", old, sql.text("0"))
    query = (
        exp.select(exp.Count(this=exp.Star()))
        .from_(sql.table("lost_id", "l"))
        .join(sql.table("fresh_id", "f"), on=sql.same(new, bare))
        .where(exp.NEQ(this=bare, expression=old))
    )
    count = number(connection, query)
    if not count:
        return None
    return Fault(
        resource,
        "M408",
        f"{resource}: {count} known identifier(s) came back without their leading zeros.",
        "Export the source again as text, without opening it in a spreadsheet; "
        "nothing was changed anywhere.",
    )


def _dates(connection: duckdb.DuckDBPyConnection, resource: str) -> Fault | None:
    def date_like(of: str) -> exp.Expr:
        looks = sql.call("regexp_full_match", sql.column("id"), sql.text(_DATE_LIKE))
        counted = exp.select(exp.Count(this=exp.Star())).from_(sql.table(of)).where(looks)
        return counted.subquery()

    [(fresh, lost)] = rows(connection, exp.select(date_like("fresh_id"), date_like("lost_id")))
    written = sql.call("regexp_full_match", sql.column("id"), sql.text("[0-9]{1,2}[-/][0-9]{1,2}"))
    likely = number(
        connection,
        exp.select(exp.Count(this=exp.Star())).from_(sql.table("lost_id")).where(written),
    )
    if not fresh or (lost and not likely):
        return None
    return Fault(
        resource,
        "M409",
        f"{resource}: {fresh} identifier(s) look like dates and none did before.",
        "Export the source again as text, without opening it in a spreadsheet; "
        "nothing was changed anywhere.",
    )


def _renumbered(resource: str, *, known: int, lost: int, fresh: int) -> Fault | None:
    # Half of everybody gone and at least half as many strangers: no day of a term does that.
    if lost * 2 <= known or fresh * 2 < lost:
        return None
    return Fault(
        resource,
        "M407",
        f"{resource}: {lost} of {known} known identifiers are gone and {fresh} unknown ones came.",
        "Restore the identifiers at the source, or agree a change of identifiers first; "
        "nothing was changed anywhere.",
    )

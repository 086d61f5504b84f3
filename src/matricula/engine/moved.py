"""Moved: in which buckets of keys do two sides differ?

Nearly everything is as it was. Joining two sides key by key to find that out takes memory
for all of them; summing each up by buckets takes memory for the buckets, and only those
whose sums differ need be joined. Two sides that differ have one sum in one of 2^64 cases.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import run

if TYPE_CHECKING:
    import duckdb

_BUCKETS = 2**18


def find_moved(
    connection: duckdb.DuckDBPyConnection, called: str, one: exp.Select, other: exp.Select
) -> None:
    """Leave the buckets in which two sides differ as a table (column `bucket`).

    Args:
        connection: Where both are.
        called: The table's name.
        one: Selects `key`, once each, and `print`, which tells what stands there.
        other: The same of the other side.
    """
    left, right = sql.column("bucket", "l"), sql.column("bucket", "r")
    query = (
        exp.select(sql.named(sql.call("coalesce", left, right), "bucket"))
        .from_(_summed(one).subquery("l"))
        .join(_summed(other).subquery("r"), on=sql.same(left, right), join_type="full")
        .where(sql.differs(sql.column("mixed", "l"), sql.column("mixed", "r")))
    )
    run(connection, sql.create("TABLE", called, query))


def in_moved(key: exp.Expr, called: str) -> exp.Expr:
    """Say that a key is in a bucket that `find_moved` left under a name."""
    buckets = exp.select(sql.column("bucket")).from_(sql.table(called))
    return exp.In(this=_bucket(key), query=buckets.subquery())


def _summed(side: exp.Select) -> exp.Select:
    mixed = sql.call("bit_xor", sql.call("hash", sql.column("key"), sql.column("print")))
    bucket = sql.named(_bucket(sql.column("key")), "bucket")
    query = exp.select(bucket, sql.named(mixed, "mixed")).from_(side.subquery("side"))
    return query.group_by(_bucket(sql.column("key")))


def _bucket(key: exp.Expr) -> exp.Expr:
    return exp.Mod(this=sql.call("hash", key), expression=exp.Literal.number(_BUCKETS))

"""Moved: in which buckets do two sides differ?

Nearly everything is as it was. Joining two sides key by key to find that out takes memory
for all of them; summing each up by buckets takes memory for the buckets, and only those
whose sums differ need be joined. Two sides that differ have one sum in one of 2^64 cases.
Where both are few every key has a bucket of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import run

if TYPE_CHECKING:
    from matricula.engine.workbench import Workbench

# More buckets find less to compare again, and take longer to sum up; prints compare quickly.
_BUCKETS = {"key": 2**18, "print": 2**16}
# Rows that are compared key by key at once: summing them up first would take longer.
FEW = 5_000


def are_few(bench: Workbench, *tables: str) -> bool:
    """Say that two sides are so small that looking for buckets is not worth it."""
    # What is registered as files is of a length nobody knows, and not few.
    return sum(bench.sizes.get(called, FEW) for called in tables) < FEW


def find_moved(
    bench: Workbench,
    called: str,
    one: exp.Select,
    other: exp.Select,
    *,
    by: str = "key",
    few: bool = False,
) -> int:
    """Leave the buckets in which two sides differ as a table (column `bucket`).

    Args:
        bench: Where both are.
        called: The table's name.
        one: Selects `key`, once each, and `print`, which tells what stands there.
        other: The same of the other side.
        by: Whether buckets are of keys or of prints: prints that tell the key as well, and
            are hashes, need no other column.
        few: Whether both sides are so few that each key may be a bucket of its own.

    Returns:
        How many buckets.
    """
    left, right = sql.column("bucket", "l"), sql.column("bucket", "r")
    here, there = (_summed(side, by, few=few) for side in (one, other))
    query = (
        exp.select(sql.named(sql.call("coalesce", left, right), "bucket"))
        .from_(here.subquery("l"))
        .join(there.subquery("r"), on=sql.same(left, right), join_type="full")
        .where(sql.differs(sql.column("mixed", "l"), sql.column("mixed", "r")))
    )
    return run(bench, sql.create("TABLE", called, query))


def in_moved(value: exp.Expr, called: str, *, by: str = "key", few: bool = False) -> exp.Expr:
    """Say that a key, or a print, is in a bucket that `find_moved` left under a name."""
    buckets = exp.select(sql.column("bucket")).from_(sql.table(called))
    return exp.In(this=_bucket(value, by, few=few), query=buckets.subquery())


def _summed(side: exp.Select, by: str, *, few: bool) -> exp.Select:
    told = sql.column("print")
    row = told if by == "print" else sql.call("hash", sql.column("key"), told)
    bucket = _bucket(sql.column(by), by, few=few)
    mixed = sql.named(sql.call("bit_xor", row), "mixed")
    query = exp.select(sql.named(bucket, "bucket"), mixed).from_(side.subquery("side"))
    return query.group_by(bucket)


def _bucket(value: exp.Expr, by: str, *, few: bool) -> exp.Expr:
    if few:
        return value.copy()
    hashed = value.copy() if by == "print" else sql.call("hash", value)
    return exp.Mod(this=hashed, expression=exp.Literal.number(_BUCKETS[by]))

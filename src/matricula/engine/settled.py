"""Settled: refusals and waits that have come to an end without anything being sent.

Leaves for flow F two tables of keys. `settled_F`: copies that a target once refused to
change and that are now as they should be, because their owner went back or nothing is
wanted of them any more. `void_F`: links to copies that were never made and that nobody
desires now. What still waits, is kept apart or is uncertain stands in neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import project, sql
from matricula.engine.workbench import number, run

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import duckdb

    from matricula.charter.model import Flow

# Copies in these states are there, and a flow that ends them so has yet to end them.
PRESENT: Mapping[str, Sequence[str]] = {
    "suspend": ("active",),
    "delete": ("active", "suspended"),
    "leave": (),
}
_UNMADE = ("refused", "waiting")


def find_settled(
    connection: duckdb.DuckDBPyConnection, flow: Flow, *, desired: exp.Select, seen: bool
) -> None:
    """Find the links whose trouble is over.

    Args:
        connection: After `observe` of the flow.
        flow: Which.
        desired: What `project` returned.
        seen: Whether the target was read: only then is it known that an edit is gone which
            it refused to have put back.
    """
    name = flow.name
    run(connection, sql.create("TABLE", f"troubled_{name}", _troubled(name)))
    keys = exp.select(sql.column("key")).from_(sql.table(f"troubled_{name}"))
    wanted = desired.where(exp.In(this=sql.column("key", project.GOLDEN), query=keys.subquery()))
    if not number(connection, sql.count(f"troubled_{name}")):
        wanted = wanted.where(exp.false())
    prints = exp.select(
        sql.column("key"), sql.named(sql.call("md5", sql.column("after")), "print")
    )
    prints = prints.from_(wanted.subquery("d"))
    run(connection, sql.create("TABLE", f"wanted_{name}", prints))
    run(connection, sql.create("TABLE", f"settled_{name}", _settled(flow, seen=seen)))
    run(connection, sql.create("TABLE", f"void_{name}", _void(name)))


def among(column: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """Say that a column holds one of some words."""
    if not words:
        return exp.false()
    return exp.In(this=column.copy(), expressions=[sql.text(word) for word in words])


def _troubled(name: str) -> exp.Select:
    state = sql.column("state")
    kept = exp.select(sql.column("key")).from_(sql.table(f"kept_{name}"))
    columns = ("key", "external_id", "state", "digest", "refused")
    return (
        exp.select(*[sql.column(column) for column in columns])
        .from_(sql.table(f"state_{name}"))
        .where(exp.or_(sql.given(sql.column("refused")), among(state, _UNMADE)))
        # What may have been sent is found out by looking, and by nothing else.
        .where(sql.differs(state, sql.text("unknown")))
        .where(sql.absent(sql.column("key"), kept))
    )


def _with_wanted(name: str) -> exp.Select:
    return (
        exp.select(sql.column("key", "t"))
        .from_(sql.table(f"troubled_{name}", "t"))
        .join(
            sql.table(f"wanted_{name}", "w"),
            on=sql.same(sql.column("key", "w"), sql.column("key", "t")),
            join_type="left",
        )
    )


def _is_unmade() -> exp.Expr:
    missing = sql.missing(sql.column("external_id", "t"))
    return exp.and_(missing, among(sql.column("state", "t"), _UNMADE))


def _void(name: str) -> exp.Select:
    nobody = sql.missing(sql.column("key", "w"))
    return _with_wanted(name).where(exp.and_(_is_unmade(), nobody))


def _settled(flow: Flow, *, seen: bool) -> exp.Select:
    name = flow.name
    key, state = sql.column("key", "t"), sql.column("state", "t")
    is_wanted = sql.given(sql.column("key", "w"))
    as_confirmed = sql.same(sql.column("digest", "t"), sql.column("print", "w"))
    in_place = exp.and_(as_confirmed, sql.differs(state, sql.text("suspended")))
    gone = exp.select(sql.column("key")).from_(sql.table(f"missing_{name}"))
    has_left = exp.or_(
        sql.no(among(state, PRESENT[flow.on_exit])), exp.In(this=key.copy(), query=gone.subquery())
    )
    # An exit has no text, and is refused as such.
    last = sql.call("coalesce", sql.column("print", "w"), sql.call("md5", sql.text("")))
    over: exp.Expr = sql.differs(sql.column("refused", "t"), last)
    if seen:
        over = exp.or_(over, sql.no(_is_put_back(name)))
    return (
        _with_wanted(name)
        .where(sql.no(_is_unmade()))
        .where(sql.case([(is_wanted, exp.Paren(this=in_place))], has_left))
        .where(over)
    )


def _is_put_back(name: str) -> exp.Expr:
    """Say that an edit of the copy is to be put back; of a copy that is gone, if it is desired."""
    edits = exp.select(sql.column("key", "r")).from_(sql.table(f"restore_{name}", "r"))
    wanted = exp.select(sql.column("key")).from_(sql.table(f"wanted_{name}"))
    edits = edits.where(
        exp.or_(
            sql.given(sql.column("found", "r")),
            exp.In(this=sql.column("key", "r"), query=wanted.subquery()),
        )
    )
    return exp.In(this=sql.column("key", "t"), query=edits.subquery())

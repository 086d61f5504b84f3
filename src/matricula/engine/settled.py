"""Settled: refusals and waits that have come to an end without anything being sent.

Leaves for flow F two tables of keys, noted only where they hold none. `settled_F`: copies
that a target once refused to change and that are now as they should be, because their owner
went back or nothing is wanted of them any more. `void_F`: links to copies that were never
made and that nobody desires now. What still waits, is kept apart or is uncertain stands in
neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import project, sql
from matricula.engine.workbench import leave_out, run, size, without

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matricula.charter.model import Flow
    from matricula.engine.workbench import Workbench

# Copies in these states are there, and a flow that ends them so has yet to end them.
PRESENT: Mapping[str, Sequence[str]] = {
    "suspend": ("active",),
    "delete": ("active", "suspended"),
    "leave": (),
}
_UNMADE = ("refused", "waiting")


def find_settled(bench: Workbench, flow: Flow, *, desired: exp.Select, seen: bool) -> None:
    """Find the links whose trouble is over.

    Args:
        bench: After `observe` of the flow.
        flow: Which.
        desired: What `project` returned.
        seen: Whether the target was read: only then is it known that an edit is gone which
            it refused to have put back.
    """
    name = flow.name
    leave_out(bench, f"settled_{name}", f"void_{name}")
    troubled = without(bench, _troubled(name), sql.column("key"), f"kept_{name}")
    if not run(bench, sql.create("TABLE", f"troubled_{name}", troubled)):
        return
    keys = sql.keys_in(f"troubled_{name}")
    wanted = desired.where(exp.In(this=sql.column("key", project.GOLDEN), query=keys.subquery()))
    prints = exp.select(
        sql.column("key"), sql.named(sql.call("md5", sql.column("after")), "print")
    )
    prints = prints.from_(wanted.subquery("d"))
    run(bench, sql.create("TABLE", f"wanted_{name}", prints))
    settled = _settled(bench, flow, seen=seen)
    run(bench, sql.create("TABLE", f"settled_{name}", settled))
    run(bench, sql.create("TABLE", f"void_{name}", _void(name)))


def among(column: exp.Expr, words: Sequence[str]) -> exp.Expr:
    """Say that a column holds one of some words."""
    if not words:
        return exp.false()
    return exp.In(this=column.copy(), expressions=[sql.text(word) for word in words])


def _troubled(name: str) -> exp.Select:
    state = sql.column("state")
    columns = ("key", "external_id", "state", "digest", "refused")
    return (
        exp.select(*[sql.column(column) for column in columns])
        .from_(sql.table(f"state_{name}"))
        .where(exp.or_(sql.given(sql.column("refused")), among(state, _UNMADE)))
        # What may have been sent is found out by looking, and by nothing else.
        .where(sql.differs(state, sql.text("unknown")))
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


def _settled(bench: Workbench, flow: Flow, *, seen: bool) -> exp.Select:
    name = flow.name
    key, state = sql.column("key", "t"), sql.column("state", "t")
    is_wanted = sql.given(sql.column("key", "w"))
    as_confirmed = sql.same(sql.column("digest", "t"), sql.column("print", "w"))
    in_place = exp.and_(as_confirmed, sql.differs(state, sql.text("suspended")))
    has_left: exp.Expr = sql.no(among(state, PRESENT[flow.on_exit]))
    if size(bench, f"missing_{name}"):
        gone = sql.keys_in(f"missing_{name}")
        has_left = exp.or_(has_left, exp.In(this=key.copy(), query=gone.subquery()))
    # An exit has no text, and is refused as such.
    last = sql.call("coalesce", sql.column("print", "w"), sql.call("md5", sql.text("")))
    over: exp.Expr = sql.differs(sql.column("refused", "t"), last)
    if seen:
        put_back = bool(size(bench, f"restore_{name}"))
        over = exp.or_(over, sql.no(_is_put_back(name))) if put_back else exp.true()
    return (
        _with_wanted(name)
        .where(sql.no(_is_unmade()))
        .where(sql.case([(is_wanted, exp.Paren(this=in_place))], has_left))
        .where(over)
    )


def _is_put_back(name: str) -> exp.Expr:
    """Say that an edit of the copy is to be put back; of a copy that is gone, if it is desired."""
    edits = exp.select(sql.column("key", "r")).from_(sql.table(f"restore_{name}", "r"))
    wanted = sql.keys_in(f"wanted_{name}")
    edits = edits.where(
        exp.or_(
            sql.given(sql.column("found", "r")),
            exp.In(this=sql.column("key", "r"), query=wanted.subquery()),
        )
    )
    return exp.In(this=sql.column("key", "t"), query=edits.subquery())

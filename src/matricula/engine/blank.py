"""Blank: copies that cannot be made, because nothing would find out whether they are there.

Before a copy is made its target is asked by the match rule. A blank value is nobody's
identifier: to look for it finds strangers, or nobody, and then the copy is made twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import size

if TYPE_CHECKING:
    from collections.abc import Iterator

    from matricula.charter.model import Flow
    from matricula.engine.workbench import Workbench

CODE = "M508"


def unaskable(bench: Workbench, flow: Flow) -> Iterator[exp.Select]:
    """Select the keys to set aside, `key` and `code`; after `observe` and `again_F`.

    Whoever has a copy, or is matched with one that the target shows, is found already. A
    link that is not there yet is waited for, and no blank.
    """
    name = flow.name
    rule = [field for field, expression in flow.match.items() if not expression.link]
    if not rule:
        return
    if size(bench, f"fresh_{name}"):
        yield _among_fresh(flow, rule, met=bool(size(bench, f"met_{name}")))
    remade = flow.on_drift == "restore" and size(bench, f"missing_{name}")
    if remade and size(bench, f"again_{name}"):
        missing = sql.keys_in(f"missing_{name}")
        again = exp.In(this=sql.column("key", "f"), query=missing.subquery())
        yield _coded(f"again_{name}", rule).where(again)


def _among_fresh(flow: Flow, rule: list[str], *, met: bool) -> exp.Select:
    fresh = _coded(f"fresh_{flow.name}", rule)
    external = sql.column("external_id", "f")
    if not met:
        return fresh.where(sql.missing(external))
    gone = sql.call("coalesce", sql.column("gone", "m"), exp.false())
    known = sql.call("coalesce", external, sql.column("external_id", "m"))
    return fresh.join(
        sql.table(f"met_{flow.name}", "m"),
        on=sql.same(sql.column("key", "m"), sql.column("key", "f")),
        join_type="left",
    ).where(exp.or_(sql.missing(known), gone))


def _coded(called: str, rule: list[str]) -> exp.Select:
    blank = [
        sql.same(sql.call("coalesce", _asked(name), sql.text("")), sql.text("")) for name in rule
    ]
    query = exp.select(sql.column("key", "f"), sql.named(sql.text(CODE), "code"))
    return query.from_(sql.table(called, "f")).where(exp.or_(*blank))


def _asked(name: str) -> exp.Expr:
    return sql.call("json_extract_string", sql.column("match", "f"), sql.pointer(name))

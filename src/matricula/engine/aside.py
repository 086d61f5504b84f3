"""Aside: keys about which a plan does nothing for now, with the code that says why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.workbench import add, run, size

if TYPE_CHECKING:
    from matricula.charter.model import Flow
    from matricula.engine.workbench import Workbench


def move_aside(bench: Workbench, flow: Flow, called: str) -> None:
    """Move the keys of a table (`key`, `code`) from `change_F` to `aside_F`; after `diff`."""
    if not size(bench, called):
        return
    told = exp.select(sql.column("key"), sql.column("code")).from_(sql.table(called))
    add(bench, f"aside_{flow.name}", told)
    mine = exp.In(this=sql.column("key"), query=sql.keys_in(called).subquery())
    run(bench, exp.delete(sql.table(f"change_{flow.name}"), where=mine))

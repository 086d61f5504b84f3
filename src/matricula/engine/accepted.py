"""Accepted: what an office lets stand in a copy counts as the value that was confirmed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql
from matricula.engine.aside import move_aside
from matricula.engine.plan import ACCEPTED
from matricula.engine.state import fetch_keys, load_links
from matricula.engine.workbench import register, run, size

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pyarrow as pa

    from matricula.charter.model import Flow
    from matricula.engine.state import Confirmed
    from matricula.engine.workbench import Workbench


def overlook(
    bench: Workbench,
    flow: Flow,
    known: Confirmed,
    accepted: pa.Table,
    look: exp.Select,
) -> exp.Select:
    """Read an accepted value as what was confirmed, and any other as it is.

    Args:
        bench: With `state_F`.
        flow: F.
        known: Asked for the confirmed text of the copies concerned.
        accepted: `key`, `field` and `value`, a JSON object of that field.
        look: Every record of the target: `external_id`, `found` and more.
    """
    name = flow.name
    register(bench, f"accepted_{name}", accepted)
    keys = exp.select(sql.column("key")).distinct().from_(sql.table(f"accepted_{name}"))
    load_links(bench, f"meant_{name}", known.confirmed(name, fetch_keys(bench, keys)))
    words = sorted({str(word) for word in accepted["field"].to_pylist()})
    fields = {field: f"a{n}" for n, field in enumerate(words)}
    run(bench, sql.create("TABLE", f"overlooked_{name}", _by_copy(name, fields)))
    as_meant = sql.json_object(
        (field, _meant(field, fields.get(field)))
        for field, granted in sorted(flow.fields.items())
        if not granted.initially
    )
    found = sql.case(
        [(sql.given(sql.column("confirmed", "o")), as_meant)], sql.column("found", "l")
    )
    columns = [
        sql.named(found, "found") if column == "found" else sql.column(column, "l")
        for column in look.named_selects
    ]
    return (
        exp.select(*columns)
        .from_(look.subquery("l"))
        .join(
            sql.table(f"overlooked_{name}", "o"),
            on=sql.same(sql.column("external_id", "o"), sql.column("external_id", "l")),
            join_type="left",
        )
    )


def _by_copy(name: str, fields: Mapping[str, str]) -> exp.Select:
    """Lay what is accepted of each copy side by side, with what was confirmed."""

    def value(field: str) -> exp.Expr:
        mine = sql.same(sql.column("field", "a"), sql.text(field))
        return exp.Max(this=sql.case([(mine, sql.column("value", "a"))]))

    values = [sql.named(value(field), column) for field, column in fields.items()]
    mine = sql.same(sql.column("key", "s"), sql.column("key", "a"))
    meant = sql.same(sql.column("key", "c"), sql.column("key", "a"))
    return (
        exp.select(sql.column("external_id", "s"), sql.column("confirmed", "c"), *values)
        .from_(sql.table(f"accepted_{name}", "a"))
        .join(sql.table(f"state_{name}", "s"), on=mine)
        .join(sql.table(f"meant_{name}", "c"), on=meant)
        .group_by("1", "2")
    )


def _meant(field: str, column: str | None) -> exp.Expr:
    here = sql.json_value(sql.column("found", "l"), field)
    if column is None:
        return here
    lets = sql.json_value(sql.column(column, "o"), field)
    same = sql.same(sql.cast(here, "VARCHAR"), sql.cast(lets, "VARCHAR"))
    return sql.case([(same, sql.json_value(sql.column("confirmed", "o"), field))], here.copy())


def set_aside(bench: Workbench, flow: Flow, accepted: pa.Table | None) -> None:
    """Move updates of nothing but accepted fields from `change_F` to `aside_F`; after `diff`.

    What their owner says by now is sent when the edit is accepted no longer.
    """
    change = f"change_{flow.name}"
    if not accepted or not size(bench, change):
        return
    let = f"let_{flow.name}"
    register(bench, let, accepted)
    fields = sql.call("list", sql.column("field", "a"))
    query = (
        exp.select(sql.column("key", "c"), sql.named(sql.text(ACCEPTED), "code"))
        .from_(sql.table(change, "c"))
        .join(sql.table(let, "a"), on=sql.same(sql.column("key", "a"), sql.column("key", "c")))
        .where(sql.same(sql.column("kind", "c"), sql.text("update")))
        .group_by(sql.column("key", "c"), sql.column("fields", "c"))
        .having(sql.call("list_has_all", fields, sql.column("fields", "c")))
    )
    let_stand = f"lets_{flow.name}"
    run(bench, sql.create("TABLE", let_stand, query))
    bench.unregister(let)
    if size(bench, f"drift_{flow.name}"):
        _put_back(bench, flow, let_stand)
    move_aside(bench, flow, let_stand)


def _put_back(bench: Workbench, flow: Flow, let_stand: str) -> None:
    """Copies that were edited once more, away from what is accepted, are to hold that again."""
    edited = sql.keys_in(f"drift_{flow.name}")
    again = exp.In(this=sql.column("key"), query=edited.subquery())
    keys = sql.keys_in(let_stand).where(again)
    mine = exp.In(this=sql.column("key"), query=keys.subquery())
    restore: dict[str, object] = {"kind": sql.text("restore")}
    run(bench, exp.update(sql.table(f"change_{flow.name}"), restore, where=mine))
    run(bench, exp.delete(sql.table(let_stand), where=again.copy()))

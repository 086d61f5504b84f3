"""Diff: desired against confirmed is work; confirmed against observed is drift.

Leaves for flow F the table `change_F`: `key`, `kind`, `external_id`, `before` and `after`
(canonical JSON or null), `initial`, `match`, `waits`, `fields` (names that differ). Kinds:
create, update, suspend, resume, delete, restore (put an edited copy back), match (a copy
that already existed and already agrees: only the link is recorded). `drift_F` holds `key`,
`external_id`, `delivered` (what the target confirmed), `found` (null: the copy is gone) and
`fields`. `aside_F` holds keys not planned, with the `code` that says why.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import observe, sql
from matricula.engine.state import fetch_keys, load_links
from matricula.engine.workbench import number, run

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from matricula.charter.model import Flow
    from matricula.engine.state import Confirmed

_STATE = "s"
_DESIRED = "d"


def diff(
    connection: duckdb.DuckDBPyConnection, flow: Flow, known: Confirmed, *, seen: pa.Schema | None
) -> None:
    """Find what is to be done about every copy of a flow.

    Args:
        connection: After `project` of the flow; `state_F` is there, `seen_F` (the target's
            own reading) where `seen` is given.
        flow: Which.
        known: Asked for the confirmed text of the copies that differ, of no others.
        seen: The schema of the target's reading, or None when it was not read.
    """
    name = flow.name
    run(connection, sql.create("TABLE", f"fresh_{name}", _fresh(name)))
    run(connection, sql.create("TABLE", f"exit_{name}", _exits(flow)))
    observe.observe(connection, flow, known, seen=seen)
    keys = exp.union(_keys(f"fresh_{name}"), _keys(f"exit_{name}"), distinct=True)
    load_links(connection, f"before_{name}", known.confirmed(name, fetch_keys(connection, keys)))
    run(connection, sql.create("TABLE", f"aside_{name}", _aside(flow)))
    run(connection, sql.create("TABLE", f"change_{name}", _changes(flow)))


def _keys(called: str) -> exp.Select:
    return exp.select(sql.column("key")).from_(sql.table(called))


def _fresh(name: str) -> exp.Select:
    """Desired rows that the target has not confirmed as they now are."""
    state = sql.column("state", _STATE)
    fingerprint = sql.call("md5", sql.column("after", _DESIRED))
    columns = [
        sql.column(field, _DESIRED) for field in ("key", "after", "initial", "match", "waits")
    ]
    return (
        exp.select(
            *columns,
            sql.column("external_id", _STATE),
            state,
            sql.named(sql.call("coalesce", sql.column("retry", _STATE), exp.false()), "retry"),
            sql.column("refused", _STATE),
        )
        .from_(sql.table(f"desired_{name}", _DESIRED))
        .join(
            sql.table(f"state_{name}", _STATE),
            on=sql.same(sql.column("key", _STATE), sql.column("key", _DESIRED)),
            join_type="left",
        )
        .where(
            exp.or_(
                sql.differs(sql.column("digest", _STATE), fingerprint),
                sql.differs(state, sql.text("active")),
            )
        )
    )


def _exits(flow: Flow) -> exp.Select:
    """Copies that are there and no longer desired, unless they are to be left."""
    name = flow.name
    wanted = exp.union(_keys(f"desired_{name}"), _keys(f"kept_{name}"), distinct=False)
    present = ["active"] if flow.on_exit == "suspend" else ["active", "suspended"]
    query = (
        exp.select(sql.column("key"), sql.column("external_id"), sql.column("state"))
        .from_(sql.table(f"state_{name}"))
        .where(exp.In(this=sql.column("state"), expressions=[sql.text(word) for word in present]))
        .where(sql.given(sql.column("external_id")))
        .where(sql.no(exp.In(this=sql.column("key"), query=wanted.subquery())))
    )
    return query.where(exp.false()) if flow.on_exit == "leave" else query


def _refused(of: str) -> exp.Expr:
    unchanged = sql.same(sql.column("refused", of), sql.call("md5", sql.column("after", of)))
    return exp.and_(unchanged, sql.no(sql.column("retry", of)))


def _aside(flow: Flow) -> exp.Query:
    """Keys that are not planned now, and why."""
    kept = exp.select(sql.column("key"), sql.column("code")).from_(sql.table(f"kept_{flow.name}"))
    fresh = sql.table(f"fresh_{flow.name}", "f")
    refused = (
        exp.select(sql.column("key"), sql.named(sql.text("M650"), "code"))
        .from_(fresh)
        .where(_refused("f"))
    )
    unknown = (
        exp.select(sql.column("key"), sql.named(sql.text("M651"), "code"))
        .from_(fresh.copy())
        .where(sql.same(sql.column("state", "f"), sql.text("unknown")))
    )
    doubtful = exp.select(sql.column("key"), sql.named(sql.text("M505"), "code")).from_(
        sql.table(f"doubtful_{flow.name}")
    )
    gone = exp.select(sql.column("key"), sql.named(sql.text("M506"), "code")).from_(
        sql.table(f"missing_{flow.name}")
    )
    gone = gone if flow.on_drift != "restore" else gone.where(exp.false())
    query: exp.Query = kept
    for part in (refused, unknown, doubtful, gone):
        query = exp.union(query, part, distinct=True)
    return query


def _changes(flow: Flow) -> exp.Select:
    worked = exp.union(
        exp.union(_wanted(flow), _leaving(flow), distinct=False), _restored(flow), distinct=False
    )
    query = exp.select(exp.Star()).from_(worked.subquery("c"))
    # An update whose fields all agree (a charter that only reordered them) is no change.
    idle = exp.and_(
        sql.same(sql.column("kind"), sql.text("update")),
        sql.same(sql.call("len", sql.column("fields")), exp.Literal.number(0)),
    )
    return query.where(sql.no(idle))


def _wanted(flow: Flow) -> exp.Select:
    """Creates, updates, resumes and matches."""
    name = flow.name
    found = sql.column("external_id", "m")
    missing_copy = sql.given(sql.column("key", "x"))
    external = sql.case(
        [(missing_copy, exp.null())],
        sql.call("coalesce", sql.column("external_id", "f"), found),
    )
    before = sql.case(
        [(missing_copy, exp.null())],
        sql.call(
            "coalesce",
            sql.column("found", "r"),
            sql.column("confirmed", "b"),
            sql.column("found", "m"),
        ),
    )
    agrees = exp.and_(
        sql.given(found), sql.same(sql.column("found", "m"), sql.column("after", "f"))
    )
    kind = sql.case(
        [
            (sql.missing(external), sql.text("create")),
            (sql.same(sql.column("state", "f"), sql.text("suspended")), sql.text("resume")),
            (agrees, sql.text("match")),
            (exp.and_(sql.given(found), sql.column("suspended", "m")), sql.text("resume")),
        ],
        sql.text("update"),
    )
    after = sql.column("after", "f")
    query = exp.select(
        sql.column("key", "f"),
        sql.named(kind, "kind"),
        sql.named(external, "external_id"),
        sql.named(before, "before"),
        after,
        sql.named(sql.case([(sql.missing(external), sql.column("initial", "f"))]), "initial"),
        sql.column("match", "f"),
        sql.column("waits", "f"),
        sql.named(_differing(flow, before, after), "fields"),
    ).from_(sql.table(f"fresh_{name}", "f"))
    for called, alias in (("before", "b"), ("matched", "m"), ("missing", "x"), ("restore", "r")):
        query = query.join(
            sql.table(f"{called}_{name}", alias),
            on=sql.same(sql.column("key", alias), sql.column("key", "f")),
            join_type="left",
        )
    aside = exp.select(sql.column("key")).from_(sql.table(f"aside_{name}"))
    return query.where(sql.no(exp.In(this=sql.column("key", "f"), query=aside.subquery())))


def _leaving(flow: Flow) -> exp.Select:
    name = flow.name
    nothing = sql.cast(exp.null(), "VARCHAR")
    return (
        exp.select(
            sql.column("key", "e"),
            sql.named(sql.text("delete" if flow.on_exit == "delete" else "suspend"), "kind"),
            sql.column("external_id", "e"),
            sql.named(sql.column("confirmed", "b"), "before"),
            *[sql.named(nothing, n) for n in ("after", "initial", "match", "waits")],
            sql.named(exp.cast(exp.array(), "VARCHAR[]"), "fields"),
        )
        .from_(sql.table(f"exit_{name}", "e"))
        .join(
            sql.table(f"before_{name}", "b"),
            on=sql.same(sql.column("key", "b"), sql.column("key", "e")),
            join_type="left",
        )
        .where(
            exp.Not(
                this=exp.In(this=sql.column("key", "e"), query=_keys(f"missing_{name}").subquery())
            )
        )
    )


def _restored(flow: Flow) -> exp.Select:
    """Edited copies whose desired state has not changed: put them back."""
    name = flow.name
    nothing = sql.cast(exp.null(), "VARCHAR")
    gone = sql.missing(sql.column("found", "r"))
    worked = exp.union(_keys(f"fresh_{name}"), _keys(f"exit_{name}"), distinct=False)
    return (
        exp.select(
            sql.column("key", "r"),
            sql.named(sql.case([(gone, sql.text("create"))], sql.text("restore")), "kind"),
            sql.named(sql.case([(gone, nothing)], sql.column("external_id", "r")), "external_id"),
            sql.named(sql.column("found", "r"), "before"),
            sql.column("after", "d"),
            sql.named(sql.case([(gone, sql.column("initial", "d"))]), "initial"),
            sql.column("match", "d"),
            sql.column("waits", "d"),
            sql.column("fields", "r"),
        )
        .from_(sql.table(f"restore_{name}", "r"))
        .join(
            sql.table(f"desired_{name}", "d"),
            on=sql.same(sql.column("key", "d"), sql.column("key", "r")),
        )
        .where(sql.no(exp.In(this=sql.column("key", "r"), query=worked.subquery())))
    )


def _differing(flow: Flow, before: exp.Expr, after: exp.Expr) -> exp.Expr:
    return observe.differing(
        [n for n, f in sorted(flow.fields.items()) if not f.initially], before, after
    )


def unchanged(connection: duckdb.DuckDBPyConnection, flow: Flow) -> int:
    """Count the copies that are desired and already as they should be."""
    exits = [sql.text(kind) for kind in ("suspend", "delete")]
    stays = sql.no(exp.In(this=sql.column("kind"), expressions=exits))
    desired = exp.In(this=sql.column("key"), query=_keys(f"desired_{flow.name}").subquery())
    worked = number(connection, _count(f"change_{flow.name}").where(stays))
    aside = exp.select(exp.Count(this=exp.Distinct(expressions=[sql.column("key")])))
    aside = aside.from_(sql.table(f"aside_{flow.name}")).where(desired)
    return number(connection, _count(f"desired_{flow.name}")) - worked - number(connection, aside)


def _count(called: str) -> exp.Select:
    return exp.select(exp.Count(this=exp.Star())).from_(sql.table(called))

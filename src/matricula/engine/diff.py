"""Diff: desired against confirmed is work; confirmed against observed is drift.

Leaves for flow F the table `change_F`: `key`, `kind`, `external_id`, `before` and `after`
(canonical JSON or null), `initial`, `match`, `waits`, `fields` (names that differ). Kinds:
create, update, suspend, resume, delete, restore (put an edited copy back), match (a copy
that already existed and already agrees: only the link is recorded). `drift_F` holds `key`,
`external_id`, `delivered` (what the target confirmed), `found` (null: the copy is gone) and
`fields`. `aside_F` holds keys not planned, with the `code` that says why. `settled_F` and
`void_F` are those of `matricula.engine.settled`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import blank, observe, project, settled, sql
from matricula.engine.moved import find_moved, in_moved
from matricula.engine.plan import ACCEPTED
from matricula.engine.state import fetch_keys, load_links
from matricula.engine.workbench import number, run

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from matricula.charter.model import Flow
    from matricula.engine.state import Confirmed

_DESIRED = ("after", "initial", "match", "waits")
_STATE = ("external_id", "state", "refused", "retry")


def diff(
    connection: duckdb.DuckDBPyConnection,
    flow: Flow,
    known: Confirmed,
    *,
    desired: exp.Select,
    seen: pa.Schema | None,
    accepted: pa.Table | None = None,
) -> None:
    """Find what is to be done about every copy of a flow.

    Args:
        connection: After `project` of the flow; `state_F` is there, `seen_F` (the target's
            own reading) where `seen` is given.
        flow: Which.
        desired: What `project` returned: a condition added to it holds before the
            expressions are computed; one on `desired_F` would only hold after.
        known: Asked for the confirmed text of the copies that differ, of no others.
        seen: The schema of the target's reading, or None when it was not read.
        accepted: Edits that are let stand: `key`, `field` and `value`.
    """
    name = flow.name
    find_moved(connection, f"moved_{name}", *_sides(name))
    run(connection, sql.create("TABLE", f"stale_{name}", _stale(flow, desired)))
    run(connection, sql.create("TABLE", f"delta_{name}", _delta(name)))
    _forget(connection, f"stale_{name}")
    run(connection, sql.create("VIEW", f"fresh_{name}", _part(name, desired=True)))
    run(connection, sql.create("TABLE", f"exit_{name}", _exits(name)))
    observe.observe(connection, flow, known, seen=seen, accepted=accepted)
    settled.find_settled(connection, flow, desired=desired, seen=seen is not None)
    again = _again(name, desired)
    if not number(connection, sql.count(f"drift_{name}")):
        again = again.where(exp.false())
    run(connection, sql.create("TABLE", f"again_{name}", again))
    run(connection, sql.create("TABLE", f"shared_{name}", _shared(name)))
    there = _keys(f"delta_{name}").where(sql.given(sql.column("state")))
    load_links(connection, f"before_{name}", known.confirmed(name, fetch_keys(connection, there)))
    run(connection, sql.create("TABLE", f"aside_{name}", _aside(flow)))
    run(connection, sql.create("TABLE", f"change_{name}", _settled(flow, _wanted(flow))))
    # One after the other: all at once would hold the memory of all their joins.
    for source, query in _others(flow):
        if number(connection, sql.count(f"{source}_{name}")):
            target = sql.table(f"change_{name}")
            run(connection, exp.insert(_settled(flow, query), target))
    # Each holds the text of all that is to be done, and so does what was made of them.
    _forget(connection, f"again_{name}", f"exit_{name}", f"delta_{name}")


def _forget(connection: duckdb.DuckDBPyConnection, *tables: str) -> None:
    for called in tables:
        run(connection, exp.Drop(tables=[sql.table(called)], kind="TABLE"))


def _keys(called: str) -> exp.Select:
    return exp.select(sql.column("key")).from_(sql.table(called))


def _sides(name: str) -> tuple[exp.Select, exp.Select]:
    """Select what is desired and what targets have confirmed: equal where nothing is to do."""
    told = sql.call("md5", sql.column("after"))
    wanted = exp.select(sql.column("key"), sql.named(told, "print"))
    had = exp.select(sql.column("key"), sql.named(sql.column("digest"), "print"))
    active = sql.same(sql.column("state"), sql.text("active"))
    return (
        wanted.from_(sql.table(f"desired_{name}")),
        had.from_(sql.table(f"state_{name}")).where(active),
    )


def _stale(flow: Flow, desired: exp.Select) -> exp.Select:
    """Everything that is not as it should be, looked for where the two sides differ.

    Desired rows that the target has not confirmed as they now are, and copies that are
    there and no longer desired, unless they are to be left.
    """
    moved = f"moved_{flow.name}"
    wanted, known = sql.column("key", "d"), sql.column("key", "s")
    state = sql.column("state", "s")
    stale = exp.or_(
        sql.differs(sql.column("digest", "s"), sql.call("md5", sql.column("after", "d"))),
        sql.differs(state, sql.text("active")),
    )
    leaves = settled.among(state, settled.PRESENT[flow.on_exit])
    inside = in_moved(sql.column("key"), moved)
    if flow.on_exit == "delete":
        # Nobody desires them and no sum holds them, but they are to go all the same.
        inside = exp.or_(inside, sql.same(sql.column("state"), sql.text("suspended")))
    had = exp.select(*[sql.column(column) for column in ("key", "state", "digest")])
    had = had.from_(sql.table(f"state_{flow.name}")).where(inside)
    return (
        exp.select(
            sql.named(sql.call("coalesce", wanted, known), "key"),
            sql.named(sql.given(wanted), "is_desired"),
            *[sql.column(column, "d") for column in _DESIRED],
        )
        .from_(desired.where(in_moved(sql.column("key", project.GOLDEN), moved)).subquery("d"))
        .join(had.subquery("s"), on=sql.same(wanted, known), join_type="full")
        .where(sql.case([(sql.given(wanted), exp.Paren(this=stale))], leaves))
    )


def _delta(name: str) -> exp.Select:
    """Add what is known of their copies; what has no copy in the target cannot leave it."""
    leaves = exp.and_(
        sql.no(sql.column("is_desired", "d")), sql.missing(sql.column("external_id", "s"))
    )
    stale = exp.In(this=sql.column("key"), query=_keys(f"stale_{name}").subquery())
    known = exp.select(exp.Star()).from_(sql.table(f"state_{name}")).where(stale)
    return (
        exp.select(
            *[sql.column(column, "d") for column in ("key", "is_desired", *_DESIRED)],
            *[sql.column(column, "s") for column in _STATE],
        )
        .from_(sql.table(f"stale_{name}", "d"))
        .join(
            known.subquery("s"),
            on=sql.same(sql.column("key", "s"), sql.column("key", "d")),
            join_type="left",
        )
        .where(sql.no(leaves))
    )


def _part(name: str, *, desired: bool) -> exp.Select:
    is_desired = sql.column("is_desired")
    query = exp.select(exp.Star()).from_(sql.table(f"delta_{name}"))
    return query.where(is_desired if desired else sql.no(is_desired))


def _exits(name: str) -> exp.Select:
    kept = _keys(f"kept_{name}")
    return _part(name, desired=False).where(sql.absent(sql.column("key"), kept))


def _again(name: str, desired: exp.Select) -> exp.Select:
    """What is desired for copies that were edited; drift alone does not make work."""
    edited = exp.In(
        this=sql.column("key", project.GOLDEN), query=_keys(f"drift_{name}").subquery()
    )
    columns = [sql.column(column, "d") for column in ("key", *_DESIRED)]
    return (
        exp.select(*columns, *[sql.column(column, "s") for column in _STATE])
        .from_(sql.table(f"state_{name}", "s"))
        .join(
            desired.where(edited).subquery("d"),
            on=sql.same(sql.column("key", "s"), sql.column("key", "d")),
        )
    )


def _shared(name: str) -> exp.Select:
    """Keys that are to change and whose copy is another key's as well."""
    external = sql.column("external_id")
    moving = exp.union(
        exp.select(external).from_(sql.table(f"delta_{name}")),
        exp.select(external).from_(sql.table(f"drift_{name}")),
        distinct=True,
    )
    several = (
        exp.select(external)
        .from_(sql.table(f"state_{name}"))
        .where(exp.In(this=external.copy(), query=moving.subquery()))
        .group_by(external)
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )
    return _keys(f"state_{name}").where(exp.In(this=external.copy(), query=several.subquery()))


def _refused(of: str, text: exp.Expr) -> exp.Expr:
    unchanged = sql.same(sql.column("refused", of), sql.call("md5", text))
    waiting = sql.no(sql.call("coalesce", sql.column("retry", of), exp.false()))
    return exp.and_(unchanged, waiting)


def _aside(flow: Flow) -> exp.Query:
    """Keys that are not planned now, and why."""
    name = flow.name
    # What the target refused last is not sent again before it is due. An exit has no text.
    refused = [
        _refusal(called).where(_refused(called, text))
        for called, text in (
            (f"fresh_{name}", sql.column("after")),
            (f"again_{name}", sql.column("after")),
            (f"exit_{name}", sql.text("")),
        )
    ]
    unknown = _coded(f"fresh_{name}", "M651").where(
        sql.same(sql.column("state"), sql.text("unknown"))
    )
    wanted = _keys(f"again_{name}").subquery()
    gone = _coded(f"missing_{name}", "M506").where(exp.In(this=sql.column("key"), query=wanted))
    query: exp.Query = exp.select(sql.column("key"), sql.column("code")).from_(
        sql.table(f"kept_{name}")
    )
    parts = [*refused, unknown, _coded(f"doubtful_{name}", "M505")]
    parts += [_coded(f"shared_{name}", "M505"), *blank.unaskable(flow)]
    for part in parts if flow.on_drift == "restore" else [*parts, gone]:
        query = exp.union(query, part, distinct=True)
    return query


def _coded(called: str, code: str) -> exp.Select:
    return _told(called, sql.text(code))


def _refusal(called: str) -> exp.Select:
    accepted = sql.missing(sql.column("retry"))
    return _told(called, sql.case([(accepted, sql.text(ACCEPTED))], sql.text("M650")))


def _told(called: str, code: exp.Expr) -> exp.Select:
    query = exp.select(sql.column("key"), sql.named(code, "code"))
    return query.from_(sql.table(called, called))


def _others(flow: Flow) -> list[tuple[str, exp.Select]]:
    """List what may have to be done besides what is wanted, by the table it comes from."""
    others = [("exit", _leaving(flow)), ("restore", _restored(flow))]
    if flow.on_exit == "suspend":
        others.append(("restore", _put_back_to_sleep(flow)))
    return others


def _settled(flow: Flow, query: exp.Select) -> exp.Select:
    # An update whose fields all agree (a charter that grants one less) is no change.
    idle = exp.and_(
        sql.same(sql.column("kind"), sql.text("update")),
        sql.same(sql.call("len", sql.column("fields")), exp.Literal.number(0)),
    )
    chosen = exp.select(exp.Star()).from_(query.subquery("c")).where(sql.no(idle))
    return chosen.where(sql.absent(sql.column("key"), _keys(f"aside_{flow.name}")))


def _wanted(flow: Flow) -> exp.Select:
    """Creates, updates, resumes and matches."""
    name = flow.name
    gone = sql.call("coalesce", sql.column("gone", "m"), exp.false())
    external = sql.case(
        [(gone, exp.null())],
        sql.call("coalesce", sql.column("external_id", "f"), sql.column("external_id", "m")),
    )
    known = [sql.column("edited", "m"), sql.column("confirmed", "b"), sql.column("found", "m")]
    before = sql.case([(gone, exp.null())], sql.call("coalesce", *known))
    after = sql.column("after", "f")
    query = exp.select(
        sql.column("key", "f"),
        sql.named(_kind(external), "kind"),
        sql.named(external, "external_id"),
        sql.named(before, "before"),
        after,
        sql.named(sql.case([(sql.missing(external), sql.column("initial", "f"))]), "initial"),
        sql.column("match", "f"),
        sql.column("waits", "f"),
        sql.named(_differing(flow, before, after), "fields"),
    ).from_(sql.table(f"fresh_{name}", "f"))
    for called, alias in (("before", "b"), ("met", "m")):
        query = query.join(
            sql.table(f"{called}_{name}", alias),
            on=sql.same(sql.column("key", alias), sql.column("key", "f")),
            join_type="left",
        )
    return query


def _kind(external: exp.Expr) -> exp.Expr:
    """Say what is to be done about a desired row, by what is known of its copy."""
    state, after = sql.column("state", "f"), sql.column("after", "f")
    asleep = exp.or_(sql.same(state, sql.text("suspended")), sql.column("suspended", "m"))
    agrees = sql.same(sql.column("found", "m"), after)
    return sql.case(
        [
            (sql.missing(external), sql.text("create")),
            (asleep, sql.text("resume")),
            (agrees, sql.text("match")),
        ],
        sql.text("update"),
    )


def _leaving(flow: Flow) -> exp.Select:
    name = flow.name
    kind = "delete" if flow.on_exit == "delete" else "suspend"
    return (
        _away("e", kind, sql.column("confirmed", "b"))
        .from_(sql.table(f"exit_{name}", "e"))
        .join(
            sql.table(f"before_{name}", "b"),
            on=sql.same(sql.column("key", "b"), sql.column("key", "e")),
            join_type="left",
        )
        .where(sql.absent(sql.column("key", "e"), _keys(f"missing_{name}")))
    )


def _away(of: str, kind: str, before: exp.Expr) -> exp.Select:
    nothing = sql.cast(exp.null(), "VARCHAR")
    return exp.select(
        sql.column("key", of),
        sql.named(sql.text(kind), "kind"),
        sql.column("external_id", of),
        sql.named(before, "before"),
        *[sql.named(nothing, column) for column in _DESIRED],
        sql.named(exp.cast(exp.array(), "VARCHAR[]"), "fields"),
    )


def _put_back_to_sleep(flow: Flow) -> exp.Select:
    """Copies of leavers that somebody woke in the target: only a desired copy is awake."""
    name = flow.name
    worked = exp.union(_keys(f"again_{name}"), _keys(f"exit_{name}"), distinct=False)
    worked = exp.union(worked, _keys(f"kept_{name}"), distinct=False)
    woken = sql.call("list_contains", sql.column("fields", "r"), sql.text("_suspended"))
    return (
        _away("r", "suspend", sql.column("found", "r"))
        .from_(sql.table(f"restore_{name}", "r"))
        .where(woken)
        .where(sql.absent(sql.column("key", "r"), worked))
    )


def _restored(flow: Flow) -> exp.Select:
    """Edited copies whose desired state has not changed: put them back."""
    name = flow.name
    gone = sql.missing(sql.column("found", "r"))
    nothing = sql.cast(exp.null(), "VARCHAR")
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
            sql.named(_as_created(flow, gone), "fields"),
        )
        .from_(sql.table(f"restore_{name}", "r"))
        .join(
            sql.table(f"again_{name}", "d"),
            on=sql.same(sql.column("key", "d"), sql.column("key", "r")),
        )
        .where(sql.absent(sql.column("key", "r"), _keys(f"fresh_{name}")))
    )


def _as_created(flow: Flow, gone: exp.Expr) -> exp.Expr:
    every = _differing(flow, sql.cast(exp.null(), "VARCHAR"), sql.column("after", "d"))
    return sql.case([(gone, every)], sql.column("fields", "r"))


def _differing(flow: Flow, before: exp.Expr, after: exp.Expr) -> exp.Expr:
    return observe.differing(
        [n for n, f in sorted(flow.fields.items()) if not f.initially], before, after
    )


def unchanged(connection: duckdb.DuckDBPyConnection, flow: Flow) -> int:
    """Count the copies that are desired and already as they should be."""
    exits = [sql.text(kind) for kind in ("suspend", "delete")]
    stays = sql.no(exp.In(this=sql.column("kind"), expressions=exits))
    worked = number(connection, sql.count(f"change_{flow.name}").where(stays))
    desired = sql.count(f"desired_{flow.name}")
    aside = exp.In(this=sql.column("key"), query=_keys(f"aside_{flow.name}").subquery())
    return number(connection, desired) - worked - number(connection, desired.copy().where(aside))

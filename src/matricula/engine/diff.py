"""Diff: desired against confirmed is work; confirmed against observed is drift.

Leaves for flow F the table `change_F`: `key`, `kind`, `external_id`, `before` and `after`
(canonical JSON or null), `initial`, `match`, `waits`, `fields` (names that differ). Kinds:
create, update, suspend, resume, delete, restore (put an edited copy back), match (a copy
that already existed and already agrees: only the link is recorded). `drift_F` holds `key`,
`external_id`, `delivered` (what the target confirmed), `found` (null: the copy is gone) and
`fields`. `aside_F` holds keys not planned, with the `code` that says why. `settled_F` and
`void_F` are those of `matricula.engine.settled`. A table that would hold nothing is noted only.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import blank, changes, observe, project, settled, sql
from matricula.engine.changes import DESIRED
from matricula.engine.moved import are_few, find_moved, in_moved
from matricula.engine.plan import ACCEPTED
from matricula.engine.state import fetch_keys, load_links
from matricula.engine.workbench import leave_out, number, run, size, without

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import pyarrow as pa

    from matricula.charter.model import Flow
    from matricula.engine.state import Confirmed
    from matricula.engine.workbench import Workbench

_STATE = ("external_id", "state", "refused", "retry")
_LEFT = ("delta", "fresh", "exit", "again", "shared", "before", "aside", "change")


def diff(
    bench: Workbench,
    flow: Flow,
    known: Confirmed,
    *,
    desired: exp.Select,
    seen: pa.Schema | None,
    accepted: pa.Table | None = None,
) -> None:
    """Find what is to be done about every copy of a flow.

    Args:
        bench: After `project` of the flow; `state_F` is there, `seen_F` (the target's
            own reading) where `seen` is given.
        flow: Which.
        desired: What `project` returned: a condition added to it holds before the
            expressions are computed; one on `desired_F` would only hold after.
        known: Asked for the confirmed text of the copies that differ, of no others.
        seen: The schema of the target's reading, or None when it was not read.
        accepted: Edits that are let stand: `key`, `field` and `value`.
    """
    name = flow.name
    leave_out(bench, *(f"{called}_{name}" for called in _LEFT))
    few = are_few(bench, f"golden_{flow.entity}", f"state_{name}")
    if find_moved(bench, f"moved_{name}", *_sides(flow, desired), few=few):
        _find_delta(bench, flow, desired, few=few)
    observe.observe(bench, flow, known, seen=seen, accepted=accepted)
    settled.find_settled(bench, flow, desired=desired, seen=seen is not None)
    if size(bench, f"drift_{name}"):
        run(bench, sql.create("TABLE", f"again_{name}", _again(name, desired)))
    moving = [called for called in ("delta", "drift") if size(bench, f"{called}_{name}")]
    if moving:
        run(bench, sql.create("TABLE", f"shared_{name}", _shared(name, moving)))
    if size(bench, f"delta_{name}"):
        _fetch_before(bench, name, known)
    aside = list(_aside(bench, flow))
    if aside:
        run(bench, sql.create("TABLE", f"aside_{name}", sql.union(aside)))
    changes.gather_changes(bench, flow)
    # Each holds the text of all that is to be done, and so does what was made of them.
    _forget(bench, f"again_{name}", f"exit_{name}", f"delta_{name}")
    # A view of what is gone now.
    leave_out(bench, f"fresh_{name}")


def _find_delta(bench: Workbench, flow: Flow, desired: exp.Select, *, few: bool) -> None:
    """Leave what differs, in two parts: what is desired and what is not."""
    name = flow.name
    if run(bench, sql.create("TABLE", f"delta_{name}", _delta(flow, desired, few=few))):
        fresh = _part(name, desired=True)
        bench.sizes[f"fresh_{name}"] = number(
            bench, sql.count(f"delta_{name}").where(sql.column("is_desired"))
        )
        run(bench, sql.create("VIEW", f"fresh_{name}", fresh))
    if size(bench, f"fresh_{name}") < size(bench, f"delta_{name}"):
        exits = _part(name, desired=False)
        exits = without(bench, exits, sql.column("key"), f"kept_{name}")
        run(bench, sql.create("TABLE", f"exit_{name}", exits))


def _fetch_before(bench: Workbench, name: str, known: Confirmed) -> None:
    there = fetch_keys(bench, sql.keys_in(f"delta_{name}").where(sql.given(sql.column("state"))))
    if there.num_rows:
        load_links(bench, f"before_{name}", known.confirmed(name, there))
        bench.sizes[f"before_{name}"] = there.num_rows


def _forget(bench: Workbench, *tables: str) -> None:
    for called in tables:
        if size(bench, called):
            run(bench, sql.drop(called))


def _sides(flow: Flow, desired: exp.Select) -> tuple[exp.Select, exp.Select]:
    """Select what is desired and what targets have confirmed: equal where nothing is to do."""
    told = sql.call("md5", sql.column("after"))
    wanted = exp.select(sql.column("key"), sql.named(told, "print"))
    state = sql.column("state")
    as_active = sql.case(
        [(sql.same(state, sql.text("active")), sql.column("digest"))], sql.text("")
    )
    had = exp.select(sql.column("key"), sql.named(as_active, "print"))
    # Who sleeps is never as desired, and where copies are deleted is to go all the same.
    there = ("active", "suspended") if flow.on_exit == "delete" else ("active",)
    return (
        wanted.from_(desired.subquery("d")),
        had.from_(sql.table(f"state_{flow.name}")).where(settled.among(state, there)),
    )


def _delta(flow: Flow, desired: exp.Select, *, few: bool) -> exp.Select:
    """Everything that is not as it should be, looked for where the two sides differ.

    Desired rows that the target has not confirmed as they now are, and copies that are
    there and no longer desired, unless they are to be left; what has no copy in the target
    cannot leave it.
    """
    had = exp.select(*[sql.column(column) for column in ("key", "digest", *_STATE)])
    had = had.from_(sql.table(f"state_{flow.name}"))
    # Of what is as it was, nothing further is computed: it could not be refused for that.
    moved = f"moved_{flow.name}"
    had = had.where(in_moved(sql.column("key"), moved, few=few))
    wanted_rows = desired.where(in_moved(sql.column("key", project.GOLDEN), moved, few=few))
    wanted, known = sql.column("key", "d"), sql.column("key", "s")
    state = sql.column("state", "s")
    stale = exp.or_(
        sql.differs(sql.column("digest", "s"), sql.call("md5", sql.column("after", "d"))),
        sql.differs(state, sql.text("active")),
    )
    there = sql.given(sql.column("external_id", "s"))
    leaves = exp.and_(there, settled.among(state, settled.PRESENT[flow.on_exit]))
    return (
        exp.select(
            sql.named(sql.call("coalesce", wanted, known), "key"),
            sql.named(sql.given(wanted), "is_desired"),
            *[sql.column(column, "d") for column in DESIRED],
            *[sql.column(column, "s") for column in _STATE],
        )
        .from_(wanted_rows.subquery("d"))
        .join(had.subquery("s"), on=sql.same(wanted, known), join_type="full")
        .where(sql.case([(sql.given(wanted), exp.Paren(this=stale))], leaves))
    )


def _part(name: str, *, desired: bool) -> exp.Select:
    is_desired = sql.column("is_desired")
    query = exp.select(exp.Star()).from_(sql.table(f"delta_{name}"))
    return query.where(is_desired if desired else sql.no(is_desired))


def _again(name: str, desired: exp.Select) -> exp.Select:
    """What is desired for copies that were edited; drift alone does not make work."""
    edited = exp.In(
        this=sql.column("key", project.GOLDEN), query=sql.keys_in(f"drift_{name}").subquery()
    )
    columns = [sql.column(column, "d") for column in ("key", *DESIRED)]
    return (
        exp.select(*columns, *[sql.column(column, "s") for column in _STATE])
        .from_(sql.table(f"state_{name}", "s"))
        .join(
            desired.where(edited).subquery("d"),
            on=sql.same(sql.column("key", "s"), sql.column("key", "d")),
        )
    )


def _shared(name: str, moving: Sequence[str]) -> exp.Select:
    """Keys that are to change and whose copy is another key's as well."""
    external = sql.column("external_id")
    parts = [exp.select(external).from_(sql.table(f"{called}_{name}")) for called in moving]
    copies = sql.union(parts)
    several = (
        exp.select(external)
        .from_(sql.table(f"state_{name}"))
        .where(exp.In(this=external.copy(), query=copies.subquery()))
        .group_by(external)
        .having(exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1)))
    )
    return sql.keys_in(f"state_{name}").where(
        exp.In(this=external.copy(), query=several.subquery())
    )


def _refused(of: str, text: exp.Expr) -> exp.Expr:
    unchanged = sql.same(sql.column("refused", of), sql.call("md5", text))
    waiting = sql.no(sql.call("coalesce", sql.column("retry", of), exp.false()))
    return exp.and_(unchanged, waiting)


def _aside(bench: Workbench, flow: Flow) -> Iterator[exp.Select]:
    """Keys that are not planned now, and why."""
    name = flow.name
    # What the target refused last is not sent again before it is due. An exit has no text.
    for called, text in (
        (f"fresh_{name}", sql.column("after")),
        (f"again_{name}", sql.column("after")),
        (f"exit_{name}", sql.text("")),
    ):
        if size(bench, called):
            yield _refusal(called).where(_refused(called, text))
    if size(bench, f"kept_{name}"):
        yield exp.select(sql.column("key"), sql.column("code")).from_(sql.table(f"kept_{name}"))
    if size(bench, f"fresh_{name}"):
        unknown = sql.same(sql.column("state"), sql.text("unknown"))
        yield _coded(f"fresh_{name}", "M651").where(unknown)
    for called in (f"doubtful_{name}", f"shared_{name}"):
        if size(bench, called):
            yield _coded(called, "M505")
    yield from blank.unaskable(bench, flow)
    if flow.on_drift != "restore" and size(bench, f"missing_{name}"):
        wanted = sql.keys_in(f"again_{name}").subquery()
        gone = exp.In(this=sql.column("key"), query=wanted)
        yield _coded(f"missing_{name}", "M506").where(gone)


def _coded(called: str, code: str) -> exp.Select:
    return _told(called, sql.text(code))


def _refusal(called: str) -> exp.Select:
    accepted = sql.missing(sql.column("retry"))
    return _told(called, sql.case([(accepted, sql.text(ACCEPTED))], sql.text("M650")))


def _told(called: str, code: exp.Expr) -> exp.Select:
    query = exp.select(sql.column("key"), sql.named(code, "code"))
    return query.from_(sql.table(called, called))


def count_desired(bench: Workbench, flow: Flow, keys: exp.Select) -> int:
    """Count the copies that are desired and not set aside.

    Args:
        bench: After `diff`.
        flow: Which.
        keys: What `project.keys` selects.
    """
    keys = without(bench, keys, sql.column("key", project.GOLDEN), f"aside_{flow.name}")
    return number(bench, exp.select(exp.Count(this=exp.Star())).from_(keys.subquery("d")))

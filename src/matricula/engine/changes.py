"""Changes: what is to be done about the copies that the diff found not to be as they should.

Leaves for flow F the table `change_F`, whose columns and kinds `matricula.engine.diff` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import observe, sql
from matricula.engine.workbench import run, size

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from matricula.charter.model import Flow
    from matricula.engine.workbench import Workbench

DESIRED = ("after", "initial", "match", "waits")


def gather_changes(bench: Workbench, flow: Flow) -> None:
    """Find what is to be done.

    Args:
        bench: With all that `diff` finds out before.
        flow: Which.
    """
    # One after the other: all at once would hold the memory of all their joins.
    for source, query in _parts(bench, flow):
        if size(bench, f"{source}_{flow.name}"):
            _change(bench, flow.name, query)


def _change(bench: Workbench, name: str, query: exp.Select) -> None:
    """Add to what is to be done."""
    called = f"change_{name}"
    chosen = _settled(query, name, aside=bool(size(bench, f"aside_{name}")))
    if size(bench, called):
        run(bench, exp.insert(chosen, sql.table(called), copy=False))
    else:
        run(bench, sql.create("TABLE", called, chosen))


def _parts(bench: Workbench, flow: Flow) -> Iterator[tuple[str, exp.Select]]:
    """List what may have to be done, by the table it comes from."""
    name = flow.name
    there = [c for c in ("before", "met", "missing", "fresh", "exit", "kept", "again")
             if size(bench, f"{c}_{name}")]  # fmt: skip
    yield "fresh", _wanted(flow, there)
    yield "exit", _leaving(flow, there)
    yield "restore", _restored(flow, there)
    if flow.on_exit == "suspend":
        yield "restore", _put_back_to_sleep(flow, there)


def _settled(query: exp.Select, name: str, *, aside: bool) -> exp.Select:
    # An update whose fields all agree (a charter that grants one less) is no change.
    idle = exp.and_(
        sql.same(sql.column("kind"), sql.text("update")),
        sql.same(sql.call("len", sql.column("fields")), exp.Literal.number(0)),
    )
    chosen = exp.select(exp.Star()).from_(query.subquery("c")).where(sql.no(idle))
    return (
        chosen.where(sql.absent(sql.column("key"), sql.keys_in(f"aside_{name}")))
        if aside
        else chosen
    )


def _wanted(flow: Flow, there: Sequence[str]) -> exp.Select:
    """Creates, updates, resumes and matches."""
    name = flow.name
    met, had = _Beside("met", "m", there), _Beside("before", "b", there)
    gone = sql.call("coalesce", met.value("gone", "BOOLEAN"), exp.false())
    external = sql.case(
        [(gone, exp.null())],
        sql.call("coalesce", sql.column("external_id", "f"), met.value("external_id")),
    )
    known = [met.value("edited"), had.value("confirmed"), met.value("found")]
    before = sql.case([(gone, exp.null())], sql.call("coalesce", *known))
    after = sql.column("after", "f")
    query = exp.select(
        sql.column("key", "f"),
        sql.named(_kind(external, met), "kind"),
        sql.named(external, "external_id"),
        sql.named(before, "before"),
        after,
        sql.named(sql.case([(sql.missing(external), sql.column("initial", "f"))]), "initial"),
        sql.column("match", "f"),
        sql.column("waits", "f"),
        sql.named(_differing(flow, before, after), "fields"),
    ).from_(sql.table(f"fresh_{name}", "f"))
    return had.join(met.join(query, name, "f"), name, "f")


@dataclass(frozen=True, slots=True)
class _Beside:
    """A table that tells more of some keys, where there is one; otherwise it tells null."""

    called: str
    alias: str
    there: Sequence[str]

    def value(self, column: str, kind: str = "VARCHAR") -> exp.Expr:
        """Take one of its columns."""
        if self.called in self.there:
            return sql.column(column, self.alias)
        return sql.cast(exp.null(), kind)

    def join(self, query: exp.Select, name: str, of: str) -> exp.Select:
        """Put it beside a query, by key."""
        if self.called not in self.there:
            return query
        return query.join(
            sql.table(f"{self.called}_{name}", self.alias),
            on=sql.same(sql.column("key", self.alias), sql.column("key", of)),
            join_type="left",
        )


def _kind(external: exp.Expr, met: _Beside) -> exp.Expr:
    """Say what is to be done about a desired row, by what is known of its copy."""
    state, after = sql.column("state", "f"), sql.column("after", "f")
    woken = met.value("suspended", "BOOLEAN")
    asleep = exp.or_(sql.same(state, sql.text("suspended")), woken)
    agrees = sql.same(met.value("found"), after)
    return sql.case(
        [
            (sql.missing(external), sql.text("create")),
            (asleep, sql.text("resume")),
            (agrees, sql.text("match")),
        ],
        sql.text("update"),
    )


def _leaving(flow: Flow, there: Sequence[str]) -> exp.Select:
    name = flow.name
    kind = "delete" if flow.on_exit == "delete" else "suspend"
    had = _Beside("before", "b", there)
    query = _away("e", kind, had.value("confirmed")).from_(sql.table(f"exit_{name}", "e"))
    return _without(had.join(query, name, "e"), sql.column("key", "e"), name, "missing", there)


def _without(
    query: exp.Select, key: exp.Expr, name: str, called: str, there: Sequence[str]
) -> exp.Select:
    """Leave out the keys of a table, where it holds any."""
    return (
        query.where(sql.absent(key, sql.keys_in(f"{called}_{name}"))) if called in there else query
    )


def _away(of: str, kind: str, before: exp.Expr) -> exp.Select:
    nothing = sql.cast(exp.null(), "VARCHAR")
    return exp.select(
        sql.column("key", of),
        sql.named(sql.text(kind), "kind"),
        sql.column("external_id", of),
        sql.named(before, "before"),
        *[sql.named(nothing, column) for column in DESIRED],
        sql.named(exp.cast(exp.array(), "VARCHAR[]"), "fields"),
    )


def _put_back_to_sleep(flow: Flow, there: Sequence[str]) -> exp.Select:
    """Copies of leavers that somebody woke in the target: only a desired copy is awake."""
    name = flow.name
    woken = sql.call("list_contains", sql.column("fields", "r"), sql.text("_suspended"))
    query = _away("r", "suspend", sql.column("found", "r"))
    query = query.from_(sql.table(f"restore_{name}", "r")).where(woken)
    for worked in ("again", "exit", "kept"):
        query = _without(query, sql.column("key", "r"), name, worked, there)
    return query


def _restored(flow: Flow, there: Sequence[str]) -> exp.Select:
    """Edited copies whose desired state has not changed: put them back."""
    name = flow.name
    gone = sql.missing(sql.column("found", "r"))
    nothing = sql.cast(exp.null(), "VARCHAR")
    query = (
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
    )
    return _without(query, sql.column("key", "r"), name, "fresh", there)


def _as_created(flow: Flow, gone: exp.Expr) -> exp.Expr:
    every = _differing(flow, sql.cast(exp.null(), "VARCHAR"), sql.column("after", "d"))
    return sql.case([(gone, every)], sql.column("fields", "r"))


def _differing(flow: Flow, before: exp.Expr, after: exp.Expr) -> exp.Expr:
    return observe.differing(
        [n for n, f in sorted(flow.fields.items()) if not f.initially], before, after
    )

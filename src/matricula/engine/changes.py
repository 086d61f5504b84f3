"""Changes: what is to be done about the copies that the diff found not to be as they should.

Leaves for flow F the table `change_F`, whose columns and kinds `matricula.engine.diff` tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import observe, sql
from matricula.engine.workbench import add, size, without

if TYPE_CHECKING:
    from collections.abc import Iterator

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
            add(bench, f"change_{flow.name}", _settled(bench, flow, query))


def _parts(bench: Workbench, flow: Flow) -> Iterator[tuple[str, exp.Select]]:
    """List what may have to be done, by the table it comes from."""
    yield "fresh", _wanted(bench, flow)
    yield "exit", _leaving(bench, flow)
    yield "restore", _restored(bench, flow)
    if flow.on_exit == "suspend":
        yield "restore", _put_back_to_sleep(bench, flow)


def _settled(bench: Workbench, flow: Flow, query: exp.Select) -> exp.Select:
    # An update whose fields all agree (a charter that grants one less) is no change.
    idle = exp.and_(
        sql.same(sql.column("kind"), sql.text("update")),
        sql.same(sql.call("len", sql.column("fields")), exp.Literal.number(0)),
    )
    chosen = exp.select(exp.Star()).from_(query.subquery("c")).where(sql.no(idle))
    return without(bench, chosen, sql.column("key"), f"aside_{flow.name}")


def _wanted(bench: Workbench, flow: Flow) -> exp.Select:
    """Creates, updates, resumes and matches."""
    met, had = _Beside(bench, f"met_{flow.name}", "m"), _Beside(bench, f"before_{flow.name}", "b")
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
    ).from_(sql.table(f"fresh_{flow.name}", "f"))
    return had.join(met.join(query, "f"), "f")


@dataclass(frozen=True, slots=True)
class _Beside:
    """A table that tells more of some keys, where there is one; otherwise it tells null."""

    bench: Workbench
    called: str
    alias: str

    def value(self, column: str, kind: str = "VARCHAR") -> exp.Expr:
        """Take one of its columns."""
        if size(self.bench, self.called):
            return sql.column(column, self.alias)
        return sql.cast(exp.null(), kind)

    def join(self, query: exp.Select, of: str) -> exp.Select:
        """Put it beside a query, by key."""
        if not size(self.bench, self.called):
            return query
        return query.join(
            sql.table(self.called, self.alias),
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


def _leaving(bench: Workbench, flow: Flow) -> exp.Select:
    name = flow.name
    kind = "delete" if flow.on_exit == "delete" else "suspend"
    had = _Beside(bench, f"before_{name}", "b")
    query = _away("e", kind, had.value("confirmed")).from_(sql.table(f"exit_{name}", "e"))
    return without(bench, had.join(query, "e"), sql.column("key", "e"), f"missing_{name}")


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


def _put_back_to_sleep(bench: Workbench, flow: Flow) -> exp.Select:
    """Copies of leavers that somebody woke in the target: only a desired copy is awake."""
    name = flow.name
    woken = sql.call("list_contains", sql.column("fields", "r"), sql.text("_suspended"))
    query = _away("r", "suspend", sql.column("found", "r"))
    query = query.from_(sql.table(f"restore_{name}", "r")).where(woken)
    for worked in ("again", "exit", "kept"):
        query = without(bench, query, sql.column("key", "r"), f"{worked}_{name}")
    return query


def _restored(bench: Workbench, flow: Flow) -> exp.Select:
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
    return without(bench, query, sql.column("key", "r"), f"fresh_{name}")


def _as_created(flow: Flow, gone: exp.Expr) -> exp.Expr:
    every = _differing(flow, sql.cast(exp.null(), "VARCHAR"), sql.column("after", "d"))
    return sql.case([(gone, every)], sql.column("fields", "r"))


def _differing(flow: Flow, before: exp.Expr, after: exp.Expr) -> exp.Expr:
    return observe.differing(
        [n for n, f in sorted(flow.fields.items()) if not f.initially], before, after
    )

"""Observe: what the target was seen to hold, beside what it confirmed.

Leaves for flow F: `matched_F` (`key`, `external_id`, `found`, `suspended`): records of the
target that the match rule names for a key without a copy, one for one; `doubtful_F`
(`key`): keys for which it names several; `drift_F`: copies that differ from what was
confirmed; `missing_F` (`key`): copies that are gone; `restore_F`: the drift that the flow
puts back; `met_F`: the three of them as one. What holds nothing is noted only, and without
a reading of the target none of them holds anything: no reading, no drift.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql, values
from matricula.engine.accepted import overlook
from matricula.engine.state import fetch_keys, load_links
from matricula.engine.workbench import arrow, leave_out, register, run, size, without

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pyarrow as pa

    from matricula.charter.model import Flow
    from matricula.engine.state import Confirmed
    from matricula.engine.workbench import Workbench

_LEFT = ("matched", "doubtful", "drift", "missing", "restore", "met")


def observe(
    bench: Workbench,
    flow: Flow,
    known: Confirmed,
    *,
    seen: pa.Schema | None,
    accepted: pa.Table | None = None,
) -> None:
    """Compare the target's own reading with what it confirmed.

    Args:
        bench: With `state_F`, `fresh_F` and, where `seen` is given, `seen_F`.
        flow: Which.
        known: Asked for the confirmed text of copies that differ.
        seen: The schema of `seen_F`, or None when the target was not read.
        accepted: Edits that are let stand: `key`, `field` and `value`.
    """
    name = flow.name
    leave_out(bench, *(f"{called}_{name}" for called in _LEFT))
    if seen is None:
        return
    _load_confirmed(bench, flow, known, seen)
    look = _look(flow, seen)
    if accepted is not None:
        look = overlook(bench, flow, known, accepted, look)
    run(bench, sql.create("VIEW", f"look_{name}", look))
    if size(bench, f"fresh_{name}"):
        _find_matches(bench, flow, seen)
    edited = sql.one_per_key(_edited(flow, seen), among=("found", "switched"))
    if run(bench, sql.create("TABLE", f"edited_{name}", edited)):
        _doubt_the_listing(bench, name, known)
        _find_drift(bench, flow, known)
    if any(size(bench, f"{called}_{name}") for called in ("matched", "restore", "missing")):
        run(bench, sql.create("TABLE", f"met_{name}", sql.union_all(_met(bench, name))))


def _doubt_the_listing(bench: Workbench, name: str, known: Confirmed) -> None:
    """Have copies looked up that are to leave and are not listed: unseen they would stay.

    What is still wanted needs no doubt: who makes it again looks it up before.
    """
    if not size(bench, f"exit_{name}"):
        return
    leaving = sql.keys_in(f"exit_{name}").subquery()
    unlisted = sql.keys_in(f"edited_{name}").select(sql.column("external_id"))
    unlisted = unlisted.where(sql.missing(sql.column("found")))
    asked = arrow(bench, unlisted.where(exp.In(this=sql.column("key"), query=leaving)))
    there = known.still_there(name, asked) if asked.num_rows else asked
    if there.num_rows:
        register(bench, f"there_{name}", there)
        mine = exp.In(this=sql.column("key"), query=sql.keys_in(f"there_{name}").subquery())
        run(bench, exp.delete(sql.table(f"edited_{name}"), where=mine))


def _find_drift(bench: Workbench, flow: Flow, known: Confirmed) -> None:
    name = flow.name
    keys = sql.keys_in(f"edited_{name}")
    delivered = known.confirmed(name, fetch_keys(bench, keys))
    load_links(bench, f"delivered_{name}", delivered)
    drift = _drift(flow, fresh=size(bench, f"fresh_{name}") > 0)
    if not run(bench, sql.create("TABLE", f"drift_{name}", drift)):
        return
    gone = sql.keys_in(f"drift_{name}")
    gone = gone.where(sql.missing(sql.column("found")))
    run(bench, sql.create("TABLE", f"missing_{name}", gone))
    if flow.on_drift == "restore":
        restore = exp.select(exp.Star()).from_(sql.table(f"drift_{name}"))
        run(bench, sql.create("TABLE", f"restore_{name}", restore))


def _met(bench: Workbench, name: str) -> list[exp.Query]:
    """What the reading says of each key that has a say in what is to be done about it."""
    nothing, no = sql.cast(exp.null(), "VARCHAR"), exp.false()
    asleep = sql.call("list_contains", sql.column("fields"), sql.text("_suspended"))
    matched = exp.select(
        *[sql.column(column) for column in ("key", "external_id", "found")],
        sql.named(nothing, "edited"),
        sql.column("suspended"),
        sql.named(no, "gone"),
    ).from_(sql.table(f"matched_{name}"))
    restored = exp.select(
        sql.column("key"),
        sql.named(nothing, "external_id"),
        sql.named(nothing, "found"),
        sql.named(sql.column("found"), "edited"),
        sql.named(asleep, "suspended"),
        sql.named(no, "gone"),
    ).from_(sql.table(f"restore_{name}"))
    restored = restored.where(sql.given(sql.column("found")))
    gone = exp.select(
        sql.column("key"),
        *[sql.named(nothing, column) for column in ("external_id", "found", "edited")],
        sql.named(no, "suspended"),
        sql.named(exp.true(), "gone"),
    ).from_(sql.table(f"missing_{name}"))
    parts = {"matched": matched, "restore": restored, "missing": gone}
    return [part for called, part in parts.items() if size(bench, f"{called}_{name}")]


def differing(names: Sequence[str], before: exp.Expr, after: exp.Expr) -> exp.Expr:
    """List, in SQL, the members in which two JSON documents differ."""
    if not names:
        return exp.cast(exp.array(), "VARCHAR[]")
    # Each document is read once, for all its members.
    places = exp.array(*[sql.pointer(name) for name in names])
    sides = [sql.call("json_extract", document, places) for document in (before, after)]
    beside = sql.call("list_zip", exp.array(*[sql.text(name) for name in names]), *sides)
    unlike = sql.differs(_part(2), _part(3))
    chosen = sql.call("list_filter", beside, _each(unlike))
    return sql.call("list_transform", chosen, _each(_part(1)))


def _part(place: int) -> exp.Expr:
    return sql.call("struct_extract_at", exp.column("x"), exp.Literal.number(place))


def _each(what: exp.Expr) -> exp.Lambda:
    return exp.Lambda(this=what, expressions=[exp.to_identifier("x")])


def _unseen(flow: Flow, seen: pa.Schema) -> list[str]:
    granted = (n for n, f in flow.fields.items() if not f.initially)
    return sorted(n for n in granted if n not in seen.names)


def _load_confirmed(bench: Workbench, flow: Flow, known: Confirmed, seen: pa.Schema) -> None:
    """Take in the confirmed text of all copies, only where the target hides a field."""
    if _unseen(flow, seen):
        load_links(bench, f"hidden_{flow.name}", known.confirmed(flow.name, None))


def _look(flow: Flow, seen: pa.Schema) -> exp.Select:
    """Every record of the target, its granted fields as canonical JSON.

    A field that the target does not show is taken as it was confirmed.
    """
    hidden = set(_unseen(flow, seen))
    pairs = [
        (
            name,
            sql.json_value(sql.column("confirmed", "h"), name)
            if name in hidden
            else _observed(flow, seen, name),
        )
        for name, field in sorted(flow.fields.items())
        if not field.initially
    ]
    suspended = sql.column("_suspended", "v") if "_suspended" in seen.names else exp.null()
    query = exp.select(
        sql.named(sql.column("_id", "v"), "external_id"),
        sql.named(sql.cast(suspended, "BOOLEAN"), "suspended"),
        sql.named(sql.json_object(pairs), "found"),
    ).from_(sql.table(f"seen_{flow.name}", "v"))
    if not hidden:
        return query
    query = query.select(sql.column("key", "h"))
    linked = (
        exp.select(*[sql.column(column, "s") for column in ("key", "external_id")])
        .select(sql.column("confirmed", "h"))
        .from_(sql.table(f"state_{flow.name}", "s"))
        .join(
            sql.table(f"hidden_{flow.name}", "h"),
            on=sql.same(sql.column("key", "h"), sql.column("key", "s")),
        )
    )
    return query.join(
        linked.subquery("h"),
        on=sql.same(sql.column("external_id", "h"), sql.column("_id", "v")),
        join_type="left",
    )


def _observed(flow: Flow, seen: pa.Schema, name: str) -> exp.Expr:
    kind, native = flow.fields[name].expression.type, seen.field(name).type
    raw = sql.column(name, "v")
    typed = values.plan_value(values.seen_value(raw, native, kind), kind)
    if not values.can_be_bad(native, kind):
        return typed
    # What is not of its type is shown as it stands; null would hide that somebody wrote it.
    plain = sql.call("to_json", sql.cast(raw, "VARCHAR"))
    return sql.call("coalesce", sql.call("to_json", typed), plain)


def _find_matches(bench: Workbench, flow: Flow, seen: pa.Schema) -> None:
    name = flow.name
    rule = sorted(set(flow.match) & set(seen.names))
    if not rule or len(rule) < len(flow.match):
        # The target shows no such field: the connector looks each one up before creating.
        return
    if not run(bench, sql.create("TABLE", f"pair_{name}", _pairs(bench, flow, seen, rule))):
        return
    unclear = exp.or_(
        exp.In(this=sql.column("key"), query=_several(name, "key", "external_id").subquery()),
        exp.In(
            this=sql.column("external_id"), query=_several(name, "external_id", "key").subquery()
        ),
    )
    doubtful = exp.select(sql.column("key")).distinct().from_(sql.table(f"pair_{name}"))
    run(bench, sql.create("TABLE", f"doubtful_{name}", doubtful.where(unclear)))
    matched = without(bench, _matched(flow, seen), sql.column("key", "p"), f"doubtful_{name}")
    matched = sql.one_per_key(matched, among=("found", "suspended"))
    run(bench, sql.create("TABLE", f"matched_{name}", matched))


def _matched(flow: Flow, seen: pa.Schema) -> exp.Select:
    """Add to the pairs how the target's record reads."""
    name = flow.name
    external = exp.select(sql.column("external_id")).from_(sql.table(f"pair_{name}"))
    look = _look(flow, seen).where(exp.In(this=sql.column("_id", "v"), query=external.subquery()))
    asleep = sql.call("coalesce", sql.column("suspended", "l"), exp.false())
    return (
        exp.select(
            sql.column("key", "p"),
            sql.column("external_id", "p"),
            sql.column("found", "l"),
            sql.named(asleep, "suspended"),
        )
        .from_(sql.table(f"pair_{name}", "p"))
        .join(
            look.subquery("l"),
            on=sql.same(sql.column("external_id", "l"), sql.column("external_id", "p")),
        )
    )


def _several(name: str, one: str, many: str) -> exp.Select:
    distinct = exp.Count(this=exp.Distinct(expressions=[sql.column(many)]))
    return (
        exp.select(sql.column(one))
        .from_(sql.table(f"pair_{name}"))
        .group_by(sql.column(one))
        .having(exp.GT(this=distinct, expression=exp.Literal.number(1)))
    )


def _pairs(bench: Workbench, flow: Flow, seen: pa.Schema, rule: Sequence[str]) -> exp.Select:
    """Keys without a copy beside the unlinked records that the match rule names for them."""
    conditions: list[exp.Expr] = []
    for field in rule:
        kind = flow.match[field].type
        typed = values.seen_value(sql.column(field, "v"), seen.field(field).type, kind)
        mine = sql.call("json_extract_string", sql.column("match", "f"), sql.pointer(field))
        conditions.append(sql.same(sql.cast(values.plan_value(typed, kind), "VARCHAR"), mine))
        # A blank is nobody's identifier: it would find whoever has none either.
        conditions.append(exp.NEQ(this=mine.copy(), expression=sql.text("")))
    linked = exp.select(sql.column("external_id")).from_(sql.table(f"state_{flow.name}"))
    linked = linked.where(sql.given(sql.column("external_id")))
    taken: list[exp.Query] = [linked]
    if size(bench, f"elsewhere_{flow.name}"):
        other = exp.select(sql.column("external_id"))
        taken.append(other.from_(sql.table(f"elsewhere_{flow.name}")))
    return (
        exp.select(sql.column("key", "f"), sql.named(sql.column("_id", "v"), "external_id"))
        .distinct()
        .from_(sql.table(f"seen_{flow.name}", "v"))
        .join(sql.table(f"fresh_{flow.name}", "f"), on=exp.and_(*conditions))
        .where(sql.missing(sql.column("external_id", "f")))
        .where(sql.absent(sql.column("_id", "v"), sql.union(taken)))
    )


def _edited(flow: Flow, seen: pa.Schema) -> exp.Select:
    """Copies whose record is gone, reads otherwise, or was suspended or woken by hand."""
    name = flow.name
    state = sql.column("state", "s")
    is_active = sql.same(state, sql.text("active"))
    present = exp.In(this=state.copy(), expressions=[sql.text("active"), sql.text("suspended")])
    fingerprint = sql.call("md5", sql.column("found", "l"))
    # A suspended copy is compared by its suspension alone: that changed some of its fields.
    reads_otherwise = exp.and_(is_active, sql.differs(fingerprint, sql.column("digest", "s")))
    same_copy: exp.Expr = sql.same(sql.column("external_id", "l"), sql.column("external_id", "s"))
    if _unseen(flow, seen):
        # What it hides was filled in from this key's confirmed text, not another's.
        same_copy = exp.and_(same_copy, sql.same(sql.column("key", "l"), sql.column("key", "s")))
    switched = _switched(flow, seen, is_active)
    return (
        exp.select(
            sql.column("key", "s"),
            sql.column("external_id", "s"),
            sql.column("found", "l"),
            sql.named(sql.call("coalesce", switched, exp.false()), "switched"),
        )
        .from_(sql.table(f"look_{name}", "l"))
        .join(sql.table(f"state_{name}", "s"), on=same_copy, join_type="right")
        .where(present)
        .where(sql.given(sql.column("external_id", "s")))
        .where(
            exp.or_(
                sql.missing(sql.column("external_id", "l")),
                reads_otherwise,
                sql.call("coalesce", switched, exp.false()),
            )
        )
    )


def _switched(flow: Flow, seen: pa.Schema, is_active: exp.Expr) -> exp.Expr:
    """Say that a copy was put to sleep or woken by hand.

    Where the flow grants the very field that says so, an active copy is compared by that
    field alone: the charter may want it asleep.
    """
    asleep = sql.column("suspended", "l")
    woken = exp.and_(sql.no(is_active), sql.no(asleep))
    said_by = b""
    if "_suspended" in seen.names:
        said_by = (seen.field("_suspended").metadata or {}).get(b"said_by", b"")
    if said_by.decode() in flow.fields:
        return exp.Paren(this=woken)
    return exp.Paren(this=exp.or_(woken, exp.and_(is_active, asleep)))


def _drift(flow: Flow, *, fresh: bool) -> exp.Select:
    """Edited copies, field by field; `_suspended` stands for the suspension itself."""
    name = flow.name
    granted = [n for n, f in sorted(flow.fields.items()) if not f.initially]
    delivered, found = sql.column("confirmed", "c"), sql.column("found", "e")
    fields = sql.call(
        "list_concat",
        differing(granted, delivered, found),
        sql.case(
            [
                (
                    sql.column("switched", "e"),
                    exp.cast(exp.array(sql.text("_suspended")), "VARCHAR[]"),
                )
            ],
            exp.cast(exp.array(), "VARCHAR[]"),
        ),
    )
    told = (
        exp.select(
            sql.column("key", "e"),
            sql.column("external_id", "e"),
            sql.named(delivered, "delivered"),
            found,
            sql.named(fields, "fields"),
        )
        .from_(sql.table(f"edited_{name}", "e"))
        .join(
            sql.table(f"delivered_{name}", "c"),
            on=sql.same(sql.column("key", "c"), sql.column("key", "e")),
        )
    )
    if fresh:
        # What its owner says by now is no edit any more.
        told = told.join(sql.table(f"fresh_{name}", "f"), on=_adopted(), join_type="anti")
    something = exp.or_(
        exp.GT(this=sql.call("len", sql.column("fields")), expression=exp.Literal.number(0)),
        sql.missing(sql.column("found")),
    )
    return exp.select(exp.Star()).from_(told.subquery("t")).where(something)


def _adopted() -> exp.Expr:
    mine = sql.same(sql.column("key", "f"), sql.column("key", "e"))
    said = sql.same(sql.column("after", "f"), sql.column("found", "e"))
    return exp.and_(mine, said, sql.no(sql.column("switched", "e")))

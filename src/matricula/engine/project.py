"""Project: what each target should hold, by the charter's expressions.

Leaves for flow F the view `desired_F`: `key`, `after` (canonical JSON of the granted
fields, by name), `initial` (JSON of proposed fields, or null), `match` (JSON of the match
rule's values) and `waits` (JSON of the links that are not there yet, or null). Keys whose
owner states a value of the wrong type, or that two records claim, stand in `kept_F`
instead: their copies stay as they are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlglot import exp

from matricula.engine import sql, values
from matricula.engine.workbench import run

if TYPE_CHECKING:
    from datetime import date

    import duckdb

    from matricula.charter.model import Charter, Expression, Flow, FlowField, LinkCall

_GOLDEN = "g"


def project(
    connection: duckdb.DuckDBPyConnection, charter: Charter, flow: Flow, *, on: date
) -> None:
    """Say what the target of a flow should hold.

    Args:
        connection: After `compose` of the flow's entity and of what it refers to; for every
            link the table `link_<other flow>` (`key`, `external_id`) must be there.
        charter: For the entities behind refs.
        flow: Which.
        on: The institution's date, for `as_of()`.
    """
    run(connection, sql.create("TABLE", f"kept_{flow.name}", _kept(charter, flow)))
    run(connection, sql.create("VIEW", f"desired_{flow.name}", desired(charter, flow, on=on)))


def desired(charter: Charter, flow: Flow, *, on: date) -> exp.Select:
    """Build the query behind `desired_F`; `matricula sql FLOW` prints it."""
    granted = {n: f for n, f in sorted(flow.fields.items()) if not f.initially}
    proposed = {n: f for n, f in sorted(flow.fields.items()) if f.initially}
    match = [(name, _written(expression, on)) for name, expression in sorted(flow.match.items())]
    nothing = sql.cast(exp.null(), "VARCHAR")
    query = exp.select(
        sql.column("key", _GOLDEN),
        sql.named(sql.json_object(_pairs(granted, on)), "after"),
        sql.named(sql.json_object(_pairs(proposed, on)) if proposed else nothing, "initial"),
        sql.named(sql.json_object(match), "match"),
        sql.named(_waits(flow) or nothing, "waits"),
    ).from_(sql.table(f"golden_{flow.entity}", _GOLDEN))
    query = _join_refs(query, charter, flow)
    query = _join_links(query, flow)
    kept = exp.select(sql.column("key")).from_(sql.table(f"kept_{flow.name}"))
    query = query.where(sql.no(exp.In(this=sql.column("key", _GOLDEN), query=kept.subquery())))
    return query.where(exp.Paren(this=_placed(flow.where, on))) if flow.where else query


def _pairs(fields: dict[str, FlowField], on: date) -> list[tuple[str, exp.Expr]]:
    return [
        (
            name,
            sql.column("external_id", _link_alias(name))
            if field.expression.link
            else _written(field.expression, on),
        )
        for name, field in fields.items()
    ]


def _written(expression: Expression, on: date) -> exp.Expr:
    return values.plan_value(_placed(expression, on), expression.type)


def _placed(expression: Expression, on: date) -> exp.Expr:
    """Put the engine's tables behind an expression's columns and the date behind `as_of()`."""

    def place(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return sql.column(node.name, _ref_alias(node.table) if node.table else _GOLDEN)
        if isinstance(node, exp.Anonymous) and node.name.lower() == "as_of":
            return sql.cast(sql.text(on.isoformat()), "DATE")
        return node

    return expression.tree.copy().transform(place)


def _ref_alias(field: str) -> str:
    return f"ref {field}"


def _link_alias(field: str) -> str:
    return f"link {field}"


def _expressions(flow: Flow) -> list[Expression]:
    found = [field.expression for field in flow.fields.values()] + list(flow.match.values())
    return [*found, flow.where] if flow.where else found


def refs_of(flow: Flow) -> list[str]:
    """List the ref fields through which a flow reads another entity, sorted."""
    return sorted({read.field for e in _expressions(flow) for read in e.reads if read.of})


def _join_refs(query: exp.Select, charter: Charter, flow: Flow) -> exp.Select:
    for field in refs_of(flow):
        entity = charter.entities[flow.entity].fields[field].type.entity
        query = query.join(
            sql.table(f"whole_{entity}", _ref_alias(field)),
            on=sql.same(sql.column("key", _ref_alias(field)), sql.column(field, _GOLDEN)),
            join_type="left",
        )
    return query


def link_key(link: LinkCall, of: str = _GOLDEN) -> exp.Expr:
    """Spell the key that a link asks for."""
    return sql.key_of([sql.column(argument, of) for argument in link.arguments])


def _join_links(query: exp.Select, flow: Flow) -> exp.Select:
    for name, field in flow.fields.items():
        if not field.expression.link:
            continue
        alias = _link_alias(name)
        query = query.join(
            sql.table(f"link_{field.expression.link.flow}", alias),
            on=sql.same(sql.column("key", alias), link_key(field.expression.link)),
            join_type="left",
        )
    return query


def _waits(flow: Flow) -> exp.Expr | None:
    links = [(n, f.expression.link) for n, f in sorted(flow.fields.items()) if f.expression.link]
    if not links:
        return None
    waiting = exp.or_(*[sql.missing(sql.column("external_id", _link_alias(n))) for n, _ in links])
    told = sql.json_object(
        (
            name,
            sql.case(
                [
                    (
                        sql.missing(sql.column("external_id", _link_alias(name))),
                        sql.call("json_array", sql.text(link.flow), link_key(link)),
                    )
                ]
            ),
        )
        for name, link in links
    )
    return sql.case([(waiting, told)])


def _kept(charter: Charter, flow: Flow) -> exp.Query:
    """Keys to leave alone: a carried value is not of its type, or two records claim the key."""
    entity = charter.entities[flow.entity]
    own = {e.split(".", 1)[1] for e in flow.carries if e.split(".", 1)[0] == entity.name}
    own |= set(entity.key)
    amiss = (
        exp.select(sql.column("key"), sql.named(sql.text("M410"), "code"))
        .from_(sql.table(f"amiss_{entity.name}"))
        .where(exp.In(this=sql.column("field"), expressions=[sql.text(n) for n in sorted(own)]))
    )
    resources = sorted({str(entity.fields[name].owner) for name in own})
    twice = (
        exp.select(sql.column("key"), sql.named(sql.text("M412"), "code"))
        .from_(sql.table(f"twice_{entity.name}"))
        .where(exp.In(this=sql.column("resource"), expressions=[sql.text(r) for r in resources]))
    )
    query: exp.Query = exp.union(amiss, twice, distinct=True)
    for field in refs_of(flow):
        other = entity.fields[field].type.entity
        behind = (
            exp.select(sql.column("key", _GOLDEN), sql.named(sql.text("M410"), "code"))
            .from_(sql.table(f"golden_{entity.name}", _GOLDEN))
            .join(
                sql.table(f"amiss_{other}", "a"),
                on=sql.same(sql.column("key", "a"), sql.column(field, _GOLDEN)),
            )
        )
        query = exp.union(query, behind, distinct=True)
    return query
